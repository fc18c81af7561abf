"""Figures of curves: rank and influence, eigenvalues, token frequencies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from hypotest.records.results.figure_data import FrequencyCurve, RegimeFit, Spectrum
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    FIRST,
    INK,
    NULL,
    OBSERVED,
    SECOND,
    SMALL,
    new_stack,
    plain_ticks,
    wrapped,
)
from hypotest.report.numbers import count_text, fixed

_PANEL, _AROUND, _ROOM = 1.7, 0.55, 3.5
"""Inches: a panel's axes, what stands above and below them, and how wide words above them may be."""
_NOTHING = 1e-9
"""Of an equal share of the variance: what is smaller is rounding of double precision."""
_BACKGROUND = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
_BESIDE = 4
"""Steps of the curve on either side of a point, a twentieth of a decade or so, between which it bends."""
ELBOW_WINDOW = 0.15
"""Decades of ranks over which `find_elbow` takes the slope."""
_TICKS_APART = 0.13
"""Share of a logarithmic axis between the numbers on it: as wide as ``20,000``."""
_COLOURS = (FIRST, SECOND)
"""Of the first and of the second condition."""


def draw_regimes(regimes: tuple[RegimeFit, ...], selected: Mapping[str, int] | None = None) -> Figure:
    """Rank-influence curves with their fitted regimes, one panel per condition, above one another.

    Args:
        regimes: The curves.
        selected: Condition -> how many of its first neurons the group holds, to be shaded.
    """
    figure, axes = new_stack(COLUMN, [_PANEL] * len(regimes), _AROUND)
    for place, fit, colour in zip(axes, regimes, (*_COLOURS, *[INK] * len(regimes)), strict=False):
        place.loglog(
            fit.ranks,
            fit.influence,
            "o",
            color=colour,
            markersize=3.2,
            alpha=0.75,
            markeredgewidth=0,
        )
        place.loglog(fit.ranks, fit.fitted, color=INK, linewidth=1.2)
        for breakpoint in fit.breakpoints:
            place.axvline(breakpoint, color=FAINT, linestyle=":", linewidth=1)
        if selected and fit.condition in selected:
            place.axvspan(fit.ranks[0], selected[fit.condition], color=NULL, alpha=0.3, linewidth=0)
        slopes = ", ".join(fixed(slope, 2) for slope in fit.slopes)
        shape = "plateau" if fit.plateau else "no plateau"
        place.set_title(wrapped(f"{fit.condition} targets: {shape}", _ROOM, 9))
        place.text(
            0.03,
            0.04,
            f"slopes {slopes}\nbreaks at rank "
            + (", ".join(f"{value:,.0f}" for value in fit.breakpoints) or "none"),
            transform=place.transAxes,
            fontsize=8,
            color=INK,
            bbox=_BACKGROUND,
        )
    low = min(min(fit.influence) for fit in regimes)
    high = max(max(fit.influence) for fit in regimes)
    for place in axes:
        place.set_ylim(low / 6, high * 1.6)
        plain_ticks(place.xaxis, place.yaxis)
        place.set_ylabel("influence: mean\n|Δ loss| (nats)")
    axes[-1].set_xlabel("rank of the neuron (1 = most influential)")
    handles: list[Artist] = [
        Line2D([], [], marker="o", linestyle="", color=FAINT, markersize=4, label="influence"),
        Line2D([], [], color=INK, linewidth=1.2, label="fitted regimes"),
        Line2D([], [], color=FAINT, linestyle=":", linewidth=1, label="breaks"),
    ]
    if selected:
        handles.append(Patch(color=NULL, alpha=0.3, linewidth=0, label="selected"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), columnspacing=1)
    return figure


def collapsed(spectrum: Spectrum) -> int:
    """Eigenvalues that are nothing but rounding: so many neurons repeat others, or never vary.

    A neuron that never varies adds nothing to the trace, and a copy of another one adds a direction without
    variance; what is left of them in double precision is far below `_NOTHING` of an equal share.
    """
    n = len(spectrum.observed)
    return sum(value * n < _NOTHING for value in spectrum.observed)


