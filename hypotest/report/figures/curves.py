"""Figures of curves: rank and influence, eigenvalues, token frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from hypotest.pages.text import printable
from hypotest.records.results.figure_data import FrequencyCurve, RegimeFit, Spectrum
from hypotest.report.figures.style import (
    FAINT,
    FIRST,
    INK,
    NULL,
    OBSERVED,
    SECOND,
    new_figure,
    plain_ticks,
)
from hypotest.report.numbers import count_text, fixed

_BACKGROUND = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
_COLOURS = (FIRST, SECOND)
"""Of the first and of the second condition."""


def draw_regimes(regimes: tuple[RegimeFit, ...], selected: Mapping[str, int] | None = None) -> Figure:
    """Rank-influence curves with their fitted regimes, one panel per condition.

    Args:
        regimes: The curves.
        selected: Condition -> how many of its first neurons the group holds, to be shaded.
    """
    figure, axes = new_figure(2.9, len(regimes))
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
        place.set_title(f"{printable(fit.condition)} targets: {shape}")
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
        place.set_xlabel("rank of the neuron (1 = most influential)")
    low = min(min(fit.influence) for fit in regimes)
    high = max(max(fit.influence) for fit in regimes)
    for place in axes:
        place.set_ylim(low / 6, high * 1.6)
        plain_ticks(place.xaxis, place.yaxis)
    axes[0].set_ylabel("influence: mean |Δ loss| (nats)")
    handles: list[Artist] = [
        Line2D([], [], marker="o", linestyle="", color=FAINT, markersize=4, label="influence"),
        Line2D([], [], color=INK, linewidth=1.2, label="fitted regimes"),
        Line2D([], [], color=FAINT, linestyle=":", linewidth=1, label="breaks"),
    ]
    if selected:
        handles.append(Patch(color=NULL, alpha=0.3, linewidth=0, label="selected"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def draw_spectrum(spectrum: Spectrum, variance: float) -> Figure:
    """Eigenvalues of the group's activations with the band of random groups, and their running sum.

    Args:
        spectrum: Eigenvalues as shares of the trace.
        variance: Share of the variance that the effective dimension asks for.
    """
    figure, (left, right) = new_figure(2.9, 2)
    index = range(1, len(spectrum.observed) + 1)
    left.fill_between(
        index,
        spectrum.null_low,
        spectrum.null_high,
        color=NULL,
        alpha=0.55,
        linewidth=0,
        label="random groups, 95 %",
    )
    left.plot(index, spectrum.null_median, color=FAINT, linewidth=1, label="random groups, median")
    left.plot(index, spectrum.observed, "o-", color=OBSERVED, markersize=2.8, linewidth=1, label="group")
    left.set_yscale("log")
    plain_ticks(left.yaxis)
    left.set_xlabel("eigenvalue, by size")
    left.set_ylabel("share of the variance")
    left.legend(loc="upper right")
    right.fill_between(
        index,
        spectrum.cumulated_low,
        spectrum.cumulated_high,
        color=NULL,
        alpha=0.55,
        linewidth=0,
        label="random groups, 95 %",
    )
    right.plot(index, spectrum.cumulated_median, color=FAINT, label="random groups, median")
    right.plot(index, list(accumulate(spectrum.observed)), color=OBSERVED, label="group")
    right.axhline(variance, color=INK, linestyle=":", linewidth=1)
    right.text(1, variance - 0.015, f"{variance:g}", fontsize=8, color=INK, va="top")
    right.set_xlabel("number of eigenvalues")
    right.set_ylabel("cumulated share of the variance")
    right.set_ylim(0, 1.03)
    right.legend(loc="lower right")
    return figure


def draw_frequencies(curve: FrequencyCurve) -> Figure:
    """Token counts against their rank, with the elbow and the range of a condition.

    The right panel repeats the rarest types on a linear rank axis: on a logarithmic one they are a
    sliver.
    """
    figure, (whole, tail) = new_figure(3.0, 2)
    ranks = [10**value for value in curve.log10_rank]
    counts = [10**value for value in curve.log10_count]
    low, high = curve.count_range
    end = float(curve.elbow_rank) if curve.elbow_rank is not None else max(ranks, default=1.0)
    for axes in (whole, tail):
        band = axes.axvspan(curve.first_rank, end, color=FIRST, alpha=0.3, linewidth=0)
        band.set_label(
            f"{printable(curve.condition)}: {count_text(curve.n_in_range)} types, "
            f"{count_text(low)} to {count_text(high)} occurrences each"
        )
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
    whole.set_xscale("log")
    plain_ticks(whole.xaxis, whole.yaxis, tail.yaxis)
    whole.set_xlabel("rank of the token type (1 = most frequent)")
    whole.set_ylabel("occurrences in the reference text")
    whole.set_title("all types")
    tail.set_title("the rarest types")
    tail.set_xlabel("rank of the token type")
    tail.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    tail.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if ranks:
        start = 0.6 * curve.first_rank
        shown = [count for rank, count in zip(ranks, counts, strict=True) if rank >= start]
        tail.set_xlim(start, ranks[-1] * 1.02)
        tail.set_ylim(max(min(counts) * 0.7, 0.5), max(shown, default=counts[0]) * 1.6)
    handles, labels = whole.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure
