"""The truth beside what was found: one figure for each network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hypotest.report.figures.style import FAINT, FIRST, INK, MARGIN, NULL, SECOND, new_figure
from hypotest.studies.controls.record import ControlResult, Examined
from hypotest.subjects.controls.lesions import APART, TOGETHER

PALETTE = ("#009E73", "#CC79A7", "#F0E442", "#56B4E9", "#E69F00", "#999999", "#000000")
"""Parts, after Okabe and Ito; shared out again where there are more."""
_TRUTH = "distance of single lesions"


def draw_control(trained: ControlResult, untrained: ControlResult | None) -> Figure:
    """Draw a network's units by what their lesions cost, and what its protocol measured over seeds.

    On the left the first seed: a point for each unit, its share of what single lesions do to either task,
    coloured by the declared part; rings mark the groups that the protocol selected on either task. On the
    right every seed: the truth by lesions above, below it the predictions that decide; open circles are the
    same networks without training.
    """
    figure, (left, right) = new_figure(3.6, 2)
    _draw_units(left, trained.examined[0])
    _draw_values(right, trained.examined, () if untrained is None else untrained.examined)
    return figure


def _draw_units(axes: Axes, examined: Examined) -> None:
    one, two = (np.array(item) / max(sum(item), 1e-12) for item in examined.truth.changes)
    names = tuple(dict.fromkeys(examined.truth.parts)) or ("",)
    for number, name in enumerate(names):
        own = np.array([part == name for part in examined.truth.parts] or [True] * len(one))
        colour = PALETTE[number % len(PALETTE)] if name else FAINT
        label = f"part: {name}" if name and len(names) <= len(PALETTE) else None
        axes.plot(one[own], two[own], "o", color=colour, markersize=3.5, markeredgewidth=0, label=label)
    for units, colour, size, place in zip(
        examined.verdict.groups, (FIRST, SECOND), (6.5, 9), ("first", "second"), strict=True
    ):
        chosen = list(units)
        axes.plot(
            one[chosen], two[chosen], "o", color=colour, markersize=size, fillstyle="none",
            markeredgewidth=0.7, label=f"selected on the {place} task",
        )  # fmt: skip
    axes.set_xlabel("share of what lesions do to the first task")
    axes.set_ylabel("... to the second task")
    axes.set_xlim(left=-0.004)
    axes.set_ylim(bottom=-0.004)
    axes.set_title("Each unit lesioned alone (seed 0)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncol=2, fontsize=6.5)


def _draw_values(axes: Axes, trained: Sequence[Examined], untrained: Sequence[Examined]) -> None:
    names = [item.id for item in trained[0].verdict.predictions if item.role == "deciding"]
    rows = [_TRUTH, *names]
    axes.axvspan(APART, 1.0, ymin=1 - 1 / len(rows), color=MARGIN, alpha=0.18, linewidth=0)
    axes.axvspan(0.0, TOGETHER, ymin=1 - 1 / len(rows), color=NULL, alpha=0.3, linewidth=0)
    for seen, fill, colour in ((untrained, "none", FAINT), (trained, "full", INK)):
        for place, name in enumerate(rows):
            values = [_value(item, name) for item in seen]
            known = [value for value in values if value is not None]
            spread = (np.arange(len(known)) - (len(known) - 1) / 2) * 0.5 / max(len(known), 1)
            axes.plot(
                np.clip(known, -1.2, 1.4), place + spread, "o", color=colour, fillstyle=fill,
                markersize=3.2, markeredgewidth=0.7,
            )  # fmt: skip
    axes.axvline(0.5, color=FAINT, linestyle=":", linewidth=1)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title("Truth, and what was measured")


def _value(examined: Examined, name: str) -> float | None:
    if name == _TRUTH:
        return examined.truth.distance
    return next(item.observed for item in examined.verdict.predictions if item.id == name)
