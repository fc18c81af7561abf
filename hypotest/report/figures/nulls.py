"""Figures of tests: an observed value among its null draws, an estimate beside its reference."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hypotest.measures.registry import words_of
from hypotest.nulls.registry import NULLS
from hypotest.pages.text import printable
from hypotest.records.protocol.conditions import UNNAMED
from hypotest.records.results.prediction_result import NullComparison, PredictionResult
from hypotest.report.figures.style import COLUMN, FAINT, INK, MARGIN, NULL, OBSERVED, SMALL, new_figure
from hypotest.report.numbers import count_text, decimals_for, fixed, p_text
from hypotest.report.picture import panel_id
from hypotest.report.text import value_of

_TITLE_SIZE, _LONG_NAME = 9.0, 26
_ROOM = 0.66
"""Share of a panel that the words about the observed value take."""
_HEADROOM = 1.42
"""Height of a panel, in that of what is drawn: two lines of words stand above it."""
_FEW = 10
"""Draws of which a histogram would show nothing: each has a mark of its own."""
_FEWEST_FOR_MODES = 100
_PROMINENCE = 0.2
"""Share of the highest peak that another one must rise above the valley before it."""


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
    columns = min(len(panels), 2)
    rows = math.ceil(len(panels) / columns)
    figure, axes = new_figure(2.3 * rows, columns, rows, COLUMN)
    for place, rung in zip(axes, panels, strict=False):
        decides = rung is result.ladder[0] and result.reference in NULLS and result.role != "descriptive"
        _draw_panel(place, result, rung, draws[rung.key], decides)
        if columns > 1:  # no room for four numbers with three decimals
            place.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    for empty in axes[len(panels) :]:
        empty.set_axis_off()
    return figure


def _draw_panel(
    axes: Axes, result: PredictionResult, rung: NullComparison, draws: Draws, decides: bool
) -> None:
    axes.set_gid(panel_id(rung.id))
    low, high = min(draws.min(), rung.observed), max(draws.max(), rung.observed)
    if low == high:
        low, high = low - 0.5, high + 0.5
    top = _draw_few(axes, draws) if len(draws) < _FEW else _draw_histogram(axes, draws, high - low)
    axes.plot([rung.observed] * 2, [0, top * 1.05], color=OBSERVED, linewidth=1.8)
    pad = 0.06 * (high - low)
    axes.set_xlim(low - pad, high + pad)
    name = f"{printable(rung.id)}{', decides' if decides else ''}"
    axes.set_title(name, fontsize=_TITLE_SIZE if len(name) < _LONG_NAME else SMALL)
    if decides:
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_linewidth(1.8)
    if len(draws) >= _FEW:
        modes = modes_of(draws)
        several = f", {modes} modes" if modes > 1 else ""
        axes.set_ylabel(f"draws (of {count_text(len(draws))}{several})", fontsize=SMALL)
    label = words_of(result.measure, result.title, UNNAMED).label
    axes.set_xlabel(_label(label, rung.statistic), fontsize=SMALL)
    decimals = decimals_for(rung.sd, (rung.observed,))
    right = rung.observed > (low + high) / 2
    room = _ROOM * (high - low)  # beside a line in the middle the words would run out of the panel
    axes.annotate(
        _said(rung, decimals, len(draws)),
        (
            max(rung.observed, low + room) if right else min(rung.observed, high - room),
            top * (_HEADROOM - 0.02),
        ),
        xytext=(-3 if right else 3, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        color=OBSERVED,
        fontsize=8,
    )


def _draw_histogram(axes: Axes, draws: Draws, span: float) -> float:
    """Bars; returns how high they reach."""
    bins = min(40, max(10, int(math.sqrt(len(draws)))))
    width = (draws.max() - draws.min()) / bins or span / bins
    edges = draws.min() + width * np.arange(bins + 1)
    edges[-1] = max(edges[-1], draws.max())  # rounding must not leave the largest draw outside
    # White edges would swallow bars as narrow as they are.
    wide = width * 3 * bins > span
    axes.hist(
        draws,
        bins=edges.tolist(),
        color=NULL,
        edgecolor="white" if wide else NULL,
        linewidth=0.3 if wide else 0.8,
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=[1, 2, 5, 10]))
    top = float(axes.get_ylim()[1])
    axes.set_ylim(0, top * _HEADROOM)
    return top


def _draw_few(axes: Axes, draws: Draws) -> float:
    """A mark for each; returns how high the place for them is."""
    axes.plot(draws, np.full(len(draws), 0.35), "D", color=FAINT, markersize=6, clip_on=False)
    axes.set_yticks([])
    axes.set_ylim(0, _HEADROOM)
    axes.spines["left"].set_visible(False)
    return 1.0


def _said(rung: NullComparison, decimals: int, n_draws: int) -> str:
    """Of so few draws no p says anything."""
    observed = f"observed {fixed(rung.observed, decimals)}"
    if n_draws < _FEW:
        return f"{observed}\n{n_draws} {'draw' if n_draws == 1 else 'draws'}, marked"
    return f"{observed}\np = {p_text(rung.p_value)}".replace("= <", "< ")


def modes_of(draws: Draws) -> int:
    """Peaks of a smoothed histogram that rise a fifth of its height above their surroundings.

    Smoothed by a Gaussian kernel of Scott's bandwidth, doi:10.1002/9780470316849; 1 where nothing varies or
    draws are fewer than a hundred.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> modes_of(rng.normal(size=2000)), modes_of(np.r_[rng.normal(size=999), rng.normal(9, 1, 999)])
        (1, 2)
    """
    if len(draws) < _FEWEST_FOR_MODES or np.ptp(draws) == 0:
        return 1
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    low, high = float(draws.min()), float(draws.max())
    beyond = 0.2 * (high - low)  # so that a peak at an end is one
    counts, edges = np.histogram(draws, bins=400, range=(low - beyond, high + beyond))
    bandwidth = float(draws.std()) * len(draws) ** -0.2
    heights = gaussian_filter1d(counts.astype(np.float64), bandwidth / (edges[1] - edges[0]), mode="constant")
    peaks, _ = find_peaks(heights, prominence=_PROMINENCE * float(heights.max()))
    return max(1, len(peaks))


def _label(label: str, statistic: str) -> str:
    # A narrow panel has no room for name and unit on one line.
    name, bracket, unit = label.partition(" (")
    if statistic == "t":  # the difference over its own standard error, whose unit is none
        return f"{name}\nt of the difference"
    if " - " in statistic:
        return f"{name}\n{printable(value_of(statistic)).replace(' - ', ' − ')}"
    return f"{name}\n({unit}" if bracket else name


def draw_estimate(result: PredictionResult, observed: float, reference: float) -> Figure:
    """An estimate with its interval beside what it is compared with, and the margin.

    Args:
        result: The prediction.
        observed: Its value, which is defined.
        reference: What it is compared with, which is, too.
    """
    figure, (axes,) = new_figure(1.6, width=COLUMN)
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
    figure.legend(loc="outside upper center", ncols=3)
    return figure
