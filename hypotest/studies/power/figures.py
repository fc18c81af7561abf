"""The power curves of a plan, one panel per prediction."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from hypotest.pages.text import printable
from hypotest.report.figures.style import (
    FAINT,
    INK,
    MARGIN,
    NULL,
    OBSERVED,
    SECOND,
    house_style,
    new_figure,
    save,
)
from hypotest.studies.power.record import SEEN, PowerCurve, PowerResult, PredictionPower

_COLUMNS = 3
_OTHERS = (SECOND, FAINT, NULL)
_DASHES = ((4, 2), (1, 1.5), (5, 1.5, 1, 1.5))
NAME = "power"
CAPTION = (
    "Probability that an effect of a given size is significant, two-sided at the single level: for the "
    "declared group and other sizes, or for more and fewer documents where no group is involved. Dotted: "
    "seen four times in five. Green: inside the margin of equivalence."
)


def draw_power(result: PowerResult) -> Figure:
    """Power by effect, as planned (solid) and otherwise (broken)."""
    shown = [item for item in result.plan if any(curve.prediction == item.id for curve in result.curves)]
    rows = max(1, math.ceil(len(shown) / _COLUMNS))
    figure, axes = new_figure(2.3 * rows, min(_COLUMNS, max(1, len(shown))), rows)
    for place, item in zip(axes, shown, strict=False):
        _draw_panel(place, item, [curve for curve in result.curves if curve.prediction == item.id])
    for empty in axes[len(shown) :]:
        empty.set_axis_off()
    return figure


def save_power(result: PowerResult, folder: Path) -> None:
    """Write the figure as ``power.svg`` and ``power.png``."""
    with house_style():
        save(draw_power(result), folder, NAME)


def _draw_panel(axes: Axes, item: PredictionPower, curves: list[PowerCurve]) -> None:
    if item.margin is not None:
        axes.axvspan(0, item.margin, color=MARGIN, alpha=0.12, linewidth=0)
    axes.axhline(SEEN, color=INK, linewidth=0.7, linestyle=":")
    others = 0
    for curve in curves:
        if curve.planned:
            axes.plot(curve.effect, curve.power, color=OBSERVED, linewidth=1.8, label=curve.label, zorder=3)
            continue
        style = others % len(_OTHERS)
        axes.plot(
            curve.effect,
            curve.power,
            color=_OTHERS[style],
            linewidth=1.2,
            dashes=_DASHES[style],
            label=curve.label,
        )
        others += 1
    axes.set_title(printable(item.id))
    axes.set_xlim(0, max(curve.effect[-1] for curve in curves))
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel(f"effect ({'SE' if item.unit == 'standard error' else 'SD'} = {item.scale:.2g})")
    axes.legend(loc="lower right", fontsize=6.5, handlelength=2.2, borderaxespad=0.2)
