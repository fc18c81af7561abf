"""Figures of tests: an observed value among its null draws, an estimate, all effects."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from hypotest.measures.registry import words_of
from hypotest.pages.text import printable
from hypotest.records.protocol.conditions import UNNAMED
from hypotest.records.results.prediction_result import NullComparison, PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.figures.style import (
    FAINT,
    FIRST,
    INK,
    MARGIN,
    NULL,
    OBSERVED,
    SECOND,
    new_figure,
)
from hypotest.report.numbers import count_text, decimals_for, fixed, p_text

_LINEAR_TO = 3.0
_TITLE_SIZE, _LONG_NAME = 9.0, 26
_TICKS = [1.0, 2.0, 3.0] + [step * 10.0**power for power in range(6) for step in (5, 10, 20)]
OUTCOME_MARKS = {
    "less": ("<", SECOND),
    "greater": (">", FIRST),
    "equivalent": ("s", MARGIN),
    "inconclusive": ("o", FAINT),
    "undefined": ("x", FAINT),
}
"""Outcome -> marker and colour."""


Draws = NDArray[np.float64]


def draws_of(result: PredictionResult, nulls: pl.DataFrame) -> dict[str, Draws]:
    """Key of each null of a prediction that was drawn -> its finite draws, in the order of the ladder.

    Args:
        result: The prediction.
        nulls: Columns prediction, null, draw, value; rows of other predictions are ignored.
    """
    mine = nulls.filter(pl.col("prediction") == result.id)
    every = {
        rung.key: mine.filter(pl.col("null") == rung.key)["value"].drop_nulls().to_numpy()
        for rung in result.ladder
    }
    finite = {key: draws[np.isfinite(draws)] for key, draws in every.items()}
    return {key: draws for key, draws in finite.items() if draws.size}


def draw_ladder(result: PredictionResult, draws: Mapping[str, Draws]) -> Figure:
    """The observed value on the histogram of each null that was drawn, one panel per null.

    Args:
        result: The prediction.
        draws: From `draws_of`, at least one.
    """
    panels = [rung for rung in result.ladder if rung.key in draws]
    columns = min(len(panels), 3)
    rows = math.ceil(len(panels) / columns)
    figure, axes = new_figure(2.5 * rows, columns, rows)
    for place, rung in zip(axes, panels, strict=False):
        _draw_panel(place, result, rung, draws[rung.key])
        if columns == 3:  # no room for four numbers with three decimals
            place.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    for empty in axes[len(panels) :]:
        empty.set_axis_off()
    return figure


def _draw_panel(axes: Axes, result: PredictionResult, rung: NullComparison, draws: Draws) -> None:
    low, high = min(draws.min(), rung.observed), max(draws.max(), rung.observed)
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins = min(40, max(10, int(math.sqrt(len(draws)))))
    width = (draws.max() - draws.min()) / bins or (high - low) / bins
    edges = draws.min() + width * np.arange(bins + 1)
    edges[-1] = max(edges[-1], draws.max())  # rounding must not leave the largest draw outside
    # White edges would swallow bars as narrow as they are.
    wide = width * 3 * bins > high - low
    axes.hist(
        draws,
        bins=edges.tolist(),
        color=NULL,
        edgecolor="white" if wide else NULL,
        linewidth=0.3 if wide else 0.8,
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
    top = axes.get_ylim()[1]
    axes.set_ylim(0, top * 1.22)
    axes.plot([rung.observed] * 2, [0, top * 1.05], color=OBSERVED, linewidth=1.8)
    pad = 0.06 * (high - low)
    axes.set_xlim(low - pad, high + pad)
    name = printable(rung.id)
    axes.set_title(name, fontsize=_TITLE_SIZE if len(name) < _LONG_NAME else _TITLE_SIZE - 1.5)
    axes.set_ylabel(f"draws (of {count_text(len(draws))})")
    label = words_of(result.measure, result.title, UNNAMED).label
    axes.set_xlabel(_label(label, rung.statistic))
    decimals = decimals_for(rung.sd, (rung.observed,))
    right = rung.observed > (low + high) / 2
    axes.annotate(
        f"observed {fixed(rung.observed, decimals)}\np = {p_text(rung.p_value)}".replace("= <", "< "),
        (rung.observed, top * 1.2),
        xytext=(-3 if right else 3, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        color=OBSERVED,
        fontsize=8,
    )


def _label(label: str, statistic: str) -> str:
    # A narrow panel has no room for name and unit on one line.
    name, bracket, unit = label.partition(" (")
    if " - " in statistic:
        return f"{name}\n{printable(statistic).replace(' - ', ' − ')}"
    return f"{name}\n({unit}" if bracket else name


def draw_estimate(result: PredictionResult, observed: float, reference: float) -> Figure:
    """An estimate with its interval beside what it is compared with, and the margin.

    Args:
        result: The prediction.
        observed: Its value, which is defined.
        reference: What it is compared with, which is, too.
    """
    figure, (axes,) = new_figure(1.45)
    if result.margin is not None:
        axes.axvspan(
            reference + result.margin[0],
            reference + result.margin[1],
            color=MARGIN,
            alpha=0.14,
            linewidth=0,
            label="margin",
        )
    axes.axvline(
        reference,
        color=INK,
        linestyle="--",
        linewidth=1,
        label="reference value" if result.reference == "value" else printable(result.against),
    )
    for interval, weight in ((result.interval_95, 1.0), (result.interval, 3.0)):
        if interval is not None:
            axes.plot(
                [reference + interval.low, reference + interval.high],
                [0, 0],
                color=OBSERVED,
                linewidth=weight,
                solid_capstyle="butt",
                label=f"{100 * interval.level:g} % interval",
            )
    axes.plot([observed], [0], "o", color=OBSERVED, markersize=6, label="observed")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-1, 1)
    axes.margins(x=0.12)
    axes.set_xlabel(words_of(result.measure, result.title, UNNAMED).label)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def draw_effects(results: Results) -> Figure:
    """Forest plot: every effect in SDs, its interval, its margin, its outcome.

    An effect that has no SD (a value against a declared number) is only named.
    """
    items = results.predictions
    figure, (axes,) = new_figure(0.9 + 0.36 * len(items))
    for row, item in enumerate(reversed(items)):
        scale = _scale(item)
        marker, colour = OUTCOME_MARKS[item.outcome]
        if row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="#F4F4F4", linewidth=0, zorder=0)
        outcome = item.outcome if item.role == "deciding" else f"{item.outcome} ({item.role})"
        axes.text(
            1.02,
            row,
            outcome,
            transform=axes.get_yaxis_transform(),
            va="center",
            color=colour,
            fontsize=8,
        )
        if scale is None or item.effect is None:
            axes.text(
                0.02,
                row,
                "no value: see its section" if item.effect is None else "no SD to scale by: see the table",
                va="center",
                color=FAINT,
                fontsize=8,
                transform=axes.get_yaxis_transform(),
            )
            continue
        if item.margin is not None:
            low, high = (bound / scale for bound in item.margin)
            axes.fill_betweenx([row - 0.36, row + 0.36], low, high, color=MARGIN, alpha=0.22, linewidth=0)
        if item.interval is not None:
            axes.plot(
                [item.interval.low / scale, item.interval.high / scale],
                [row, row],
                color=colour,
                linewidth=1.8,
                solid_capstyle="butt",
            )
        axes.plot(
            [item.effect / scale],
            [row],
            marker,
            color=colour,
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xscale("symlog", linthresh=_LINEAR_TO, linscale=0.9)
    reach = max(abs(bound) for bound in axes.get_xlim())
    ticks = [tick for tick in _TICKS if tick <= max(reach, _LINEAR_TO) * 1.25]
    edge = max(reach, ticks[-1]) * 1.05
    axes.set_xlim(-edge, edge)
    axes.set_xticks([-tick for tick in reversed(ticks)] + [0.0] + ticks)
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    axes.set_yticks(range(len(items)), [printable(item.id) for item in reversed(items)])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.5, max(len(items), 1) - 0.5)
    axes.set_xlabel("effect in SDs (linear up to ±3, logarithmic beyond)")
    axes.legend(
        handles=[
            Line2D([], [], color=INK, linewidth=1.8, label="interval over documents"),
            Line2D([], [], color=MARGIN, alpha=0.3, linewidth=8, label="margin of equivalence"),
        ],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
    )
    return figure


def _scale(item: PredictionResult) -> float | None:
    if item.standardized and item.effect:
        return item.effect / item.standardized
    return item.reference_sd if item.reference_sd else None
