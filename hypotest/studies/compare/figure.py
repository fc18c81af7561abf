"""Forest plot of one prediction over several runs."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from hypotest.inference.meta_analysis import MetaAnalysis
from hypotest.pages.text import printable
from hypotest.report.figures.effects import OUTCOME_MARKS
from hypotest.report.figures.style import FAINT, INK, MARGIN, SECOND, new_figure
from hypotest.report.numbers import decimals_for, fixed
from hypotest.studies.compare.record import ComparedPrediction, RunEffect

_BAND = "#F4F4F4"
_SMALLEST, _LARGEST = 3.0, 9.0
"""Side of a square, in points, for weights 0 and 1."""
_LONGEST_NAME = 26
_ROOM = 1.0
"""How far pooled intervals may reach beyond the runs, in spans of the runs."""


def draw_forest(item: ComparedPrediction, names: Mapping[str, str]) -> Figure:
    """Draw each run's effect with its 95 % interval, and the pooled one as a diamond.

    Squares grow with their weight; effects that are not pooled are hollow. The band is the margin inside
    which an effect counts as equivalent in every run; the grey line under the diamond is where the effect of
    another such model is expected.

    Args:
        item: At least one of its runs has an effect with an interval.
        names: Label of a run -> what it is called in the figure.
    """
    rows = len(item.runs) + (item.pooled is not None)
    low, high = _limits(item)
    figure, (axes,) = new_figure(0.95 + 0.34 * rows)
    if item.margin is not None:
        axes.axvspan(*item.margin, color=MARGIN, alpha=0.16, linewidth=0, zorder=0)
    decimals = _decimals(item)
    for place, effect in enumerate(item.runs):
        _draw_run(axes, effect, rows - 1 - place, decimals)
    if item.pooled is not None:
        _draw_pooled(axes, item, item.pooled, decimals, (low, high))
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    labels = [_shortened(f"{effect.run}  {printable(names[effect.run])}") for effect in item.runs]
    labels += ["pooled"] if item.pooled is not None else []
    axes.set_yticks(range(rows), labels[::-1])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, rows - 0.4)
    axes.set_xlim(low, high)
    band = "" if item.margin is None else "\nband: effects that count as equivalent in every run"
    axes.set_xlabel(f"effect against {printable(item.against)} ({printable(item.scale)}){band}")
    axes.set_title(printable(item.title))
    return figure


def _draw_run(axes: Axes, effect: RunEffect, row: int, decimals: int) -> None:
    if row % 2:
        axes.axhspan(row - 0.5, row + 0.5, color=_BAND, linewidth=0, zorder=-1)
    pooled = effect.weight is not None
    colour = OUTCOME_MARKS[effect.outcome][1]
    if effect.interval is not None:
        axes.plot(effect.interval, [row, row], color=colour, linewidth=1.3, solid_capstyle="butt", zorder=2)
    size = _SMALLEST + (_LARGEST - _SMALLEST) * (effect.weight or 0.25) ** 0.5
    if effect.effect is not None:
        axes.plot(
            [effect.effect], [row], "s", color=colour, markersize=size, zorder=3,
            markerfacecolor=colour if pooled else "white", markeredgewidth=0.8,
        )  # fmt: skip
    weight = f"weight {100 * effect.weight:.0f} %" if effect.weight is not None else "not pooled"
    numbers = _numbers(effect.effect, effect.interval, decimals)
    _note(axes, row, f"{numbers}\n{effect.outcome}, {weight}", colour)


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
        axes.plot(pooled.prediction, [-0.36, -0.36], color=FAINT, linewidth=1.6, solid_capstyle="butt")
    points = [(interval.low, 0.0), (pooled.effect, 0.24), (interval.high, 0.0), (pooled.effect, -0.24)]
    axes.add_patch(Polygon(points, closed=True, facecolor=SECOND, edgecolor=INK, linewidth=0.6, zorder=3))
    axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=1)
    text = _numbers(pooled.effect, (interval.low, interval.high), decimals)
    _note(axes, 0, f"{text}\n{item.outcome}", INK)


def _mark_cut(axes: Axes, bounds: tuple[float, float], height: float, limits: tuple[float, float]) -> None:
    """An arrow at the edge where an interval goes on beyond it."""
    for place, marker in ((0, "<"), (1, ">")):
        if bounds[place] < limits[0] or bounds[place] > limits[1]:
            axes.plot([limits[place]], [height], marker, color=FAINT, markersize=4, clip_on=False, zorder=4)


def _note(axes: Axes, row: int, text: str, colour: str) -> None:
    transform = axes.get_yaxis_transform()
    axes.text(1.02, row, text, transform=transform, va="center", color=colour, fontsize=7)


def _numbers(effect: float | None, interval: tuple[float, float] | None, decimals: int) -> str:
    text = fixed(effect, decimals)
    if interval is not None:
        text += f" [{fixed(interval[0], decimals)}, {fixed(interval[1], decimals)}]"
    return text.replace("-", "−")


def _decimals(item: ComparedPrediction) -> int:
    errors = [effect.standard_error for effect in item.runs if effect.standard_error]
    return decimals_for(min(errors, default=None), tuple(effect.effect for effect in item.runs))


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
