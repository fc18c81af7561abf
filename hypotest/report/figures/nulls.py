"""Figures of tests: an observed value among its null draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hypotest.measures.registry import words_of
from hypotest.nulls.registry import NULLS
from hypotest.pages.text import printable
from hypotest.records.protocol.conditions import UNNAMED
from hypotest.records.results.prediction_result import NullComparison, PredictionResult
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    INK,
    NULL,
    OBSERVED,
    SMALL,
    new_figure,
    wrapped,
)
from hypotest.report.numbers import count_text, decimals_for, fixed, p_text, prediction_text
from hypotest.report.picture import panel_id
from hypotest.report.text import value_of

_ROW, _AROUND = 1.42, 0.75
"""Inches: a row of panels with what is written over each; the legend and the label of the axes."""
_NAME_SIZE, _LINES_OF_P = 8.0, 23.0
"""Points: letters of a null's name, and the height of what stands between it and its panel."""
_ABREAST = 3
_ROOM = {1: 4.0, 2: 1.9, 3: 1.3}
"""Panels abreast -> inches for the words of each."""
_INTERVALS = {1: 5, 2: 4, 3: 2}
"""Panels abreast -> intervals between ticks at most, so that numbers of five characters do not touch."""
_FEW = 10
"""Draws of which a histogram would show nothing: each has a mark of its own."""
_FEWEST_FOR_MODES = 100
_ERRORS_APART = 3.0
"""Standard errors of counting that a peak must rise above the valley beside it."""
_MANY_MODES = 4


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


def is_framed(result: PredictionResult, rung: NullComparison) -> bool:
    """Whether this null decides a prediction, which its panel's frame says."""
    return rung is result.ladder[0] and result.reference in NULLS and result.role != "descriptive"


def draw_ladder(result: PredictionResult, draws: Mapping[str, Draws]) -> Figure:
    """The observed value on the histogram of each null that was drawn, one panel per null.

    What all panels share is said once: the observed value above them, the axis below.

    Args:
        result: The prediction.
        draws: From `draws_of`, at least one.
    """
    panels = [rung for rung in result.ladder if rung.key in draws]
    columns = 2 if len(panels) in (2, 4) else min(len(panels), _ABREAST)
    rows = math.ceil(len(panels) / columns)
    figure, axes = new_figure(_AROUND + _ROW * rows, columns, rows, COLUMN)
    observed = {observed_text(result, rung) for rung in panels}
    label = words_of(result.measure, result.title, UNNAMED).label
    labels = [_label_lines(label, rung.statistic) for rung in panels]
    for place, rung, named in zip(axes, panels, labels, strict=False):
        _draw_draws(place, rung, draws[rung.key])
        _write(place, result, rung, draws[rung.key], _ROOM[columns], shared=len(observed) == 1)
        place.xaxis.set_major_locator(MaxNLocator(nbins=_INTERVALS[columns], steps=[1, 2, 4, 5, 10]))
        if len(set(labels)) > 1:
            said = "\n".join(wrapped(line, _ROOM[columns], SMALL) for line in named)
            place.set_xlabel(said, fontsize=SMALL)
    if len(set(labels)) == 1:
        figure.supxlabel("\n".join(wrapped(line, _ROOM[1], 8.5) for line in labels[0]), fontsize=8.5)
    for empty in axes[len(panels) :]:
        empty.set_axis_off()
    said = f"observed {observed.pop()}" if len(observed) == 1 else "observed"
    figure.legend(handles=_legend(said, draws), loc="outside upper center", ncols=3, columnspacing=1.2)
    return figure


def observed_text(result: PredictionResult, rung: NullComparison) -> str:
    """What stands among the draws, with the decimals that the prediction's value has everywhere."""
    if rung.observed == result.observed:
        return prediction_text(result).observed.replace("-", "−")
    return fixed(rung.observed, decimals_for(rung.sd, (rung.observed,))).replace("-", "−")


def modes_text(draws: Draws) -> str:
    """``3 modes``, or nothing where there is one."""
    modes = modes_of(draws)
    if modes == 1:
        return ""
    return f"{modes} modes" if modes < _MANY_MODES else "many modes"


def _draw_draws(axes: Axes, rung: NullComparison, draws: Draws) -> None:
    axes.set_gid(panel_id(rung.id))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    low, high = min(draws.min(), rung.observed), max(draws.max(), rung.observed)
    if low == high:
        low, high = low - 0.5, high + 0.5
    if len(draws) < _FEW:
        heights = np.linspace(0.25, 0.55, len(draws)) if len(draws) > 1 else [0.35]  # none hides another
        axes.plot(draws, heights, "D", color=FAINT, markersize=5, clip_on=False)
        axes.set_ylim(0, 1)
    else:
        _draw_histogram(axes, draws, high - low)
    axes.axvline(rung.observed, color=OBSERVED, linewidth=1.8)
    pad = 0.06 * (high - low)
    axes.set_xlim(low - pad, high + pad)


