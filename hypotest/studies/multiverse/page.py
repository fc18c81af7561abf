"""What ``hypotest multiverse`` prints and leaves behind.

<folder>/
  multiverse.md        figures/*.svg, *.png
  multiverse.json      multiverse.parquet
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hypotest.engine.progress import StartStage, silent
from hypotest.pages.document import Document, Heading, Note, Paragraph, Part, Table, document, table, together
from hypotest.pages.inline import Inline, emphasis, strong
from hypotest.pages.markdown import write_markdown
from hypotest.records.protocol.wording import words_of
from hypotest.records.stored.folders import replace_folder
from hypotest.registration.titles import as_asked
from hypotest.report.picture import Picture, figures_of
from hypotest.report.results_file import json_text
from hypotest.report.reworded import reworded
from hypotest.report.text import file_slug
from hypotest.studies.multiverse.record import ChoiceFlips, MultiverseResult, Robustness, SpecificationResult
from hypotest.studies.multiverse.words import choice_name, choices_text, value_text

_NAME_WIDTH = len("head-specificity")
_EXPLORATORY = "Exploratory, whether the protocol is registered or not"
_NOTE = (
    "{status}: a multiverse describes robustness and never decides. Outcomes are those of single tests at "
    "the unadjusted level {level:g}: over many specifications some differ by chance alone, and all rest on "
    "the same data and model, so that their number is no weight of evidence. The verdict of a protocol is "
    "that of its declared specification."
)


def write_multiverse(result: MultiverseResult, start_stage: StartStage = silent) -> None:
    """Write table, summary, Markdown and figures; a former multiverse in that folder is replaced whole.

    Raises:
        OutputError: If the folder cannot be written; what was there stays.
    """
    with replace_folder(result.folder) as folder:
        result.table.write_parquet(folder / "multiverse.parquet")
        (folder / "multiverse.json").write_text(multiverse_json(result), encoding="utf-8", newline="\n")
        pictures = _draw(result, folder, start_stage)
        write_markdown(folder / "multiverse.md", multiverse_page(result, pictures))


def multiverse_json(result: MultiverseResult) -> str:
    """Everything but the folder as JSON: the rows of the table, what flips, the verdicts."""
    return json_text(
        {
            "schema_version": 1,
            "protocol": result.protocol,
            "protocol_id": result.protocol_id,
            "title": result.title,
            "level": result.level,
            "draws": result.draws,
            "n_definitions": result.n_definitions,
            "n_evidence": result.n_evidence,
            "choices": result.choices,
            "specifications": result.table.to_dicts(),
            "robustness": result.robustness,
            "verdicts": result.verdicts,
        }
    )


def multiverse_page(result: MultiverseResult, pictures: Sequence[Picture]) -> Document:
    """The report."""
    return reworded(document(_parts(result, pictures)), words_of(result.protocol))


def _parts(result: MultiverseResult, pictures: Sequence[Picture]) -> Iterator[Part]:
    draws = "as many draws of each null as the protocol declares"
    if result.draws is not None:
        draws = f"at most {result.draws:,} draws of each null"
    yield Heading(f"{result.title} (multiverse)", 1)
    yield (
        f"{len(result.tests):,} specifications of {len(result.robustness)} predictions, with {draws}. "
        f"Definitions of conditions and ablation: {result.n_definitions}; different evidence that they "
        f"needed: {result.n_evidence}."
    )
    yield Note("note", (Paragraph(_NOTE.format(status=_EXPLORATORY, level=result.level)),))
    yield Heading("Choices")
    yield table(
        ["choice", "values"],
        [
            (choice_name(name), ", ".join(value_text(name, item) for item in values))
            for name, values in result.choices.items()
        ],
    )
    yield Heading("How often outcomes flip")
    yield table(
        ["prediction", "specifications", "declared", "flips", "all outcomes", "most by"],
        [
            (item.prediction, f"{item.n_specifications:,}", strong(item.declared), *_flip_cells(item))
            for item in result.robustness
        ],
        numeric=(1, 3),
    )
    yield (
        "A flip is another outcome than the declared specification's. The choice named last is the one that "
        "most often changes the outcome when it alone changes: of all pairs of specifications that differ in "
        "it only, the share whose outcomes differ."
    )
    if len(result.verdicts) > 1:
        yield from _verdicts(result)
    yield Heading("Predictions")
    for item in result.robustness:
        if item.n_specifications > 1:
            yield Heading(item.prediction, 3)
            yield _flips(item)
            yield from figures_of(pictures, item.prediction)


def multiverse_summary(result: MultiverseResult) -> Document:
    """For the console: one row per prediction, and one for each hypothesis' verdict."""
    rows: list[tuple[Inline, ...]] = [
        (item.prediction, item.declared, f"{item.n_specifications:,}", *_flip_cells(item))
        for item in result.robustness
    ]
    rows.append(("",) * 6)
    rows += [
        (f"verdict: {name}", declared, f"{len(result.verdicts):,}", f"{n_flips:,}", statuses, "")
        for name, declared, n_flips, statuses in _statuses(result)
    ]
    head = ("prediction", "declared", "specs", "flips", "outcomes", "most by")
    return document(
        [
            together(
                emphasis(as_asked(result.title)),
                emphasis(f"{_EXPLORATORY}."),
                table(head, rows, numeric=(2, 3), whole=_NAME_WIDTH),
            )
        ]
    )


