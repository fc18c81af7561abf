"""What a series of runs prints and leaves behind, beside the reports of its members.

<folder>/
  comparisons/  of several models, their effects pooled
  series/    series.md   series.json   figures/*.svg, *.png
  <member>/  report.md   results.json  ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.engine.progress import StartStage, silent
from hypotest.pages.document import (
    Column,
    Document,
    Heading,
    Items,
    Note,
    Paragraph,
    Part,
    Table,
    document,
    table,
    together,
)
from hypotest.pages.inline import Inline, Tone, aside, emphasis, link, path, strong
from hypotest.pages.markdown import write_markdown
from hypotest.records.protocol.wording import words_of
from hypotest.records.results.sentences import sentence_list
from hypotest.records.stored.folders import replace_folder
from hypotest.registration.titles import as_asked
from hypotest.report.numbers import UNDEFINED, p_text, significant
from hypotest.report.picture import Picture, figures_of
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.reworded import reworded
from hypotest.report.sections.registration import status_alert, status_line
from hypotest.report.text import nearest_path
from hypotest.studies.compare.words import pooled_line
from hypotest.studies.series.record import SERIES_VERSION, Course, SeriesMember, SeriesResult
from hypotest.studies.series.tables import (
    is_grid,
    members_word,
    over_orders,
    pooled_table,
    tolerances,
    trend_table,
)

SIGNS = {"less": "<", "greater": ">", "equivalent": "=", "inconclusive": "?", "undefined": "x"}
_TONES: dict[str, Tone] = {"supported": "good", "refuted": "bad"}


def write_series(series: SeriesResult, start_stage: StartStage = silent) -> None:
    """Write report, numbers and figures into the folder ``series`` beside the members.

    Raises:
        OutputError: If the folder cannot be written.
    """
    # Imported here: the summary needs no matplotlib.
    from hypotest.studies.series.figure import draw_series

    with replace_folder(series.folder / "series") as folder:
        (folder / "series.json").write_text(series_json(series), encoding="utf-8", newline="\n")
        (folder / "figures").mkdir()
        step = start_stage("figure of the series", 1)
        pictures = draw_series(series, folder / "figures")
        step()
        write_markdown(folder / "series.md", series_page(series, pictures))


def series_json(series: SeriesResult) -> str:
    """Everything but the folder, as JSON; how many members failed, where some did."""
    left_out = ("folder",) if series.failed else ("folder", "n_failed")
    return json_text({"schema_version": SERIES_VERSION, **fields_without(series, *left_out)})


def series_summary(study: SeriesResult) -> Document:
    """For the console: a row per member, the trends, and where the report lies."""
    notes = [
        ", ".join(f"{place} {item.prediction}" for place, item in enumerate(study.courses, 1)),
        "< less, > greater, = equivalent, ? inconclusive",
    ]
    if any(point.outcome == "undefined" for course in study.courses for point in course.points):
        notes[1] += ", x undefined"
    if any(_marked(study, member) for member in study.members):
        notes.append("* no plateau: the share that the protocol declares")
    if any(member.corrected for member in study.members):
        notes.append(
            f"Refuted: at level {study.level:g} after correction for all {study.n_begun} members. "
            "Supported is per member."
        )
    last: list[Part] = [("Report: ", path(nearest_path(study.folder / "series" / "series.md")))]
    if study.verdicts:
        last.insert(0, strong(f"Verdict: {study.verdict_line}"))
    page = Document(
        (
            together(
                status_alert(study.registration),
                strong(as_asked(study.title)),
                f"{study.subject}: {_counted(study)}",
            ),
            together(_signs(study), *map(aside, notes)),
            *([together(trend_table(study), *map(aside, tolerances(study)))] if study.trends else []),
            *([pooled_table(study)] if study.pooled else []),
            together(*(f"Left out: {item}." for item in study.skipped), *_failures(study), *last),
        )
    )
    return reworded(page, words_of(study.protocol))


def _failures(series: SeriesResult) -> Iterator[Inline]:
    """What went wrong, a line a member, and what becomes of it."""
    if not series.failed:
        return
    yield from (strong(f"Failed: {item}", "bad") for item in series.failed)
    yield "Run the protocol again: what is finished is read from the cache, and it goes on with these."
    if series.trends:
        yield "No trend is told before all are there: those that are left would be a selection."


def _signs(series: SeriesResult) -> Table:
    judged = any(member.corrected for member in series.members)
    rows: list[tuple[Inline, ...]] = []
    for number, member in enumerate(series.members):
        mark = "*" if _marked(series, member) else ""
        statuses = [_status(member, name) for name in series.hypotheses] if judged else []
        signs = [SIGNS[course.points[number].outcome] for course in series.courses]
        rows.append((_place(series, member), f"{member.n_neurons:,}{mark}", *statuses, *signs))
    columns = (
        Column(members_word(series)),
        Column("neurons", "number"),
        *(Column(name) for name in series.hypotheses if judged),
        *(Column(str(place), "sign") for place in range(1, len(series.courses) + 1)),
    )
    return Table(columns, tuple(rows))


def _place(series: SeriesResult, member: SeriesMember) -> str:
    return member.name if is_grid(series) else f"{member.place:,}"


def _marked(series: SeriesResult, member: SeriesMember) -> bool:
    """Whether the member's group is not the plateau that the protocol looks for."""
    return series.protocol["group"]["select"] == "plateau" and not member.has_plateau


