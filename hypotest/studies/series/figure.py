"""The figure of a series: every prediction's effect over depth, over training, or over models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from hypotest.records.results.sentences import sentence_list
from hypotest.report.figures.effects import OUTCOME_MARKS
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    INK,
    MARGIN,
    SMALL,
    house_style,
    new_stack,
    plain_ticks,
    save,
)
from hypotest.report.numbers import significant
from hypotest.report.picture import Picture
from hypotest.studies.series.record import Course, Point, SeriesMember, SeriesResult

_ROW = 1.15
"""Inches: height of a panel."""
_PANELS = 5
"""Of a figure: more do not fit into a column of a page."""
_DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1)), (0, (1, 3)))
"""Of lines, which no colour tells apart; with more lines than these none is named."""
_APART = 3.0
"""Points by which the lines' intervals stand beside each other."""
_SHORT = 22
"""Letters of a model's name, its last ones."""
_NAMES = {"layer": "layer", "step": "training step", "model": "model"}


def draw_series(series: SeriesResult, folder: Path) -> tuple[Picture, ...]:
    """Draw the courses, and write them as ``courses.svg`` and ``.png``, further ones as ``courses-2``."""
    caption = (
        f"Effect of each prediction against the {_NAMES[series.axis]}, with 95 % intervals over documents; "
        "marker and colour show the outcome, the band the margin, the line no effect."
    )
    if len(series.lines) > 1:
        caption += f" Each line joins what differs in nothing else: {len(series.lines)} lines."
    pictures = []
    starts = range(0, len(series.courses), _PANELS)
    for number, courses in enumerate((series.courses[start : start + _PANELS] for start in starts), 1):
        name = "courses" if number == 1 else f"courses-{number}"
        with house_style():
            save(draw_courses(series, courses), folder, name)
        said = (
            caption if number == 1 else f"The same of {sentence_list([item.prediction for item in courses])}."
        )
        pictures.append(Picture(name, "courses", said, courses_in_words(series, courses)))
    return tuple(pictures)


def courses_in_words(series: SeriesResult, courses: Sequence[Course]) -> str:
    """Where each course begins and ends, and how often each outcome is, for those who cannot see it."""
    parts = []
    for course in courses:
        unit = " SDs" if course.in_null_sd else ""
        known = [
            f"{significant(point.effect)}{unit} at {member.name}"
            for member, point in zip(series.members, course.points, strict=True)
            if point.effect is not None
        ]
        outcomes = Counter(point.outcome for point in course.points)
        ends = list(dict.fromkeys((*known[:1], *known[-1:]))) or ["no values"]
        counts = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
        parts.append(f"{course.prediction}: {' to '.join(ends)}; {counts}")
    return f"Effects over {len(series.members)} members. {'. '.join(parts)}."


def draw_courses(series: SeriesResult, courses: Sequence[Course]) -> Figure:
    """A panel for each prediction: effect and interval of every member, its outcome by marker and colour."""
    handles = _legend(series, courses)
    figure, axes = new_stack(COLUMN, [_ROW] * len(courses), 0.32)
    figure.set_figheight(
        figure.get_figheight() + 0.17 * len(handles) / 2 + (1.0 if series.axis == "model" else 0.2)
    )
    for panel, course in zip(axes, courses, strict=True):
        _draw_panel(panel, course, series)
    for panel in axes[:-1]:
        panel.tick_params(labelbottom=False)
    axes[-1].set_xlabel(_NAMES[series.axis])
    figure.legend(handles=handles, loc="outside upper left", ncols=2, columnspacing=1.2)
    return figure


