"""The power curves of a plan, one panel per prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from hypotest.records.results.sentences import sentence_list
from hypotest.report.figures.style import (
    COLUMN,
    FAINT,
    INK,
    MARGIN,
    OBSERVED,
    SECOND,
    SMALL,
    house_style,
    new_figure,
    save,
    widen_border,
    wrapped,
)
from hypotest.report.numbers import significant
from hypotest.studies.power.record import SEEN, PowerCurve, PowerResult, PredictionPower

_COLUMNS = 2
_PANEL, _AROUND, _LINE = 1.15, 0.8, 0.17
"""Inches: a panel's axes, what stands above and below them, and a line of the legend of all."""
_TITLE = 8.5
_PLANNED: dict[str, Any] = {"color": OBSERVED, "linewidth": 1.8, "zorder": 3}
_OTHERS: tuple[dict[str, Any], ...] = (
    {"color": SECOND, "linewidth": 1.2, "dashes": (4, 2)},
    {"color": FAINT, "linewidth": 1.2, "dashes": (1, 1.5)},
    {"color": INK, "linewidth": 1.2, "dashes": (5, 1.5, 1, 1.5)},
)
NAME = "power"
CAPTION = (
    "Probability that an effect of a given size is significant, two-sided at the single level: for the "
    "declared group (solid) and other sizes (broken), or for more and fewer documents where no group is "
    "involved. Dotted: seen four times in five. Green: inside the margin of equivalence."
)


def draw_power(result: PowerResult) -> Figure:
    """Power by effect, as planned (solid) and otherwise (broken).

    Predictions of which nothing can be foreseen are named beneath.
    """
    curves = {
        item.id: [curve for curve in result.curves if curve.prediction == item.id] for item in result.plan
    }
    shown = [item for item in result.plan if curves[item.id]]
    columns = min(_COLUMNS, max(1, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))
    missing = [item.id for item in result.plan if not curves[item.id]]
    said = f"No curve, as nothing can be foreseen: {sentence_list(missing)}." if missing else ""
    lines = wrapped(said, COLUMN - 0.2, SMALL, lines=20)
    handles = _legend(shown, result)
    below = 0.14 * (lines.count("\n") + 1) if missing else 0.0
    height = _LINE * (math.ceil(len(handles) / 2) + 1) + (_PANEL + _AROUND) * rows + below
    figure, axes = new_figure(height, columns, rows, COLUMN)
    widen_border(figure)
    for place, item in zip(axes, shown, strict=False):
        _draw_panel(place, item, curves[item.id], COLUMN / columns - 0.75, _styles(result))
    for place in axes[: len(shown) : columns]:
        place.set_ylabel("chance that it\nis significant")
    for empty in axes[len(shown) :]:
        empty.set_axis_off()
    if missing:
        figure.supxlabel(lines, x=0.02, ha="left", fontsize=SMALL, color=INK)
    if shown:
        figure.legend(handles=handles, loc="outside upper center", ncols=2, columnspacing=1.2)
    return figure


def power_in_words(result: PowerResult) -> str:
    """What the figure shows, for those who cannot see it."""
    parts = []
    for item in result.plan:
        seen = item.seen[0]
        effect = "none" if seen is None else f"{significant(seen, 2)}"
        margin = "" if item.margin is None else f", margin {significant(item.margin, 2)}"
        parts.append(f"{item.id}: {effect}{margin}")
    return f"Effects seen four times in five. {'; '.join(parts)}."


def save_power(result: PowerResult, folder: Path) -> None:
    """Write the figure as ``power.svg`` and ``power.png``."""
    with house_style():
        save(draw_power(result), folder, NAME)


def _draw_panel(
    axes: Axes,
    item: PredictionPower,
    curves: list[PowerCurve],
    width: float,
    styles: Mapping[str, Mapping[str, Any]],
) -> None:
    if item.margin is not None:
        axes.axvspan(0, item.margin, color=MARGIN, alpha=0.22, linewidth=0)
    axes.axhline(SEEN, color=INK, linewidth=0.7, linestyle=":")
    for curve in curves:
        axes.plot(curve.effect, curve.power, **(_PLANNED if curve.planned else styles[curve.label]))
    axes.set_title(wrapped(item.id, width, _TITLE), fontsize=_TITLE)
    axes.set_xlim(0, max(curve.effect[-1] for curve in curves))
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    unit = "standard error" if item.unit == "standard error" else "SD of the null"
    axes.set_xlabel(f"effect (1 {unit}\nis {significant(item.scale, 2)})", fontsize=8)


def _styles(result: PowerResult) -> dict[str, Mapping[str, Any]]:
    """Label of a curve that is not planned -> how it is drawn, the same in all panels."""
    labels = dict.fromkeys(curve.label for curve in result.curves if not curve.planned)
    kinds: dict[str, list[str]] = {}
    for label in labels:
        kinds.setdefault(label.split()[-1], []).append(label)
    return {
        label: _OTHERS[place % len(_OTHERS)]
        for mine in kinds.values()
        for place, label in enumerate(sorted(mine, key=lambda label: (len(label), label)))
    }


def _legend(shown: list[PredictionPower], result: PowerResult) -> list[Artist]:
    planned = dict.fromkeys(curve.label for curve in result.curves if curve.planned)
    said = result.words.said(" or ".join(planned))
    handles: list[Artist] = [Line2D([], [], **_PLANNED, label=wrapped(f"planned: {said}", 1.75, 8))]
    styles = _styles(result)
    for style in _OTHERS:
        labels = [label for label, mine in styles.items() if mine is style]
        if labels:
            said = wrapped(result.words.said(" or ".join(labels)), 1.75, 8)
            handles.append(Line2D([], [], **style, label=said))
    handles.append(Line2D([], [], color=INK, linewidth=0.7, linestyle=":", label="seen four times in five"))
    if any(item.margin is not None for item in shown):
        handles.append(Patch(color=MARGIN, alpha=0.22, linewidth=0, label="margin of equivalence"))
    return handles
