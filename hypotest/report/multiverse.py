"""What ``hypotest multiverse`` prints and leaves behind.

<folder>/
  multiverse.md        figures/*.svg, *.png
  multiverse.json      multiverse.parquet
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.text import Text

from hypotest.records.folders import replace_folder
from hypotest.records.multiverse import ChoiceFlips, MultiverseResult, Robustness, SpecificationResult
from hypotest.records.progress import StartStage, silent
from hypotest.report.console_table import ConsoleTable
from hypotest.report.multiverse_words import choice_name, choices_text, value_text
from hypotest.report.picture import Picture
from hypotest.report.results_file import json_text
from hypotest.report.tables import figure, table
from hypotest.report.text import escape_markdown, file_slug, printable

_NAME_WIDTH = len("head-specificity")
_EXPLORATORY = "Exploratory, whether the protocol is registered or not"
_NOTE = (
    "{status}: a multiverse describes robustness and never decides. Outcomes are those of single tests at "
    "the unadjusted level {level:g}: over many specifications some differ by chance alone, and all rest on "
    "the same text and model, so that their number is no weight of evidence. The verdict of a protocol is "
    "that of its declared specification."
)


def write_multiverse(found: MultiverseResult, start_stage: StartStage = silent) -> None:
    """Write table, summary, Markdown and figures; a former multiverse in that folder is replaced whole.

    Raises:
        OutputError: If the folder cannot be written; what was there stays.
    """
    with replace_folder(found.folder) as folder:
        found.table.write_parquet(folder / "multiverse.parquet")
        (folder / "multiverse.json").write_text(multiverse_json(found), encoding="utf-8", newline="\n")
        pictures = _draw(found, folder, start_stage)
        text = render_multiverse(found, pictures)
        (folder / "multiverse.md").write_text(text, encoding="utf-8", newline="\n")


def multiverse_json(found: MultiverseResult) -> str:
    """Everything but the folder as JSON: the rows of the table, what flips, the verdicts."""
    return json_text(
        {
            "schema_version": 1,
            "protocol": found.protocol,
            "protocol_id": found.protocol_id,
            "title": found.title,
            "level": found.level,
            "draws": found.draws,
            "n_definitions": found.n_definitions,
            "n_evidence": found.n_evidence,
            "choices": found.choices,
            "specifications": found.table.to_dicts(),
            "robustness": found.robustness,
            "verdicts": found.verdicts,
        }
    )


def render_multiverse(found: MultiverseResult, pictures: Sequence[Picture]) -> str:
    """The report as GitHub-flavoured Markdown."""
    draws = "as many draws of each null as the protocol declares"
    if found.draws is not None:
        draws = f"at most {found.draws:,} draws of each null"
    parts = [
        f"# {escape_markdown(found.title)}: multiverse",
        f"{len(found.tests):,} specifications of {len(found.robustness)} predictions, with {draws}. "
        f"Definitions of rarity and ablation: {found.n_definitions}; different evidence that they needed: "
        f"{found.n_evidence}.",
        f"> [!NOTE]\n> {_NOTE.format(status=_EXPLORATORY, level=found.level)}",
        "## Choices",
        table(
            ["choice", "values"],
            [
                [choice_name(name), ", ".join(escape_markdown(value_text(name, item)) for item in values)]
                for name, values in found.choices.items()
            ],
        ),
        "## How often outcomes flip",
        _overview(found),
        "A flip is another outcome than the declared specification's. The choice named last is the one that "
        "most often changes the outcome when it alone changes: of all pairs of specifications that differ in "
        "it only, the share whose outcomes differ.",
        *_verdicts(found),
        "## Predictions",
    ]
    for item in found.robustness:
        if item.n_specifications > 1:
            parts += [f"### {escape_markdown(item.prediction)}", _flips(item)]
            parts += figure(pictures, item.prediction)
    return "\n\n".join(parts) + "\n"


def summary(found: MultiverseResult) -> ConsoleTable:
    """The console's table: one row per prediction, and one for each hypothesis' verdict."""
    title = Text(f"{printable(found.title)}\n{_EXPLORATORY}.")
    rows = ConsoleTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, title=title)
    rows.title_justify = "left"
    for name in ("prediction", "declared", "specs", "flips", "outcomes", "most by"):
        rows.add_column(
            Text(name),
            justify="right" if name in ("specs", "flips") else "left",
            overflow="fold",
            min_width=_NAME_WIDTH if name == "prediction" else None,
        )
    for item in found.robustness:
        rows.add_row(
            Text(printable(item.prediction)),
            Text(item.declared),
            Text(f"{item.n_specifications:,}"),
            Text(_flipped(item)),
            Text(_outcomes(item)),
            Text(_responsible(item.responsible)),
        )
    rows.add_section()
    for name, declared, n_flips, statuses in _statuses(found):
        rows.add_row(
            Text(f"verdict: {printable(name)}"),
            Text(declared),
            Text(f"{len(found.verdicts):,}"),
            Text(f"{n_flips:,}"),
            Text(statuses),
            Text(""),
        )
    return rows


def _draw(found: MultiverseResult, folder: Path, start_stage: StartStage) -> tuple[Picture, ...]:
    # Imported here: the summary needs no matplotlib.
    from hypotest.report.figure_style import house_style, save
    from hypotest.report.multiverse_figures import draw_specification_curve

    (folder / "figures").mkdir()
    varied = [
        (number, item) for number, item in enumerate(found.robustness, start=1) if item.n_specifications > 1
    ]
    step = start_stage("figures", len(varied))
    pictures = []
    with house_style():
        for number, item in varied:
            picture = Picture(
                f"{number:02d}-{file_slug(item.prediction)}",
                item.prediction,
                "Above, the effect under every specification, with its interval over documents where there "
                "is one, and its margin; marks show the outcome. Below, the choices. The dashed line is the "
                "declared specification.",
            )
            save(draw_specification_curve(_tests_of(found, item)), folder / "figures", picture.name)
            pictures.append(picture)
            step()
    return tuple(pictures)


def _tests_of(found: MultiverseResult, item: Robustness) -> list[SpecificationResult]:
    return [test for test in found.tests if test.specification.prediction == item.prediction]


def _overview(found: MultiverseResult) -> str:
    return table(
        ["prediction", "specifications", "declared", "flips", "all outcomes", "most by"],
        [
            [
                escape_markdown(item.prediction),
                f"{item.n_specifications:,}",
                f"**{item.declared}**",
                _flipped(item),
                _outcomes(item),
                _responsible(item.responsible),
            ]
            for item in found.robustness
        ],
        numeric=(1, 3),
    )


def _flipped(item: Robustness) -> str:
    if item.n_specifications == 1:
        return "-"
    return f"{item.n_flips:,} ({item.share_flipped:.0%})"


def _outcomes(item: Robustness) -> str:
    return ", ".join(f"{count / item.n_specifications:.0%} {name}" for name, count in item.outcomes.items())


def _responsible(choice: ChoiceFlips | None) -> str:
    return "" if choice is None else f"{choice_name(choice.choice)} ({choice.share:.0%})"


def _flips(item: Robustness) -> str:
    return table(
        ["when only this changes", "from the declared one", "over all pairs"],
        [
            [
                choice_name(choice.choice),
                f"{choice.n_flips} of {choice.n_alternatives} flip",
                f"{choice.n_pair_flips:,} of {choice.n_pairs:,} differ ({choice.share:.0%})",
            ]
            for choice in item.by_choice
        ],
        numeric=(1, 2),
    )


def _verdicts(found: MultiverseResult) -> list[str]:
    """The verdicts, in full where the shared choices vary."""
    if len(found.verdicts) < 2:
        return []
    names = tuple(found.verdicts[0].statuses)
    changes = table(
        ["hypothesis", "declared", "combinations", "other verdict", "all verdicts"],
        [
            [escape_markdown(name), f"**{declared}**", f"{len(found.verdicts):,}", f"{n_flips:,}", statuses]
            for name, declared, n_flips, statuses in _statuses(found)
        ],
        numeric=(2, 3),
    )
    every = table(
        ["evidence and group", *(escape_markdown(name) for name in names)],
        [
            [
                escape_markdown(choices_text(item.choices)) + (" (declared)" if item.is_declared else ""),
                *(item.statuses[name] for name in names),
            ]
            for item in found.verdicts
        ],
    )
    return [
        "## How often the verdict changes",
        "Each combination of the choices of evidence and group is a complete protocol, its predictions' own "
        "options as declared and adjusted together as in a run.",
        changes,
        every,
    ]


def _statuses(found: MultiverseResult) -> list[tuple[str, str, int, str]]:
    """Hypothesis, declared status, how often it is another, and the share of each status."""
    (declared,) = (item for item in found.verdicts if item.is_declared)
    rows = []
    for name, status in declared.statuses.items():
        all_statuses = [item.statuses[name] for item in found.verdicts]
        shares = ", ".join(
            f"{all_statuses.count(each) / len(all_statuses):.0%} {each}"
            for each in dict.fromkeys(all_statuses)
        )
        rows.append((name, str(status), len(all_statuses) - all_statuses.count(status), shares))
    return rows
