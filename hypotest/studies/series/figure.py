"""The figure of a series: every prediction's effect over depth, or over training."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from hypotest.report.figures.effects import OUTCOME_MARKS
from hypotest.report.figures.style import FAINT, INK, MARGIN, house_style, new_figure, plain_ticks, save
from hypotest.report.picture import Picture
from hypotest.studies.series.record import Course, SeriesResult

_COLUMNS = 2
_ROW = 1.75
"""Inches."""


def draw_series(series: SeriesResult, folder: Path) -> tuple[Picture, ...]:
    """Draw the courses, and write them as ``courses.svg`` and ``.png``."""
    with house_style():
        save(draw_courses(series), folder, "courses")
    what = "layer" if series.axis == "layer" else "training step"
    caption = (
        f"Effect of each prediction against the {what}, with 95 % intervals over documents; marker and "
        "colour show the outcome, the band the margin, the line no effect."
    )
    return (Picture("courses", "courses", caption),)


def draw_courses(series: SeriesResult) -> Figure:
    """A panel for each prediction: effect and interval of every member, its outcome by marker and colour."""
    n_rows = -(-len(series.courses) // _COLUMNS)
    figure, axes = new_figure(_ROW * n_rows + 0.5, _COLUMNS, n_rows)
    places = [member.place for member in series.members]
    for panel, course in zip(axes, series.courses, strict=False):
        _draw_panel(panel, course, places, series.axis)
    for panel in axes[len(series.courses) :]:
        panel.set_axis_off()
    label = "layer" if series.axis == "layer" else "training step"
    for panel in axes[max(0, len(series.courses) - _COLUMNS) : len(series.courses)]:
        panel.set_xlabel(label)
    figure.legend(handles=_legend(series), loc="outside upper left", ncols=6, columnspacing=1.2)
    return figure


def _draw_panel(axes: Axes, course: Course, places: list[int], axis: str) -> None:
    axes.axhline(0, color=INK, linewidth=0.7, zorder=1)
    banded = [(x, point.margin) for x, point in zip(places, course.points, strict=True) if point.margin]
    if len(banded) > 1:
        axes.fill_between(
            [x for x, _ in banded],
            [margin[0] for _, margin in banded],
            [margin[1] for _, margin in banded],
            color=MARGIN,
            alpha=0.14,
            linewidth=0,
        )
    known = [
        (x, point.effect) for x, point in zip(places, course.points, strict=True) if point.effect is not None
    ]
    axes.plot([x for x, _ in known], [effect for _, effect in known], color=FAINT, linewidth=0.8, zorder=2)
    for x, point in zip(places, course.points, strict=True):
        marker, colour = OUTCOME_MARKS[point.outcome]
        if point.interval is not None:
            axes.plot([x, x], list(point.interval), color=colour, linewidth=1.4, solid_capstyle="butt")
        if point.effect is not None:
            axes.plot([x], [point.effect], marker, color=colour, markersize=5.5, markeredgecolor="white",
                      markeredgewidth=0.4, zorder=3)  # fmt: skip
    if axis == "step" and places[0] > 0 and places[-1] >= 10 * places[0]:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    elif axis == "layer":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    unit = "SDs of the null" if course.in_null_sd else "unit of the measure"
    axes.set_title(course.prediction)
    axes.set_ylabel(f"effect\n({unit})")


def _legend(series: SeriesResult) -> list[Line2D | Patch]:
    shown = {point.outcome for course in series.courses for point in course.points}
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker=marker, color=colour, linestyle="", label=name)
        for name, (marker, colour) in OUTCOME_MARKS.items()
        if name in shown
    ]
    if any(point.margin for course in series.courses for point in course.points):
        handles.append(Patch(color=MARGIN, alpha=0.2, linewidth=0, label="margin"))
    return handles