def _draw(result: MultiverseResult, folder: Path, start_stage: StartStage) -> tuple[Picture, ...]:
    # Imported here: the summary needs no matplotlib.
    from hypotest.report.figures.style import house_style, save
    from hypotest.studies.multiverse.figures import curve_in_words, draw_specification_curve

    (folder / "figures").mkdir()
    varied = [
        (number, item) for number, item in enumerate(result.robustness, start=1) if item.n_specifications > 1
    ]
    step = start_stage("figures", len(varied))
    pictures = []
    with house_style():
        for number, item in varied:
            tests = _tests_of(result, item)
            picture = Picture(
                f"{number:02d}-{file_slug(item.prediction)}",
                item.prediction,
                "Above, the effect under every specification, with its interval over documents where there "
                "is one, and its margin; marks show the outcome. Below, the choices. The dashed line is the "
                "declared specification.",
                curve_in_words(tests),
            )
            save(draw_specification_curve(tests), folder / "figures", picture.name)
            pictures.append(picture)
            step()
    return tuple(pictures)


def _tests_of(result: MultiverseResult, item: Robustness) -> list[SpecificationResult]:
    return [test for test in result.tests if test.specification.prediction == item.prediction]


def _flip_cells(item: Robustness) -> tuple[str, str, str]:
    """How many flip, all outcomes, and the choice that makes most of them."""
    return _flipped(item), _outcomes(item), _responsible(item.responsible)


def _flipped(item: Robustness) -> str:
    if item.n_specifications == 1:
        return "-"
    return f"{item.n_flips:,} ({item.share_flipped:.0%})"


def _outcomes(item: Robustness) -> str:
    return ", ".join(f"{count / item.n_specifications:.0%} {name}" for name, count in item.outcomes.items())


def _responsible(choice: ChoiceFlips | None) -> str:
    return "" if choice is None else f"{choice_name(choice.choice)} ({choice.share:.0%})"


def _flips(item: Robustness) -> Table:
    return table(
        ["when only this changes", "from the declared one", "over all pairs"],
        [
            (
                choice_name(choice.choice),
                f"{choice.n_flips} of {choice.n_alternatives} flip",
                f"{choice.n_pair_flips:,} of {choice.n_pairs:,} differ ({choice.share:.0%})",
            )
            for choice in item.by_choice
        ],
        numeric=(1, 2),
    )


def _verdicts(result: MultiverseResult) -> Iterator[Part]:
    """The verdicts, where the shared choices vary."""
    names = tuple(result.verdicts[0].statuses)
    yield Heading("How often the verdict changes")
    yield (
        "Each combination of the choices of evidence and group is a complete protocol, its predictions' own "
        "options as declared and adjusted together as in a run."
    )
    yield table(
        ["hypothesis", "declared", "combinations", "other verdict", "all verdicts"],
        [
            (name, strong(declared), f"{len(result.verdicts):,}", f"{n_flips:,}", statuses)
            for name, declared, n_flips, statuses in _statuses(result)
        ],
        numeric=(2, 3),
    )
    yield table(
        ["evidence and group", *names],
        [
            (
                choices_text(item.choices) + (" (declared)" if item.is_declared else ""),
                *(item.statuses[name] for name in names),
            )
            for item in result.verdicts
        ],
    )


def _statuses(result: MultiverseResult) -> list[tuple[str, str, int, str]]:
    """Hypothesis, declared status, how often it is another, and the share of each status."""
    (declared,) = (item for item in result.verdicts if item.is_declared)
    rows = []
    for name, status in declared.statuses.items():
        all_statuses = [item.statuses[name] for item in result.verdicts]
        shares = ", ".join(
            f"{all_statuses.count(each) / len(all_statuses):.0%} {each}"
            for each in dict.fromkeys(all_statuses)
        )
        rows.append((name, str(status), len(all_statuses) - all_statuses.count(status), shares))
    return rows
