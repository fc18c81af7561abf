"""Figures of an exploration: the curves, the covariates, every neuron's two influences."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from hypotest.records.protocol.design import LARGEST_IMBALANCE
from hypotest.report.figures.curves import draw_regimes
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    INK,
    MARGIN,
    NULL,
    OBSERVED,
    house_style,
    new_figure,
    plain_ticks,
    save,
    wrapped,
)
from hypotest.report.numbers import count_text, fixed
from hypotest.studies.explore.record import Exploration

_NAMES, _LABEL = 1.3, 8.0
"""Room for the names of covariates, in inches; size of their letters in points."""
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


def explored_in_words(result: Exploration) -> dict[str, str]:
    """Name of a figure -> what it shows, for those who cannot see it."""
    curves = (
        f"{curve.fit.condition}: {'a plateau' if curve.fit.plateau else 'no plateau'}, slopes "
        + ", ".join(fixed(slope, 2) for slope in curve.fit.slopes)
        for curve in result.curves
    )
    covariates = (
        f"{item.covariate}: {fixed(item.difference, 2)} from the layer, {fixed(item.left, 2)} from matched "
        "groups"
        for item in result.covariates
    )
    shown = int(_both_matter(result).sum())
    return {
        "curves": f"Influence by rank. {'; '.join(curves)}.",
        "covariates": f"The group in SDs of the layer. {'; '.join(covariates)}.",
        "neurons": f"Influence of {count_text(shown)} neurons on {result.names.first} and on "
        f"{result.names.second} targets, {count_text(len(result.group.neurons))} of them the group.",
    }


def draw_covariates(result: Exploration) -> Figure:
    """Standardised differences, against the layer (open) and against matched groups (filled)."""
    figure, (axes,) = new_figure(0.95 + 0.36 * len(result.covariates), width=COLUMN)
    places = range(len(result.covariates) - 1, -1, -1)
    axes.axvspan(
        -LARGEST_IMBALANCE, LARGEST_IMBALANCE, color=MARGIN, alpha=0.22, linewidth=0,
        label="what matching may leave",
    )  # fmt: skip
    axes.axvline(0, color=FAINT, linewidth=0.7)
    for place, item in zip(places, result.covariates, strict=True):
        axes.plot([item.difference, item.left], [place, place], color=NULL, linewidth=1, zorder=1)
    whole = [item.difference for item in result.covariates]
    left = [item.left for item in result.covariates]
    axes.plot(whole, places, "o", color=INK, markerfacecolor="white", markersize=6, label="whole layer")
    axes.plot(left, places, "D", color=OBSERVED, markersize=5, label="matched groups")
    axes.set_yticks(
        list(places),
        [
            wrapped(item.covariate, _NAMES, _LABEL, 2 if item.matched else 1)
            + ("" if item.matched else "\n(not matched on)")
            for item in result.covariates
        ],
    )
    axes.set_ylim(-0.6, len(result.covariates) - 0.4)
    axes.set_xlabel("mean of the group − mean of the others\n(SDs of the layer)")
    figure.legend(loc="outside upper center", ncols=3, columnspacing=1, handletextpad=0.4)
    return figure


def draw_neurons(result: Exploration) -> Figure:
    """Influence on the first condition against that on the second, the group marked."""
    figure, (axes,) = new_figure(3.9, width=COLUMN)
    neurons, words = result.neurons, result.words
    own, other = (f"influence_{name}" for name in result.names)
    shown = neurons.filter(_both_matter(result))
    silent = neurons.height - shown.height
    for in_group, colour, size, marker in ((False, NULL, 2.4, "o"), (True, OBSERVED, 4.2, "D")):
        part = shown.filter(shown["in_group"] == in_group)
        axes.plot(
            part[other].to_numpy(),
            part[own].to_numpy(),
            marker,
            color=colour,
            markersize=size,
            markeredgewidth=0.4 if in_group else 0,
            markeredgecolor="white",
            label=f"{'the group' if in_group else words.said('other neurons')} ({count_text(part.height)})",
            rasterized=neurons.height > 10_000,  # as vectors, a large layer makes a file of many megabytes
            zorder=3 if in_group else 2,
        )
    if shown.height:  # in modules no neuron matters to both
        axes.set_xscale("log")
        axes.set_yscale("log")
        both = [*shown[other], *shown[own]]
        ends = min(both), max(both)
        axes.plot(ends, ends, color=INK, linestyle=":", linewidth=0.9, zorder=1, label="the same in both")
        plain_ticks(axes.xaxis, axes.yaxis)
    unit = "mean |Δ loss|, nats" if words.in_nats else "in the outcome's unit"
    for name, label in ((result.names.second, axes.set_xlabel), (result.names.first, axes.set_ylabel)):
        label(f"{wrapped(words.said(f'influence on {name} targets'), 2.9, 8.5)}\n({unit})")
    if silent:
        which = (
            "1 neuron without influence is"
            if silent == 1
            else f"{count_text(silent)} neurons without influence are"
        )
        said = words.said(f"{which} not shown")
        axes.set_title(wrapped(said, 3.4, _LABEL), fontsize=_LABEL)
    figure.legend(loc="outside upper center", ncols=3, columnspacing=1, handletextpad=0.4)
    return figure


def _both_matter(result: Exploration) -> pl.Series:
    """Of each neuron, whether logarithmic axes have a place for it."""
    own, other = (result.neurons[f"influence_{name}"] for name in result.names)
    return (own > 0) & (other > 0)