def _draw_panel(axes: Axes, course: Course, series: SeriesResult) -> None:
    axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    for number, line in enumerate(series.lines):
        own = [
            (member, point)
            for member, point in zip(series.members, course.points, strict=True)
            if member.line == line
        ]
        dashes = _DASHES[number % len(_DASHES)] if _are_named(series) else "-"
        aside = _APART * (number - (len(series.lines) - 1) / 2) if _are_named(series) else 0.0
        place = axes.transData + ScaledTranslation(aside / 72, 0, axes.figure.dpi_scale_trans)
        _draw_line(axes, own, dashes, place, series)
    _draw_scale(axes, series)
    unit = "SDs of the null" if course.in_null_sd else "unit of the measure"
    axes.set_title(course.prediction)
    axes.set_ylabel(f"effect\n({unit})", fontsize=SMALL)


def _draw_line(
    axes: Axes,
    own: Sequence[tuple[SeriesMember, Point]],
    dashes: Any,
    transform: Any,
    series: SeriesResult,
) -> None:
    places = [member.place for member, _ in own]
    margins = [(place, point.margin) for place, (_, point) in zip(places, own, strict=True) if point.margin]
    if len(margins) > 1:
        axes.fill_between(
            [place for place, _ in margins],
            [margin[0] for _, margin in margins],
            [margin[1] for _, margin in margins],
            color=MARGIN,
            alpha=0.14 / len(series.lines) ** 0.5,
            linewidth=0,
        )
    known = [
        (place, point.effect)
        for place, (_, point) in zip(places, own, strict=True)
        if point.effect is not None
    ]
    ends = [(x, y) for x, (_, point) in zip(places, own, strict=True) for y in point.interval or ()]
    axes.update_datalim([*known, *ends])  # what is drawn aside does not say where it is
    if series.axis != "model":  # which has no order
        axes.plot([x for x, _ in known], [y for _, y in known], color=FAINT, linewidth=0.9, zorder=2,
                  linestyle=dashes, transform=transform)  # fmt: skip
    for place, (_, point) in zip(places, own, strict=True):
        marker, colour = OUTCOME_MARKS[point.outcome]
        if point.interval is not None:
            axes.plot([place, place], list(point.interval), color=colour, linewidth=1.4,
                      solid_capstyle="butt", transform=transform)  # fmt: skip
        if point.effect is not None:
            axes.plot([place], [point.effect], marker, color=colour, markersize=4.5, markeredgecolor="white",
                      markeredgewidth=0.4, zorder=3, transform=transform)  # fmt: skip


def _draw_scale(axes: Axes, series: SeriesResult) -> None:
    places = sorted({member.place for member in series.members})
    if series.axis == "model":
        axes.set_xticks(places, [_short(member.name) for member in series.members], rotation=30, ha="right")
        axes.set_xlim(places[0] - 0.5, places[-1] + 0.5)
    elif series.axis == "layer":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    elif places[-1] >= 10 * max(1, places[0]):
        if places[0] > 0:
            axes.set_xscale("log")
        else:  # the first step has no logarithm: it stands a decade before the second one's
            axes.set_xscale("symlog", linthresh=places[1] if len(places) > 1 else 1)
            axes.set_xticks([place for place in places if place == 0 or _is_decade(place)])
        plain_ticks(axes.xaxis)


def _is_decade(place: int) -> bool:
    return str(place).rstrip("0") == "1"


def _short(name: str) -> str:
    return name if len(name) <= _SHORT else f"...{name[3 - _SHORT :]}"


def _are_named(series: SeriesResult) -> bool:
    return 1 < len(series.lines) <= len(_DASHES)


def _legend(series: SeriesResult, courses: Sequence[Course]) -> list[Line2D | Patch]:
    shown = {point.outcome for course in courses for point in course.points}
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker=marker, color=colour, linestyle="", label=name)
        for name, (marker, colour) in OUTCOME_MARKS.items()
        if name in shown
    ]
    if any(point.margin for course in courses for point in course.points):
        handles.append(Patch(color=MARGIN, alpha=0.2, linewidth=0, label="margin"))
    if _are_named(series):
        handles += [
            Line2D([], [], color=FAINT, linestyle=dashes, label=_short(line))
            for line, dashes in zip(series.lines, _DASHES, strict=False)
        ]
    return handles
