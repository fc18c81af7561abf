"""Regenerate the committed reports and what the README copies from them: ``make example``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import OF_NULLS
from hypotest.nulls.registry import NULLS, names_of
from hypotest.pages.document import table
from hypotest.pages.inline import Inline, code, joined, strong
from hypotest.pages.markdown import markdown
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.report.numbers import prediction_text
from hypotest.report.run import Run
from hypotest.studies.demo.study import pack

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "reports" / "rare-tokens" / "example"
AS_PUBLISHED = ROOT / "reports" / "rare-tokens-as-published" / "example"
VERDICT, BOTH, VOCABULARY = "verdict", "both", "measures"
"""Marks of the README: the table of the example, both verdicts side by side, the measures of the language."""


def shown() -> str:
    """What ``hypotest show`` prints of the example, at 80 columns and without a terminal."""
    command = [sys.executable, "-m", "hypotest", "show", str(EXAMPLE.relative_to(ROOT))]
    environment = {"COLUMNS": "80", "NO_COLOR": "1", "PATH": ""}
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    text = "\n".join(line.rstrip() for line in finished.stdout.strip().splitlines())
    return f"```text\n{text}\n```"


def side_by_side(run: Run, published: Run) -> str:
    """Outcomes and verdicts of two protocols about the same claims, as Markdown; bold where outcomes differ.

    Args:
        run: Decides by neurons alike in all but rare targets where the claim is about rarity.
        published: Decides by size_matched groups, as the papers do.
    """
    runs = (run, published)
    by_id = [{item.id: item for item in one.results.predictions} for one in runs]
    verdicts = [{item.hypothesis: item.status for item in one.results.verdicts} for one in runs]
    rows: list[tuple[Inline, ...]] = []
    for name in dict.fromkeys(name for items in by_id for name in items):
        pair = [items.get(name) for items in by_id]
        differ = len({item.outcome for item in pair if item is not None}) > 1
        rows.append((name, *(_outcome(item, differ) for item in pair)))
    rows += [
        (strong(name), *(strong(of_one.get(name, "")) for of_one in verdicts))
        for name in dict.fromkeys(name for of_one in verdicts for name in of_one)
    ]
    return markdown(table(["prediction", *(one.results.protocol_id for one in runs)], rows))


def _outcome(item: PredictionResult | None, bold: bool) -> Inline:
    if item is None:
        return ""
    numbers = prediction_text(item)
    test = " by TOST" if numbers.of_equivalence else ""
    p = f"p {numbers.p}{test}".replace("p <", "p < ")
    against = "the declared value" if item.reference == "value" else item.against
    return (strong(item.outcome) if bold else item.outcome, f": {numbers.effect} against {against}, {p}")


def measures_table() -> str:
    """The measures of the protocol language, as Markdown."""
    rows = []
    for measure in MEASURES.values():
        without = [name for name in NULLS if NULLS[name].form not in measure.contrasts]
        fixed = [code(form.value) for form in measure.contrasts if form not in OF_NULLS]
        if len(names := names_of(measure.contrasts)) == 1 and not fixed:
            fixed = [code(f"{{null: {names[0]}}}")]
        options = [
            f"{name}: {option.default}" if option.default != "" else f"{name}: first"
            for name, option in measure.options.items()
        ]
        words = measure.words.of(Conditions("first", "second"))
        rows.append(
            (
                code(measure.name),
                f"{words.title}; {words.unit}",
                joined(", ", fixed) or "a null" + f", but not {' or '.join(without)}" * bool(without),
                code(", ".join(options)),
            )
        )
    head = ["measure", "what it is; unit", "contrast", "options, with their defaults"]
    return markdown(table(head, rows))


def readme_with(text: str, mark: str, readme: str) -> str:
    """A README with a text between two marks, such as ``<!-- verdict: begin -->``."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, rest = readme.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def command(*arguments: str) -> None:
    """Run a command of hypotest in this process; one that fails ends it."""
    from hypotest.__main__ import main as hypotest

    try:
        hypotest(list(arguments))
    except SystemExit as finished:
        if finished.code:
            raise


def regenerate(protocol: Path, place: Path) -> None:
    """Run a protocol and put its folder in place."""
    with tempfile.TemporaryDirectory() as folder:
        command("run", str(protocol), "--out", folder)
        (run,) = Path(folder).glob("*/*/")
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(run, place)


def main() -> None:
    """Run both protocols, put their folders in place, and copy tables and verdicts into the README."""
    for place in (EXAMPLE, AS_PUBLISHED):
        regenerate(ROOT / "protocols" / f"{place.parent.name}.yaml", place)
    pack(EXAMPLE)
    path = ROOT / "README.md"
    readme = readme_with(shown(), VERDICT, path.read_text(encoding="utf-8"))
    both = side_by_side(Run.open(EXAMPLE), Run.open(AS_PUBLISHED))
    readme = readme_with(measures_table(), VOCABULARY, readme_with(both, BOTH, readme))
    path.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