def _draw_histogram(axes: Axes, draws: Draws, span: float) -> None:
    edges = _edges(draws, span)
    # White edges would swallow bars as narrow as they are.
    wide = 3 * np.ptp(edges) > span
    axes.hist(
        draws,
        bins=edges.tolist(),
        color=NULL,
        edgecolor="white" if wide else NULL,
        linewidth=0.3 if wide else 0.8,
    )
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])


def _edges(draws: Draws, span: float) -> Draws:
    """Of the bars."""
    bins = min(40, max(10, int(math.sqrt(len(draws)))))
    width = (draws.max() - draws.min()) / bins or span / bins
    edges = draws.min() + width * np.arange(bins + 1)
    edges[-1] = max(edges[-1], draws.max())  # rounding must not leave the largest draw outside
    return np.asarray(edges, dtype=np.float64)


def _write(
    axes: Axes, result: PredictionResult, rung: NullComparison, draws: Draws, room: float, shared: bool
) -> None:
    """The null's name above its panel, and between them p and the number of draws."""
    decides = is_framed(result, rung)
    name = wrapped(f"{rung.id}{', decides' if decides else ''}", room, _NAME_SIZE)
    axes.set_title(name, fontsize=_NAME_SIZE, pad=_LINES_OF_P, linespacing=1.1)
    for spine in axes.spines.values() if decides else ():
        spine.set_visible(True)
        spine.set_linewidth(1.8)
    number = "1 draw" if len(draws) == 1 else f"{count_text(len(draws))} draws"
    observed = "" if shared else f"observed {observed_text(result, rung)}"
    said = ((observed, _p_said(rung, len(draws))), (number, modes_text(draws)))
    lines = [", ".join(filter(None, parts)) for parts in said]
    axes.annotate(
        "\n".join(lines),
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 3),
        textcoords="offset points",
        va="bottom",
        fontsize=SMALL,
        linespacing=1.15,
        color=INK,
    )


def _p_said(rung: NullComparison, n_draws: int) -> str:
    """Its p, unless that says nothing."""
    if n_draws < _FEW:
        return "no p: too few draws"
    if rung.blocked is not None:
        return f"no conclusion (p {p_text(rung.p_value)})"
    return f"p = {p_text(rung.p_value)}".replace("= <", "< ")


def _legend(observed: str, draws: Mapping[str, Draws]) -> list[Artist]:
    handles: list[Artist] = [Line2D([], [], color=OBSERVED, linewidth=1.8, label=observed)]
    if any(len(values) >= _FEW for values in draws.values()):
        handles.append(Patch(color=NULL, linewidth=0, label="draws"))
    if any(len(values) < _FEW for values in draws.values()):
        handles.append(Line2D([], [], color=FAINT, marker="D", linestyle="", markersize=5, label="one draw"))
    return handles


def modes_of(draws: Draws) -> int:
    """Peaks of the histogram that chance does not make.

    A peak counts where its bar, or it and its two neighbours together, hold more draws than as many bars in
    the valley beside it by three standard errors of counting, √(peak + valley). 1 where nothing varies or
    draws are fewer than a hundred.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> modes_of(rng.normal(size=2000)), modes_of(np.r_[rng.normal(size=999), rng.normal(9, 1, 999)])
        (1, 2)
    """
    if len(draws) < _FEWEST_FOR_MODES or np.ptp(draws) == 0:
        return 1
    bars = np.histogram(draws, _edges(draws, 1.0))[0]
    return max(_peaks(bars.tolist()), _peaks(np.convolve(bars, [1, 1, 1]).tolist()))


def _peaks(bars: Sequence[int]) -> int:
    """Bars are added from the highest to the lowest; where two ranges meet, the lower peak is judged."""
    highest = dict[int, int]()  # end of a range -> its highest bar
    other = dict[int, int]()  # end of a range -> its other end
    peaks = 1
    for place in sorted(range(len(bars)), key=lambda place: -bars[place]):
        left = other.pop(place - 1, place)
        right = other.pop(place + 1, place)
        beside = [highest[end] for end in (place - 1, place + 1) if end in highest]
        valley = bars[place]
        if len(beside) == 2 and min(beside) - valley > _ERRORS_APART * math.sqrt(min(beside) + valley):
            peaks += 1
        other[left], other[right] = right, left
        highest[left] = highest[right] = max([valley, *beside])
    return peaks


def _label_lines(label: str, statistic: str) -> tuple[str, ...]:
    """What stands on the axis, and its unit or whose value it is."""
    name, bracket, unit = label.partition(" (")
    if statistic == "t":  # the difference over its own standard error, whose unit is none
        return name, "t of the difference"
    if " - " in statistic:
        return name, printable(value_of(statistic)).replace(" - ", " − ")
    return (name, f"({unit}") if bracket else (name,)
