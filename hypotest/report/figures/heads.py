"""Figures of attention heads: concentration, routing, and what their ablation changes."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypotest.pages.text import printable
from hypotest.records.results.figure_data import HeadResult
from hypotest.records.results.prediction_result import PredictionResult, SecondaryNumber
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    FIRST,
    INK,
    NULL,
    OBSERVED,
    SECOND,
    new_figure,
    new_stack,
    wrapped,
)

_ROW = 0.17
"""Inches: of a head."""

LAYER_KINDS = {
    "single": ("o", OBSERVED, "top head"),
    "random": ("D", FAINT, "random head"),
    "all": ("s", SECOND, "all heads"),
}
"""What is ablated of a layer -> mark, colour, and what it is called."""


def head_name(head: HeadResult) -> str:
    """``L2H5``."""
    return f"L{head.layer}H{head.head}"


def draw_attention(
    heads: tuple[HeadResult, ...], names: Sequence[str], mean: PredictionResult | None = None
) -> Figure:
    """Attention concentration of every head in both conditions, and their means with intervals.

    Args:
        heads: All heads that can reach the tested MLP.
        names: Of both conditions.
        mean: The prediction about the mean over heads, whose intervals are drawn.
    """
    heads = tuple(sorted(heads, key=lambda head: -(head.gini_first or 0.0)))
    figure, (axes,) = new_figure(_height(heads), width=COLUMN)
    if mean is not None:
        own, top = mean.own_intervals, len(heads)
        _draw_mean(axes, top - 0.14, mean.reference_value, own.reference, ("s", SECOND))
        _draw_mean(axes, top + 0.14, mean.observed, own.observed, ("o", FIRST))
    for row, head in enumerate(reversed(heads)):
        axes.plot(_known(head.gini_second, head.gini_first), [row, row], color=NULL, linewidth=1.6)
        for known in (head.gini_second_interval, head.gini_first_interval):
            if known is not None:
                _draw_interval(axes, row, known)
        axes.plot(_known(head.gini_second), [row], "s", color=SECOND, markersize=4.6)
        axes.plot(_known(head.gini_first), [row], "o", color=FIRST, markersize=4.6)
    axes.plot([], [], "o", color=FIRST, markersize=4.6, label=wrapped(f"{names[0]} targets", 1.2, 8))
    axes.plot([], [], "s", color=SECOND, markersize=4.6, label=wrapped(f"{names[1]} targets", 1.2, 8))
    _name_rows(axes, heads, with_mean=mean is not None)
    axes.set_xlabel("Gini coefficient of attention (0 uniform, 1 one key)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def draw_routing(
    heads: tuple[HeadResult, ...], names: Sequence[str], mean: SecondaryNumber | None = None
) -> Figure:
    """Similarity of every head's attention profiles in both conditions, and their mean, with intervals.

    Args:
        heads: All heads that can reach the tested MLP.
        names: Of both conditions.
        mean: Over heads, before it is put as a share of the noise ceiling.
    """
    heads = tuple(sorted(heads, key=lambda head: -(head.routing or 0.0)))
    figure, (axes,) = new_figure(_height(heads), width=COLUMN)
    if mean is not None:
        _draw_mean(axes, len(heads), mean.value, mean.interval_95, ("o", OBSERVED))
    for row, head in enumerate(reversed(heads)):
        if head.routing is None:
            axes.text(
                0.02,
                row,
                "not defined",
                va="center",
                color=FAINT,
                fontsize=8,
                transform=axes.get_yaxis_transform(),
            )
        else:
            axes.plot([head.routing, 1.0], [row, row], color=NULL, linewidth=1.6)
            if head.routing_interval is not None:
                _draw_interval(axes, row, head.routing_interval)
            axes.plot([head.routing], [row], "o", color=OBSERVED, markersize=4.6)
    axes.axvline(1.0, color=INK, linestyle="--", linewidth=1)
    _name_rows(axes, heads, with_mean=mean is not None)
    axes.set_xlabel(
        "Spearman correlation of attention profiles,\n"
        + wrapped(f"{names[0]} with {names[1]} (1 = the same)", 3.2, 8.5)
    )
    return figure


def draw_head_impacts(
    heads: tuple[HeadResult, ...], layer_impacts: dict[str, float], top: PredictionResult | None = None
) -> Figure:
    """What ablating each head changes in the group, with its interval, and in random groups; below, layers.

    Args:
        heads: All heads that can reach the tested MLP.
        layer_impacts: ``L2 single``, ``L2 random``, ``L2 all`` -> relative change.
        top: The prediction about the top head, whose interval stands in where heads have none of their own.
    """
    heads = tuple(sorted(heads, key=lambda head: -(head.impact or 0.0)))
    n_layers = len({name.rpartition(" ")[0] for name in layer_impacts})
    figure, (left, right) = new_stack(COLUMN, [_ROW * max(len(heads), 3), 0.25 * max(n_layers, 2)], 0.75)
    of_top = None if top is None else top.own_intervals.observed
    for row, head in enumerate(reversed(heads)):
        known = head.impact_interval
        if known is None and top is not None and _is_top(head, top):
            known = of_top
        if known is not None:
            _draw_interval(left, row, known)
        left.plot(_known(head.null_impact, head.impact), [row, row], color=NULL, linewidth=1.6)
        left.plot(_known(head.null_impact), [row], "D", color=FAINT, markersize=4)
        left.plot(_known(head.impact), [row], "o", color=OBSERVED, markersize=4.6)
    left.plot([], [], "o", color=OBSERVED, markersize=4.6, label="this group")
    left.plot([], [], "D", color=FAINT, markersize=4, label="random groups, mean (no interval)")
    _name_rows(left, heads)
    left.set_xlim(left=0)
    left.set_title("one head ablated")
    left.set_xlabel("relative change of activations")
    left.legend(loc="lower right", ncols=1, handletextpad=0.3)
    _draw_layers(right, layer_impacts)
    return figure


def _draw_layers(axes: Axes, layer_impacts: dict[str, float]) -> None:
    layers = list(dict.fromkeys(name.rpartition(" ")[0] for name in layer_impacts))
    for row, layer in enumerate(reversed(layers)):
        axes.axhline(row, color="#EEEEEE", linewidth=1, zorder=0)
        for kind, (marker, colour, _) in LAYER_KINDS.items():
            value = layer_impacts.get(f"{layer} {kind}")
            if value is not None:
                axes.plot([value], [row], marker, color=colour, markersize=6)
    for marker, colour, label in LAYER_KINDS.values():
        axes.plot([], [], marker, color=colour, markersize=6, label=label)
    axes.set_yticks(range(len(layers)), [printable(layer) for layer in reversed(layers)])
    axes.set_ylim(-0.7, len(layers) - 0.3)
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.tick_params(axis="y", length=0)
    axes.set_title("heads of a layer ablated (no intervals)")
    axes.set_xlabel("relative change of activations")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.25), ncols=3, columnspacing=1, handletextpad=0.3)


def _draw_mean(
    axes: Axes,
    row: float,
    value: float | None,
    interval: tuple[float, float] | None,
    mark: tuple[str, str],
) -> None:
    """The mean over heads: a hollow mark, and its interval where there is one."""
    if interval is not None:
        _draw_interval(axes, row, interval)
    marker, colour = mark
    axes.plot(_known(value), [row], marker, color=colour, markersize=5.5, markerfacecolor="white", zorder=3)


def _draw_interval(axes: Axes, row: float, interval: tuple[float, float]) -> None:
    axes.plot(interval, [row, row], "|-", color=INK, linewidth=1.2, markersize=6, zorder=4)


def _is_top(head: HeadResult, top: PredictionResult) -> bool:
    said = [top.secondary.get(name) for name in ("top_head_layer", "top_head")]
    return [None if number is None else number.value for number in said] == [head.layer, head.head]


def _known(*values: float | None) -> list[float]:
    """Numbers to draw; what is undefined leaves a gap."""
    return [nan if value is None else value for value in values]


def _height(heads: tuple[HeadResult, ...]) -> float:
    return 1.07 + _ROW * max(len(heads), 3)


def _name_rows(axes: Axes, heads: tuple[HeadResult, ...], with_mean: bool = False) -> None:
    names = [head_name(head) for head in reversed(heads)]
    names += ["mean, 95 % interval"] if with_mean else []
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.tick_params(axis="y", length=0)
