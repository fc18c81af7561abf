"""The figure of all effects: what was found, how surely, and against which margin."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    FIRST,
    INK,
    MARGIN,
    SECOND,
    SMALL,
    new_stack,
    wrapped,
)
from hypotest.report.numbers import decimals_for, fixed, prediction_text, range_text, significant

OUTCOME_MARKS = {
    "less": ("<", SECOND),
    "greater": (">", FIRST),
    "equivalent": ("s", MARGIN),
    "inconclusive": ("o", FAINT),
    "undefined": ("x", FAINT),
}
"""Outcome -> marker and colour."""
DARK = {"less": SECOND, "greater": "#A34700", "equivalent": "#00694B", "inconclusive": "#555555"}
"""Outcome -> its colour, dark enough for words."""
_FARTHEST = 8.0
"""SDs that the axis reaches at most; what lies beyond stands at its end, filled, with its number."""
_ROW, _AROUND, _NAMES = 0.29, 0.55, 1.35
"""Inches: a row, what stands above and below all of a panel's, and room for names."""


def draw_effects(results: Results) -> Figure:
    """Forest plot: every effect with its interval, its margin and its outcome, each panel on one linear axis.

    Above those that have an SD to be measured in: of the null, or of the paired differences. Below those that
    are compared with a number or another condition, in their own units, and those without a value.
    """
    scaled = [item for item in results.predictions if item.effect is not None and scale_of(item)]
    others = [item for item in results.predictions if item not in scaled]
    panels = [items for items in (scaled, others) if items] or [others]
    figure, axes = new_stack(COLUMN, [_ROW * max(1, len(items)) for items in panels], _AROUND)
    for place, items in zip(axes, panels, strict=True):
        in_sd = items is scaled
        limit = _limit(items) if in_sd else None
        far = (limit or max((abs(item.effect or 0.0) for item in items), default=1.0)) / 2
        for row, item in enumerate(reversed(items)):
            _draw_row(place, row, item, scale_of(item) if in_sd else 1.0, limit, far)
        _finish(place, items, in_sd, limit)
    level = next(
        (f"{100 * item.interval.level:g} % interval" for item in results.predictions if item.interval), ""
    )
    handles: list[Artist] = []
    if level:
        handles.append(Line2D([], [], color=INK, linewidth=1.4, marker="|", markersize=5, label=level))
    if any(item.margin for item in results.predictions):
        handles.append(Patch(color=MARGIN, alpha=0.25, linewidth=0, label="margin of equivalence"))
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure


def effects_in_words(results: Results) -> str:
    """What the figure shows, for those who cannot see it."""
    parts = []
    for item in results.predictions:
        scale = scale_of(item)
        if item.effect is None:
            parts.append(f"{item.id}: no value")
        elif scale:
            parts.append(f"{item.id}: {item.outcome}, {significant(item.effect / scale, 3)} SDs")
        else:
            parts.append(f"{item.id}: {item.outcome}, {prediction_text(item).effect}")
    return f"Effects. {'; '.join(parts)}."


def scale_of(item: PredictionResult) -> float | None:
    """One SD in the units of the effect; None where there is none."""
    if item.standardized and item.effect:
        return item.effect / item.standardized
    return item.reference_sd if item.reference_sd else None


def _limit(items: Sequence[PredictionResult]) -> float:
    """How far the axis of SDs reaches: everything, unless that is too far."""
    reach = [1.0]
    for item in items:
        scale = scale_of(item) or 1.0
        bounds = [item.effect or 0.0, *(item.margin or ())]
        bounds += [] if item.interval is None else [item.interval.low, item.interval.high]
        reach += [abs(bound) / abs(scale) for bound in bounds]
    return min(1.1 * max(reach), _FARTHEST)


def _draw_row(
    axes: Axes, row: int, item: PredictionResult, scale: float | None, limit: float | None, far: float
) -> None:
    marker, colour = OUTCOME_MARKS[item.outcome]
    if row % 2:
        axes.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
    if item.effect is None or not scale:
        axes.text(
            0.5,
            row,
            "no value: see its section",
            va="center",
            ha="center",
            color=FAINT,
            fontsize=SMALL,
            transform=axes.get_yaxis_transform(),
        )
        return
    value = item.effect / scale
    if item.margin is not None:
        low, high = (bound / scale for bound in item.margin)
        axes.fill_betweenx([row - 0.36, row + 0.36], low, high, color=MARGIN, alpha=0.22, linewidth=0)
    if limit is not None and abs(value) > limit:
        side = 1 if value > 0 else -1
        axes.plot([side * limit * 0.97], [row], marker, color=colour, markersize=6, clip_on=False)
        axes.text(
            side * limit * 0.9,
            row,
            _far_text(item, scale),
            va="center",
            ha="right" if side > 0 else "left",
            fontsize=SMALL,
            zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6},
        )
        return
    axes.plot(
        [value], [row], marker, color=colour, markersize=7, markerfacecolor="white", markeredgewidth=1.3
    )
    if item.interval is not None:
        ends = [item.interval.low / scale, item.interval.high / scale]
        axes.plot(ends, [row, row], "|-", color=INK, linewidth=1.4, markersize=5, zorder=4)
    else:
        inwards = value > far  # beyond the mark there is no room for words
        axes.annotate(
            "no interval",
            (value, row),
            xytext=(-7 if inwards else 7, 0),
            textcoords="offset points",
            va="center",
            ha="right" if inwards else "left",
            color=FAINT,
            fontsize=SMALL,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6},
            zorder=5,
        )


def _far_text(item: PredictionResult, scale: float) -> str:
    """``22.3 [20.7, 23.9] SDs``: of an effect that lies beyond the axis, whose interval cannot be drawn."""
    effect = (item.effect or 0.0) / scale
    decimals = decimals_for(None, (effect,))
    said = fixed(effect, decimals)
    if item.interval is not None:
        low, high = sorted((item.interval.low / scale, item.interval.high / scale))
        said += f" {range_text((low, high), decimals)}"
    return f"{said} SDs".replace("-", "−")


def _finish(axes: Axes, items: Sequence[PredictionResult], in_sd: bool, limit: float | None) -> None:
    axes.axvline(0, color=INK, linewidth=0.8)
    if limit is not None:
        axes.set_xlim(-limit, limit)
    else:
        reach = max(abs(bound) for bound in axes.get_xlim())
        axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    axes.set_yticks(range(len(items)), [wrapped(item.id, _NAMES, 8) for item in reversed(items)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.5, max(1, len(items)) - 0.5)
    axes.set_xlabel(
        "effect in SDs of what it is compared with" if in_sd else "effect in the measure's own unit"
    )
    for row, item in enumerate(reversed(items)):
        role = "" if item.role == "deciding" else f"\n({item.role})"
        axes.text(
            1.02,
            row,
            f"{item.outcome}{role}",
            transform=axes.get_yaxis_transform(),
            va="center",
            color=DARK.get(item.outcome, INK),
            fontsize=SMALL,
            linespacing=0.95,
        )
