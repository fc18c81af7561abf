"""Forest plot of one prediction over several runs."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from matplotlib.ticker import MaxNLocator

from hypotest.inference.meta_analysis import MetaAnalysis
from hypotest.report.figures.effects import DARK, OUTCOME_MARKS
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    INK,
    MARGIN,
    NULL,
    SMALL,
    new_figure,
    widen_border,
    wrapped,
)
from hypotest.report.numbers import decimals_for, fixed
from hypotest.studies.compare.record import ComparedPrediction, RunEffect

_BAND = "#F4F4F4"
_SMALLEST, _LARGEST = 4.0, 10.0
"""Size of a mark, in points, for weights 0 and 1."""
_ROW, _AROUND = 0.42, 1.2
"""Inches: a row, and what stands above and below all of them."""
_NAMES, _LABEL, _LINES = 1.0, 7.5, 3
"""Room for the name of a run, in inches; size of its letters, in points; lines."""
_TITLE, _AXIS, _LABELS = 9.0, 8.0, 3.0
"""Sizes in points; room beneath the axis, in inches."""
_ROOM = 1.0
"""How far pooled intervals may reach beyond the runs, in spans of the runs."""


def draw_forest(item: ComparedPrediction, names: Mapping[str, str]) -> Figure:
    """Draw each run's effect with its 95 % interval, and the pooled one as a diamond.

    Marks show the outcome and grow with their weight; effects that are not pooled are hollow. The band is the
    margin inside which an effect counts as equivalent in every run; the line under the diamond is where the
    effect of another such model is expected.

    Args:
        item: At least one of its runs has an effect with an interval.
        names: Label of a run -> what it is called in the figure.
    """
    rows = len(item.runs) + (item.pooled is not None)
    low, high = _limits(item)
    figure, (axes,) = new_figure(_AROUND + _ROW * rows, width=COLUMN)
    widen_border(figure)
    if item.margin is not None:
        axes.axvspan(*item.margin, color=MARGIN, alpha=0.22, linewidth=0, zorder=0)
    decimals = _decimals(item)
    for place, effect in enumerate(item.runs):
        _draw_run(axes, effect, rows - 1 - place, decimals)
    if item.pooled is not None:
        _draw_pooled(axes, item, item.pooled, decimals, (low, high))
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    labels = [wrapped(f"{effect.run}: {names[effect.run]}", _NAMES, _LABEL, _LINES) for effect in item.runs]
    labels += ["pooled"] if item.pooled is not None else []
    axes.set_yticks(range(rows), labels[::-1], fontsize=_LABEL)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, rows - 0.4)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    band = "" if item.margin is None else "\nband: equivalent in every run"
    against = wrapped(f"effect against {item.against}", _LABELS, _AXIS)
    scale = wrapped(f"({item.scale})", _LABELS, _AXIS)
    axes.set_xlabel(f"{against}\n{scale}{band}", fontsize=_AXIS)
    figure.suptitle(wrapped(item.title, COLUMN - 0.3, _TITLE), x=0.02, ha="left", fontsize=_TITLE)
    return figure


def forest_in_words(item: ComparedPrediction, names: Mapping[str, str]) -> str:
    """What the figure shows, for those who cannot see it."""
    decimals = _decimals(item)
    parts = [
        f"{effect.run}, {names[effect.run]}: {_numbers(effect.effect, effect.interval, decimals)}, "
        f"{effect.outcome}"
        for effect in item.runs
    ]
    if item.pooled is not None:
        interval = item.pooled.interval_95
        numbers = _numbers(item.pooled.effect, (interval.low, interval.high), decimals)
        parts.append(f"pooled: {numbers}, {item.outcome}")
    return f"{item.id}, {item.scale}. {'; '.join(parts)}."


def _draw_run(axes: Axes, effect: RunEffect, row: int, decimals: int) -> None:
    if row % 2:
        axes.axhspan(row - 0.5, row + 0.5, color=_BAND, linewidth=0, zorder=-1)
    pooled = effect.weight is not None
    marker, colour = OUTCOME_MARKS[effect.outcome]
    size = _SMALLEST + (_LARGEST - _SMALLEST) * (effect.weight or 0.25) ** 0.5
    if effect.effect is not None:
        axes.plot(
            [effect.effect], [row], marker, color=colour, markersize=size, zorder=3,
            markerfacecolor=colour if pooled else "white", markeredgewidth=1.0,
        )  # fmt: skip
    if effect.interval is not None:
        axes.plot(effect.interval, [row, row], "|-", color=INK, linewidth=1.2, markersize=5, zorder=4)
    weight = f"weight {100 * effect.weight:.0f} %" if effect.weight is not None else "not pooled"
    numbers = _numbers(effect.effect, effect.interval, decimals).replace(" [", "\n[")
    missing = "" if effect.interval is not None or effect.effect is None else "\nno interval"
    _note(axes, row, f"{numbers}{missing}\n{effect.outcome}, {weight}", DARK.get(effect.outcome, INK))


def _limits(item: ComparedPrediction) -> tuple[float, float]:
    """Ends of the axis: runs and margin, and as much of the pooled intervals as lets the runs be seen."""
    ends = [bound for effect in item.runs for bound in effect.interval or (effect.effect,)]
    seen = [0.0, *(bound for bound in ends if bound is not None)]
    low, high = min(seen), max(seen)
    room = _ROOM * (high - low or 1.0)
    wide: list[float] = list(item.margin or ())
    if item.pooled is not None:
        interval = item.pooled.interval_95
        bounds = [interval.low, interval.high, *(item.pooled.prediction or ())]
        wide += [min(max(bound, low - room), high + room) for bound in bounds]
    low, high = min([low, *wide]), max([high, *wide])
    border = 0.06 * (high - low or 1.0)
    return low - border, high + border


def _draw_pooled(
    axes: Axes, item: ComparedPrediction, pooled: MetaAnalysis, decimals: int, limits: tuple[float, float]
) -> None:
    interval = pooled.interval_95
    _mark_cut(axes, (interval.low, interval.high), 0.0, limits)
    if pooled.prediction is not None:
        _mark_cut(axes, pooled.prediction, -0.36, limits)
    if pooled.prediction is not None:
        axes.plot(pooled.prediction, [-0.36, -0.36], color=INK, linewidth=1.6, solid_capstyle="butt")
    points = [(interval.low, 0.0), (pooled.effect, 0.24), (interval.high, 0.0), (pooled.effect, -0.24)]
    axes.add_patch(Polygon(points, closed=True, facecolor=NULL, edgecolor=INK, linewidth=0.8, zorder=3))
    axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=1)
    text = _numbers(pooled.effect, (interval.low, interval.high), decimals).replace(" [", "\n[")
    _note(axes, 0, f"{text}\n{item.outcome}", INK)


def _mark_cut(axes: Axes, bounds: tuple[float, float], height: float, limits: tuple[float, float]) -> None:
    """An arrow at the edge where an interval goes on beyond it."""
    for place, marker in ((0, "<"), (1, ">")):
        if bounds[place] < limits[0] or bounds[place] > limits[1]:
            axes.plot([limits[place]], [height], marker, color=FAINT, markersize=4, clip_on=False, zorder=4)


def _note(axes: Axes, row: int, text: str, colour: str) -> None:
    transform = axes.get_yaxis_transform()
    axes.text(
        1.03, row, text, transform=transform, va="center", color=colour, fontsize=SMALL, linespacing=1.0
    )


def _numbers(effect: float | None, interval: tuple[float, float] | None, decimals: int) -> str:
    if effect is None:
        return "no value"
    text = fixed(effect, decimals)
    if interval is not None:
        text += f" [{fixed(interval[0], decimals)}, {fixed(interval[1], decimals)}]"
    return text.replace("-", "−")


def _decimals(item: ComparedPrediction) -> int:
    errors = [effect.standard_error for effect in item.runs if effect.standard_error]
    return decimals_for(min(errors, default=None), tuple(effect.effect for effect in item.runs))