def draw_spectrum(spectrum: Spectrum, variance: float) -> Figure:
    """Eigenvalues of the group's activations with the band of the null's groups, and their running sum below.

    Eigenvalues that are nothing but rounding have no place on a logarithmic axis; their number is said.

    Args:
        spectrum: Eigenvalues as shares of the trace.
        variance: Share of the variance that the effective dimension asks for.
    """
    figure, (single, summed) = new_stack(COLUMN, [_PANEL] * 2, _AROUND)
    index = range(1, len(spectrum.observed) + 1)
    nothing = collapsed(spectrum)
    drawn = spectrum.observed[: len(index) - nothing]
    curves = (
        (single, spectrum.null_low, spectrum.null_median, spectrum.null_high, drawn),
        (
            summed,
            spectrum.cumulated_low,
            spectrum.cumulated_median,
            spectrum.cumulated_high,
            tuple(accumulate(spectrum.observed)),
        ),
    )
    for axes, low, median, high, observed in curves:
        band = axes.fill_between(index, low, high, color=NULL, alpha=0.55, linewidth=0)
        band.set_label(f"{spectrum.null or 'random'} groups, 95 %")
        axes.plot(index, median, "--", color=INK, linewidth=1, label="their median")
        axes.plot(
            index[: len(observed)], observed, "o-", color=OBSERVED, markersize=2.8, linewidth=1, label="group"
        )
    single.set_yscale("log")
    if nothing:
        seen = [value for value in (*drawn, *spectrum.null_low) if value * len(index) >= _NOTHING]
        single.set_ylim(bottom=0.5 * min(seen, default=1.0))
        them = "eigenvalue is" if nothing == 1 else "eigenvalues are"
        single.text(
            0.03,
            0.05,
            f"{nothing} of {len(index)} {them} 0 up to rounding:\nneurons that repeat others, or never vary",
            transform=single.transAxes,
            fontsize=8,
            color=INK,
            bbox=_BACKGROUND,
        )
    plain_ticks(single.yaxis)
    single.set_xlabel("eigenvalue, by size")
    single.set_ylabel("share of the variance")
    summed.axhline(variance, color=INK, linestyle=":", linewidth=1)
    summed.text(1, variance - 0.015, f"{variance:g}", fontsize=8, color=INK, va="top")
    summed.set_xlabel("number of eigenvalues")
    summed.set_ylabel("cumulated share")
    summed.set_ylim(0, 1.03)
    handles, labels = single.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, columnspacing=1)
    return figure