def _status(member: SeriesMember, hypothesis: str) -> Inline:
    status = member.corrected.get(hypothesis, UNDEFINED)
    return strong(status, _TONES[status]) if status in _TONES else status


def _counted(series: SeriesResult) -> str:
    n = len(series.members)
    what = "run" if is_grid(series) else "layer" if series.axis == "layer" else "checkpoint"
    return f"{n} {what}{'' if n == 1 else 's'}, each tested by itself"


def series_page(series: SeriesResult, pictures: Sequence[Picture]) -> Document:
    """The report."""
    return reworded(document(_parts(series, pictures)), words_of(series.protocol))


def _parts(series: SeriesResult, pictures: Sequence[Picture]) -> Iterator[Part]:
    over = {"layer": "over depth", "step": "over training", "model": "over models"}[series.axis]
    yield Heading(f"{as_asked(series.title)} ({over})", 1)
    beside = ", with its report beside this one" if _has_reports(series) else ""
    yield f"{series.subject}: {_counted(series)}. Each member is a run of its own{beside}."
    yield _note(series)
    if series.verdicts:
        yield Heading("Verdict")
        yield strong(series.verdict_line)
        yield Items(tuple((emphasis(item.hypothesis), f": {item.reason}") for item in series.verdicts))
    yield Heading("Members")
    yield _members(series)
    if any(member.corrected for member in series.members):
        yield (
            f"What refutes survives the correction for all {series.n_begun} members (Bonferroni, on top "
            "of that for the predictions); in brackets, where it differs, the verdict of the member alone. "
            "Support is each member's own: with many members some may be supported by chance."
        )
    if series.skipped:
        yield f"Left out: {sentence_list(series.skipped)}."
    yield from _failures(series)
    if series.trends:
        yield Heading("Trends")
        yield trend_table(series)
        yield (
            f"Tau is that of the effect against the training step{over_orders(series)}. The last column is "
            "the first step at which the effect differs from the null, "
            "significantly and with a 95 % interval that excludes none."
        )
        yield Items(tuple(tolerances(series)))
    if series.pooled:
        yield Heading("Over models")
        yield pooled_table(series)
        yield (
            "Pooled by a random-effects meta-analysis, at the last checkpoint and layer of each model: "
            "others are of the same training, and no further witnesses. Forest plots, differences between "
            "models, and in how many of them an outcome holds: ",
            link("the comparison", f"../{series.comparison}/comparison.md"),
            ".",
        )
        yield Items(tuple(f"{item.id}: {pooled_line(item)}" for item in series.pooled))
    yield Heading("Predictions")
    yield from figures_of(pictures, "courses")
    for course in series.courses:
        yield Heading(course.prediction, 3)
        yield _course_table(series, course)


def _note(series: SeriesResult) -> Note:
    said = [Paragraph(status_line(series.registration))]
    if series.axis == "step":
        said.append(
            Paragraph(
                "Checkpoints of one training resemble their neighbours. A trend says that the effect is "
                "ordered along this training, not that another training would show it; below stands up to "
                "which correlation of neighbours it would be significant without any trend."
            )
        )
    return Note("note", tuple(said))


def _members(series: SeriesResult) -> Table:
    names = series.hypotheses if any(member.corrected for member in series.members) else ()
    return table(
        [members_word(series), "neurons", "selected as", "ablation", *names],
        [
            (
                _report_of(series, member),
                f"{member.n_neurons:,}",
                "plateau" if member.has_plateau else "declared share",
                member.engine,
                *(_statuses(member, name) for name in names),
            )
            for member in series.members
        ],
        numeric=(1,),
    )


def _has_reports(series: SeriesResult) -> bool:
    return any((series.folder / member.folder).is_dir() for member in series.members)


def _report_of(series: SeriesResult, member: SeriesMember) -> Inline:
    """The member's name, leading to its report where that lies beside the series."""
    place = f"{member.folder}/report.md"
    return link(member.name, f"../{place}") if (series.folder / place).exists() else member.name


def _statuses(member: SeriesMember, hypothesis: str) -> str:
    corrected, alone = member.corrected.get(hypothesis), member.alone.get(hypothesis)
    if corrected is None:
        return UNDEFINED
    return f"{corrected}" if corrected == alone else f"{corrected} (alone: {alone})"


def _course_table(series: SeriesResult, course: Course) -> Table:
    unit = "SDs of the null" if course.in_null_sd else "unit of the measure"
    rows = [
        (
            member.name,
            significant(point.effect),
            UNDEFINED
            if point.interval is None
            else f"{significant(point.interval[0])} to {significant(point.interval[1])}",
            p_text(point.p_value),
            point.outcome,
        )
        for member, point in zip(series.members, course.points, strict=True)
    ]
    return table(
        [members_word(series), f"effect ({unit})", "95 % interval", "p", "outcome"], rows, numeric=(1, 2, 3)
    )
