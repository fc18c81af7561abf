"""Regenerate the committed reports and what README and docs copy from them: ``make example``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.made.measures import other_contrasts
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS, names_of
from hypotest.pages.document import table
from hypotest.pages.inline import Inline, code, joined, strong
from hypotest.pages.markdown import markdown
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.report.numbers import prediction_text
from hypotest.report.run import Run
from hypotest.studies.demo.study import pack
from tests.texts import ROOT, put

EXAMPLE = ROOT / "reports" / "rare-tokens" / "example"
EXPERTS = ROOT / "reports" / "experts" / "example"
"""Of a network whose organisation is known: what the pages of measures about wiring show."""
AS_PUBLISHED = ROOT / "reports" / "rare-tokens-as-published" / "example"
VERDICT, BOTH, VOCABULARY = "verdict", "both", "measures"
"""Marks of the pages: the table of the example, both verdicts side by side, the measures of the language."""
FIRST = "my-study.yaml"
EXPLAINED, TABLE = "explained", "first"
"""Marks of the first five minutes: what is said of the first protocol, and what its run prints."""
FIRST_RUN = ROOT / "reports" / "first" / "example"
"""Its run, as a reader has it after five minutes."""


def printed(*arguments: str, cwd: Path) -> str:
    """What a command prints at 80 columns and without a terminal, as a block of Markdown."""
    command = [sys.executable, "-m", "hypotest", *arguments]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True)
    text = "\n".join(line.rstrip() for line in finished.stdout.strip().splitlines())
    return f"```text\n{text}\n```"


def shown(run: Path = EXAMPLE) -> str:
    """What ``hypotest show`` prints of a committed run, by default of the example."""
    return printed("show", str(run.relative_to(ROOT)), cwd=ROOT)


def explained(folder: Path) -> str:
    """What ``hypotest explain`` says of the protocol that ``hypotest init`` writes."""
    printed("init", FIRST, cwd=folder)
    return printed("explain", FIRST, cwd=folder)


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
        fixed = [code(written) for written in other_contrasts(measure)]
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
    """Run the protocols, put their folders in place, and copy tables and verdicts into README and docs."""
    for place in (EXAMPLE, AS_PUBLISHED):
        regenerate(ROOT / "protocols" / f"{place.parent.name}.yaml", place)
    regenerate(ROOT / "protocols" / "networks" / "experts.yaml", EXPERTS)
    pack(EXAMPLE)
    put(shown(), VERDICT)
    put(side_by_side(Run.open(EXAMPLE), Run.open(AS_PUBLISHED)), BOTH)
    put(measures_table(), VOCABULARY)
    with tempfile.TemporaryDirectory() as folder:
        put(explained(Path(folder)), EXPLAINED)
        regenerate(Path(folder) / FIRST, FIRST_RUN)
    put(shown(FIRST_RUN), TABLE)


if __name__ == "__main__":
    main()
