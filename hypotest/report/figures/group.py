"""The figure of the group: how much each neuron matters in one condition, and how much in the other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from hypotest.pages.text import printable
from hypotest.records.results.figure_data import LayerInfluence
from hypotest.records.results.group_result import Member
from hypotest.report.figures.style import COLUMN, FAINT, FIRST, INK, NULL, SECOND, new_figure, plain_ticks
from hypotest.report.numbers import count_text

_SMALLEST = 1e-3
"""Share of the largest influence below which neurons are left out: they are a long tail of nothing."""


def draw_group(others: LayerInfluence, members: Sequence[Member], names: Sequence[str]) -> Figure:
    """Influence on the second condition against influence on the first, members marked; both logarithmic.

    Args:
        others: Neurons outside the group.
        members: Neurons of the group.
        names: Of both conditions.
    """
    figure, (axes,) = new_figure(3.6, width=COLUMN)
    pairs = [item.influence for item in members]
    known = [
        (first, second, item.in_both)
        for (first, second), item in zip(pairs, members, strict=True)
        if first and second
    ]
    largest = max([*others.first, *(first for first, _, _ in known)])
    floor = largest * _SMALLEST
    rest = [pair for pair in zip(others.first, others.second, strict=True) if min(pair) > floor]
    label = f"others ({count_text(others.n_neurons)})"
    axes.plot(*_columns(rest), ".", color=NULL, markersize=3, label=label, zorder=1)
    own = [(first, second) for first, second, both in known if not both]
    shared = [(first, second) for first, second, both in known if both]
    first_name, second_name = (printable(name) for name in names)
    if own:
        axes.plot(
            *_columns(own),
            "o",
            color=FIRST,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            label=f"group ({len(own)})" if not shared else f"group, for {first_name} alone ({len(own)})",
        )
    if shared:
        axes.plot(
            *_columns(shared),
            "s",
            color=SECOND,
            markersize=4.2,
            markeredgecolor="white",
            markeredgewidth=0.4,
            label=f"group, also for {second_name} ({len(shared)})",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    low = min([*axes.get_xlim(), *axes.get_ylim()])
    high = max([*axes.get_xlim(), *axes.get_ylim()])
    axes.plot([low, high], [low, high], color=INK, linestyle=":", linewidth=1, zorder=0)
    axes.annotate(
        "the same in both",
        (high, high),
        xytext=(-4, -16),
        textcoords="offset points",
        ha="right",
        fontsize=7,
        color=FAINT,
    )
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    plain_ticks(axes.xaxis, axes.yaxis)
    axes.set_xlabel(f"influence on {first_name} targets (nats)")
    axes.set_ylabel(f"influence on {second_name} targets (nats)")
    figure.legend(loc="outside upper center", ncols=1)
    return figure


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [first for first, _ in pairs], [second for _, second in pairs]
