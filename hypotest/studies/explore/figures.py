"""Figures of an exploration: the curves, the covariates, every neuron's two influences."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from hypotest.pages.text import printable
from hypotest.records.protocol.design import LARGEST_IMBALANCE
from hypotest.report.figures.curves import draw_regimes
from hypotest.report.figures.style import (
    FAINT,
    INK,
    MARGIN,
    NULL,
    OBSERVED,
    house_style,
    new_figure,
    plain_ticks,
    save,
)
from hypotest.report.numbers import count_text
from hypotest.studies.explore.record import Exploration

CAPTIONS = {
    "curves": "Influence by rank on the selection split, with the fitted regimes; ranked on one half of the "
    "documents, read on the other. Shaded: the ranks that the rule selects.",
    "covariates": "How far the group lies from the layer in each covariate, and how far from groups that are "
    "matched with it. Green: what matching may leave.",
    "neurons": "Influence of every neuron on both conditions; on the dotted line they are equal.",
}


def save_exploration(result: Exploration, folder: Path) -> None:
    """Write every figure as ``.svg`` and ``.png``."""
    with house_style():
        selected = {result.names.first: len(result.group.neurons)}
        save(draw_regimes(tuple(curve.fit for curve in result.curves), selected), folder, "curves")
        if result.covariates:
            save(draw_covariates(result), folder, "covariates")
        save(draw_neurons(result), folder, "neurons")


def draw_covariates(result: Exploration) -> Figure:
    """Standardised differences, against the layer (open) and against matched groups (filled)."""
    figure, (axes,) = new_figure(0.9 + 0.36 * len(result.covariates))
    places = range(len(result.covariates) - 1, -1, -1)
    axes.axvspan(-LARGEST_IMBALANCE, LARGEST_IMBALANCE, color=MARGIN, alpha=0.12, linewidth=0)
    axes.axvline(0, color=FAINT, linewidth=0.7)
    for place, item in zip(places, result.covariates, strict=True):
        axes.plot([item.difference, item.left], [place, place], color=NULL, linewidth=1, zorder=1)
    whole = [item.difference for item in result.covariates]
    left = [item.left for item in result.covariates]
    axes.plot(whole, places, "o", color=INK, markerfacecolor="white", markersize=6, label="whole layer")
    axes.plot(left, places, "D", color=OBSERVED, markersize=5, label="matched groups")
    axes.set_yticks(
        list(places),
        [item.covariate + ("" if item.matched else "\n(not matched on)") for item in result.covariates],
    )
    axes.set_ylim(-0.6, len(result.covariates) - 0.4)
    axes.set_xlabel("mean of the group - mean of the others (SDs of the layer)")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def draw_neurons(result: Exploration) -> Figure:
    """Influence on the first condition against that on the second, the group marked."""
    figure, (axes,) = new_figure(4.2)
    neurons = result.neurons
    own, other = (f"influence_{name}" for name in result.names)
    shown = neurons.filter((neurons[own] > 0) & (neurons[other] > 0))
    silent = neurons.height - shown.height
    for in_group, colour, size, marker in ((False, FAINT, 5, "o"), (True, OBSERVED, 14, "D")):
        part = shown.filter(shown["in_group"] == in_group)
        axes.scatter(
            part[other],
            part[own],
            s=size,
            marker=marker,
            color=colour,
            alpha=0.8 if in_group else 0.4,
            linewidths=0,
            label=f"{'the group' if in_group else 'other neurons'} ({count_text(part.height)})",
            rasterized=neurons.height > 10_000,  # as vectors, a large layer makes a file of many megabytes
            zorder=3 if in_group else 2,
        )
    if shown.height:  # in modules no neuron matters to both
        axes.set_xscale("log")
        axes.set_yscale("log")
        both = [*shown[other], *shown[own]]
        ends = min(both), max(both)
        axes.plot(ends, ends, color=INK, linestyle=":", linewidth=0.9, zorder=1)
        plain_ticks(axes.xaxis, axes.yaxis)
    axes.set_xlabel(f"influence on {printable(result.names.second)} targets: mean |Δ loss| (nats)")
    axes.set_ylabel(f"influence on {printable(result.names.first)} targets (nats)")
    if silent:
        axes.set_title(f"{count_text(silent)} neurons without influence are not shown")
    axes.legend(loc="lower right")
    return figure
