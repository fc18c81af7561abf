"""What a series of runs prints and leaves behind, beside the reports of its members.

<folder>/
  series/    series.md   series.json   figures/*.svg, *.png
  <member>/  report.md   results.json  ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.text import Text

from hypotest.records.folders import replace_folder
from hypotest.records.progress import StartStage, silent
from hypotest.records.series import SERIES_VERSION, Course, Member, SeriesResult, TrendResult
from hypotest.report.console import nearest_path
from hypotest.report.console_table import ConsoleTable
from hypotest.report.numbers import UNDEFINED, p_text, significant
from hypotest.report.picture import Picture
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.tables import figure, table
from hypotest.report.text import escape_markdown, printable, sentence_list, terminal_text

SIGNS = {"less": "<", "greater": ">", "equivalent": "=", "inconclusive": "?", "undefined": "x"}
_STATUS_STYLES = {"supported": "bold green", "refuted": "bold red"}


def write_series(found: SeriesResult, start_stage: StartStage = silent) -> None:
    """Write report, numbers and figures into the folder ``series`` beside the members.

    Raises:
        OutputError: If the folder cannot be written.
    """
    # Imported here: the summary needs no matplotlib.
    from hypotest.report.series_figure import draw_series

    with replace_folder(found.folder / "series") as folder:
        (folder / "series.json").write_text(series_json(found), encoding="utf-8", newline="\n")
        (folder / "figures").mkdir()
        step = start_stage("figure of the series", 1)
        pictures = draw_series(found, folder / "figures")
        step()
        (folder / "series.md").write_text(render_series(found, pictures), encoding="utf-8", newline="\n")


def series_json(found: SeriesResult) -> str:
    """Everything but the folder, as JSON."""
    return json_text({"schema_version": SERIES_VERSION, **fields_without(found, "folder")})


def series_summary(found: SeriesResult) -> ConsoleRenderable:
    """The console's tables: a row per member, the trends, and where the report lies."""
    return _Summary(found)


class _Summary:
    def __init__(self, found: SeriesResult) -> None:
        self._found = found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        found = self._found
        yield Text("EXPLORATORY: a series is not registered as one.")
        yield Text(printable(found.title), style="bold")
        yield Text(f"{printable(found.subject)}: {_counted(found)}")
        yield Text("")
        yield _member_table(found)
        numbers = [f"{place} {printable(item.prediction)}" for place, item in enumerate(found.courses, 1)]
        yield Text(", ".join(numbers), style="dim")
        key = "< less, > greater, = equivalent, ? inconclusive"
        if any(point.outcome == "undefined" for course in found.courses for point in course.points):
            key += ", x undefined"
        yield Text(key, style="dim")
        if any(_marked(found, member) for member in found.members):
            yield Text("* no plateau: the share that the protocol declares", style="dim")
        if any(member.corrected for member in found.members):
            yield Text(_correction(found), style="dim")
        if found.trends:
            yield Text("")
            yield _trend_table(found)
        for item in found.skipped:
            yield Text(f"Left out: {printable(item)}.")
        if found.verdicts:
            yield Text("")
            yield Text(f"Verdict: {found.verdict_line}", style="bold")
        yield Text.assemble(
            "Report: ",
            (terminal_text(nearest_path(found.folder / "series" / "series.md")), "underline"),
            overflow="fold",
        )


def _member_table(found: SeriesResult) -> ConsoleTable:
    rows = ConsoleTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    rows.add_column(Text(found.axis))
    rows.add_column(Text("neurons"), justify="right")
    judged = any(member.corrected for member in found.members)
    for name in found.hypotheses if judged else ():
        rows.add_column(Text(printable(name)), overflow="fold")
    for place in range(1, len(found.courses) + 1):
        rows.add_column(Text(str(place)), justify="center")
    for number, member in enumerate(found.members):
        statuses = [_status(member, name) for name in found.hypotheses] if judged else []
        signs = [Text(SIGNS[course.points[number].outcome]) for course in found.courses]
        mark = "*" if _marked(found, member) else ""
        rows.add_row(Text(f"{member.place:,}"), Text(f"{member.n_neurons:,}{mark}"), *statuses, *signs)
    return rows


def _marked(found: SeriesResult, member: Member) -> bool:
    """Whether the member's group is not the plateau that the protocol looks for."""
    return found.protocol["group"]["select"] == "plateau" and not member.has_plateau


def _status(member: Member, hypothesis: str) -> Text:
    status = member.corrected.get(hypothesis, UNDEFINED)
    return Text(status, style=_STATUS_STYLES.get(status, ""))


def _trend_table(found: SeriesResult) -> ConsoleTable:
    rows = ConsoleTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("trend of", "tau", "p", "p adjusted", "outcome", "leaves the null"):
        rows.add_column(Text(name), justify="right" if name in ("tau", "p", "p adjusted") else "left")
    for item in found.trends:
        rows.add_row(*(Text(cell) for cell in (printable(item.prediction), *_trend_cells(item))))
    return rows


def _trend_cells(item: TrendResult) -> tuple[str, str, str, str, str]:
    adjusted = UNDEFINED if item.p_adjusted is None else p_text(item.p_adjusted)
    tau = UNDEFINED if item.tau is None else f"{item.tau:+.2f}"
    return tau, p_text(item.p_value), adjusted, item.outcome, _leaving(item)


def _leaving(item: TrendResult) -> str:
    if item.leaves_at is None:
        return "never"
    if item.stays_from is None:
        return f"at {item.leaves_at:,}, and returns"
    if item.stays_from == item.leaves_at:
        return f"at {item.leaves_at:,}"
    return f"at {item.leaves_at:,}, for good at {item.stays_from:,}"


def _counted(found: SeriesResult) -> str:
    n = len(found.members)
    what = "layer" if found.axis == "layer" else "checkpoint"
    return f"{n} {what}{'' if n == 1 else 's'}, each tested by itself"


def _correction(found: SeriesResult) -> str:
    return (
        f"Refuted: at level {found.level:g} after correction for all {len(found.members)} {found.axis}s. "
        f"Supported is per {found.axis}."
    )


def render_series(found: SeriesResult, pictures: Sequence[Picture]) -> str:
    """The report as GitHub-flavoured Markdown."""
    over = "over depth" if found.axis == "layer" else "over training"
    parts = [
        f"# {escape_markdown(found.title)}: {over}",
        f"{escape_markdown(found.subject)}: {_counted(found)}. Each member is a run of its own, with its "
        "report beside this one.",
        *_note(found),
        *_verdict(found),
        "## Members",
        _members(found),
        *_reading(found),
        *_trends(found),
        "## Predictions",
        *figure(pictures, "courses"),
    ]
    for course in found.courses:
        parts += [f"### {escape_markdown(course.prediction)}", _course_table(found, course)]
    return "\n\n".join(parts) + "\n"


def _note(found: SeriesResult) -> Iterator[str]:
    sentences = [
        "Exploratory: a series is not registered as one. Register a protocol for each member that matters."
    ]
    if found.axis == "step":
        sentences.append(
            "Checkpoints of one training resemble their neighbours. A trend says that the effect is ordered "
            "along this training, not that another training would show it."
        )
    yield "> [!NOTE]\n> " + " ".join(sentences)


def _verdict(found: SeriesResult) -> Iterator[str]:
    if not found.verdicts:
        return
    yield "## Verdict"
    yield f"**{escape_markdown(found.verdict_line)}**"
    yield "\n".join(
        f"- *{escape_markdown(item.hypothesis)}*: {escape_markdown(item.reason)}" for item in found.verdicts
    )


def _members(found: SeriesResult) -> str:
    judged = any(member.corrected for member in found.members)
    names = found.hypotheses if judged else ()
    rows = [
        [
            f"[{escape_markdown(member.name)}](../{member.folder}/report.md)",
            f"{member.n_neurons:,}",
            "plateau" if member.has_plateau else "declared share",
            member.engine,
            *(_statuses(member, name) for name in names),
        ]
        for member in found.members
    ]
    return table(
        [found.axis, "neurons", "selected as", "ablation", *map(escape_markdown, names)], rows, numeric=(1,)
    )


def _statuses(member: Member, hypothesis: str) -> str:
    corrected, alone = member.corrected.get(hypothesis), member.alone.get(hypothesis)
    if corrected is None:
        return UNDEFINED
    return f"{corrected}" if corrected == alone else f"{corrected} (alone: {alone})"


def _reading(found: SeriesResult) -> Iterator[str]:
    if any(member.corrected for member in found.members):
        yield (
            f"What refutes survives the correction for all {len(found.members)} members (Bonferroni, on top "
            "of that for the predictions); in brackets, where it differs, the verdict of the member alone. "
            "Support is each member's own: with many members some may be supported by chance."
        )
    if found.skipped:
        yield f"Left out: {sentence_list([escape_markdown(item) for item in found.skipped])}."


def _trends(found: SeriesResult) -> Iterator[str]:
    if not found.trends:
        return
    yield "## Trends"
    head = ["prediction", "Kendall's tau", "p", "p adjusted", "outcome", "leaves the null"]
    yield table(
        head,
        [[escape_markdown(item.prediction), *_trend_cells(item)] for item in found.trends],
        numeric=(1, 2, 3),
    )
    yield (
        "Tau is that of the effect against the training step; its p-value is exact over all orders of the "
        "checkpoints, two-sided. The last column is the first step at which the effect differs from the "
        "null, significantly and with a 95 % interval that excludes none."
    )


def _course_table(found: SeriesResult, course: Course) -> str:
    unit = "SDs of the null" if course.in_null_sd else "unit of the measure"
    rows = [
        [
            escape_markdown(member.name),
            significant(point.effect),
            UNDEFINED
            if point.interval is None
            else f"{significant(point.interval[0])} to {significant(point.interval[1])}",
            p_text(point.p_value),
            point.outcome,
        ]
        for member, point in zip(found.members, course.points, strict=True)
    ]
    return table([found.axis, f"effect ({unit})", "95 % interval", "p", "outcome"], rows, numeric=(1, 2, 3))
