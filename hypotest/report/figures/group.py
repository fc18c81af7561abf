"""The figure of the group: how much each neuron matters in one condition, and how much in the other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from hypotest.pages.text import printable
from hypotest.records.protocol.wording import MaterialWords
from hypotest.records.results.figure_data import LayerInfluence
from hypotest.records.results.group_result import Member
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    FIRST,
    INK,
    NULL,
    SECOND,
    SMALL,
    new_figure,
    plain_ticks,
    wrapped,
)
from hypotest.report.numbers import count_text

_LABELS, _LEGEND = 2.7, 3.5
"""Inches: room beside an axis, and in the legend."""
_SMALLEST = 1e-3
"""Share of the largest influence at which the axes begin.

What lies below it in one condition stands on the edge: a unit that does nothing at all in the other
condition is what a module looks like, and 0 has no place on a logarithmic axis. Others below it in both are
a long tail of nothing and are left out.
"""


def draw_group(
    others: LayerInfluence, members: Sequence[Member], names: Sequence[str], words: MaterialWords
) -> Figure:
    """Influence on the second condition against influence on the first, members marked; both logarithmic.

    Args:
        others: Neurons outside the group.
        members: Neurons of the group.
        names: Of both conditions.
        words: Of the material and the units.
    """
    figure, (axes,) = new_figure(3.6, width=COLUMN)
    known, rest, floor, largest = _shown(others, members)
    label = f"others ({count_text(others.n_neurons)})"
    axes.plot(*_columns(rest, floor), ".", color=NULL, markersize=3, label=label, zorder=1, clip_on=False)
    own = [(first, second) for first, second, both in known if not both]
    shared = [(first, second) for first, second, both in known if both]
    shown = [value for pair in [*rest, *own, *shared] for value in pair]
    first_name, second_name = (printable(name) for name in names)
    if own:
        axes.plot(
            *_columns(own, floor),
            "o",
            color=FIRST,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            zorder=3 if len(own) < len(shared) else 2,
            clip_on=False,
            label=f"group ({len(own)})"
            if not shared
            else wrapped(f"group, for {first_name} alone ({len(own)})", _LEGEND, 8),
        )
    if shared:
        axes.plot(
            *_columns(shared, floor),
            "s",
            color=SECOND,
            markersize=4.2,
            markeredgecolor="white",
            markeredgewidth=0.4,
            zorder=2.5,
            clip_on=False,
            label=wrapped(f"group, also for {second_name} ({len(shared)})", _LEGEND, 8),
        )
    low, high = (
        (floor, max(floor, largest) * 1.4) if any(value < floor for value in shown) else _limits(shown)
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot([low, high], [low, high], color=INK, linestyle=":", linewidth=1, zorder=0)
    axes.annotate(
        "the same in both",
        (0.62, 0.65),
        xycoords="axes fraction",
        ha="right",
        fontsize=SMALL,
        color=FAINT,
    )
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    plain_ticks(axes.xaxis, axes.yaxis)
    unit = "nats" if words.in_nats else "in the outcome's unit"
    axes.set_xlabel(wrapped(f"{words.said(f'influence on {first_name} targets')} ({unit})", _LABELS, 8.5))
    axes.set_ylabel(wrapped(f"{words.said(f'influence on {second_name} targets')} ({unit})", _LABELS, 8.5))
    figure.legend(loc="outside upper center", ncols=1)
    return figure


def any_on_edge(others: LayerInfluence, members: Sequence[Member]) -> bool:
    """Whether a unit matters so little in one condition that it stands on the edge of the figure."""
    known, rest, floor, _ = _shown(others, members)
    return any(min(pair) < floor for pair in [*rest, *(pair[:2] for pair in known)])


def _shown(
    others: LayerInfluence, members: Sequence[Member]
) -> tuple[list[tuple[float, float, bool]], list[tuple[float, float]], float, float]:
    """Members and whether they are shared, other units that are shown, where the axes begin, the largest."""
    known = [
        (first, second, item.in_both)
        for first, second, item in ((*item.influence, item) for item in members)
        if first is not None and second is not None
    ]
    largest = max(
        [*others.first, *others.second, *(value for pair in known for value in pair[:2])], default=0.0
    )
    floor = largest * _SMALLEST or 1.0
    rest = [pair for pair in zip(others.first, others.second, strict=True) if max(pair) > floor]
    return known, rest, floor, largest


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """One for both axes: a little room around what is drawn, and one decade where nothing is.

    Matplotlib's own cannot be read: before any positive point is drawn, its logarithmic axis begins at 0 or
    below.
    """
    low, high = (min(values), max(values)) if values else (1.0, 1.0)
    return (low / 1.4, high * 1.4) if high > low else (low / 10**0.5, high * 10**0.5)


def _columns(pairs: Sequence[tuple[float, float]], floor: float) -> tuple[list[float], list[float]]:
    return [max(first, floor) for first, _ in pairs], [max(second, floor) for _, second in pairs]