def draw_frequencies(curve: FrequencyCurve) -> Figure:
    """Token counts against their rank, with the elbow and the range of a condition.

    The lower panel repeats the rarest types. It shows over which ranks the slope at the elbow is taken, and
    where the curve itself bends most within them: both axes are logarithmic, as those that the elbow is found
    on.
    """
    figure, (whole, tail) = new_stack(COLUMN, [_PANEL] * 2, _AROUND)
    ranks = [10**value for value in curve.log10_rank]
    counts = [10**value for value in curve.log10_count]
    low, high = curve.count_range
    end = float(curve.elbow_rank) if curve.elbow_rank is not None else max(ranks, default=1.0)
    for axes in (whole, tail):
        band = axes.axvspan(curve.first_rank, end, color=FIRST, alpha=0.3, linewidth=0)
        said = (
            f"{curve.condition}: {count_text(curve.n_in_range)} types, "
            f"{count_text(low)} to {count_text(high)} occurrences each"
        )
        band.set_label(wrapped(said, _ROOM, 8))
        if curve.elbow_rank is not None:
            axes.axvline(
                end,
                color=SECOND,
                linestyle="--",
                linewidth=1.1,
                label=f"elbow: {count_text(curve.n_dropped_types)} types beyond are dropped",
            )
        axes.plot(ranks, counts, color=INK, linewidth=1.4)
        axes.set_yscale("log")
        axes.set_xscale("log")
    plain_ticks(whole.xaxis, whole.yaxis, tail.xaxis, tail.yaxis)
    whole.set_xlabel("rank of the token type (1 = most frequent)")
    for axes in (whole, tail):
        axes.set_ylabel("occurrences in the\nreference text")
    whole.set_title("all types")
    tail.set_title("the rarest types")
    tail.set_xlabel("rank of the token type")
    if ranks:
        start, stop = 0.6 * curve.first_rank, ranks[-1] * 1.02
        shown = [count for rank, count in zip(ranks, counts, strict=True) if rank >= start]
        tail.set_xlim(start, stop)
        tail.set_xticks(spread_ticks(start, stop))
        lowest = max(min(counts) * 0.7, 0.5)
        tail.set_ylim(lowest, max(shown, default=counts[0]) * 1.6)
        if (bend := sharpest_bend(curve)) is not None:
            tail.axvline(
                bend, color=INK, linestyle=":", linewidth=1.1, gid="bend", label="where the curve bends most"
            )
        if (window := elbow_window(curve)) is not None:
            (bracket,) = tail.plot(window, [2 * lowest] * 2, "|-", color=INK, linewidth=1.1, markersize=9)
            bracket.set_gid("elbow-window")
            tail.annotate(
                "slope taken\nover this range",
                (window[0], 2 * lowest),
                xytext=(-5, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=SMALL,
                color=INK,
            )
    handles, labels = whole.get_legend_handles_labels()
    more = [pair for pair in zip(*tail.get_legend_handles_labels(), strict=True) if pair[1] not in labels]
    handles, labels = [*handles, *(item for item, _ in more)], [*labels, *(said for _, said in more)]
    figure.legend(handles, labels, loc="outside upper center", ncols=1)
    return figure


def sharpest_bend(curve: FrequencyCurve) -> float | None:
    """The rank, of those over which the slope at the elbow is taken, where the curve itself turns down most.

    `find_elbow` says where the slope over a window begins to stay steep, which may be up to half a window
    before that. None without an elbow, or where the curve turns nowhere by half its slope.
    """
    if (window := elbow_window(curve)) is None:
        return None
    rank, count = np.array(curve.log10_rank), np.array(curve.log10_count)
    slope = np.diff(count) / np.diff(rank)
    before = np.convolve(slope, np.full(_BESIDE, 1 / _BESIDE), "valid")  # of the steps up to each point
    inside = [
        place
        for place in range(_BESIDE, rank.size - _BESIDE)
        if math.log10(window[0]) <= rank[place] <= math.log10(window[1])
    ]
    turns = [(before[place - _BESIDE] - before[place], place) for place in inside]
    most, place = max(turns, default=(0.0, 0))
    return float(10 ** rank[place]) if most > abs(before[place - _BESIDE]) / 2 else None


def elbow_window(curve: FrequencyCurve) -> tuple[float, float] | None:
    """First and last rank between which the slope at the elbow is taken; None without an elbow."""
    if curve.elbow_rank is None:
        return None
    half, end = ELBOW_WINDOW / 2, curve.log10_rank[-1]
    # at both ends of the curve the window keeps its width
    middle = min(max(math.log10(curve.elbow_rank), half), end - half)
    return 10 ** (middle - half), 10 ** (middle + half)


def spread_ticks(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis of about a decade, so far apart that no two touch.

    Examples:
        >>> spread_ticks(4300, 26000)
        [5000.0, 10000.0, 15000.0, 20000.0]
    """
    span = math.log(high / low)
    ticks = list[float]()
    for value in map(float, MaxNLocator(5, integer=True).tick_values(low, high)):
        if low <= value <= high and (not ticks or math.log(value / ticks[-1]) > _TICKS_APART * span):
            ticks.append(value)
    return ticks
