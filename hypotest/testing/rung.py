"""A measure of the group among those of random groups: one rung of the ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hypotest.engine.workers import Values
from hypotest.inference.margins import diluted
from hypotest.inference.randomization import compare_with_null, enough_draws
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.results.prediction_result import NullComparison
from hypotest.testing.group_measure import BoundMeasure

CONTROL_GROUPS = 20
"""Random groups that tell how a null's mean moves with the documents."""
MOST_UNDEFINED = 0.05
"""Above this share, undefined draws are not redrawn but count as extreme."""
_BATCH = 1000  # draws between two looks of sequential stopping
_REDRAWS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """The group against one null."""

    comparison: NullComparison
    draws: Values
    groups: IntArray | None = None
    """The random groups behind the draws, shape (n_draws, k)."""
    scale: Callable[[Values, int], Values] | None = None
    """Where draws are no groups of this network: from values of groups of a size to comparable ones."""
    noise: float = 0.0
    """Variance of the effect that comes of what `scale` rests on."""
    arms: tuple[tuple[NullComparison, Values], ...] = ()
    """Other statistics among their own draws, which describe."""
    beside: Mapping[str, float | None] = field(default_factory=dict)
    """Related numbers of the group."""
    notes: tuple[str, ...] = ()

    def exchanged(self, group: IntArray, n_neurons: int) -> float:
        """How much of a difference these groups can show, as a share of what random groups can.

        Args:
            group: The tested one, shape (k,).
            n_neurons: Of the layer.
        """
        if self.groups is None:
            return 1.0
        return diluted(float(np.isin(self.groups, group).mean()), len(group) / n_neurons)

    def described(self) -> Rung:
        """The same, which never decides."""
        return replace(self, comparison=replace(self.comparison, descriptive=True))


def among_groups(
    null: str,
    observed: float,
    measure: BoundMeasure,
    groups: IntArray,
    redraw: Callable[[int], IntArray],
    stop_after: int | None,
) -> Rung:
    """The group among random ones: a few undefined ones drawn again, stopped where more change nothing.

    Args:
        null: Its name.
        observed: T(G).
        measure: Tied to the evidence.
        groups: Shape (n_draws, k).
        redraw: Gives so many other groups.
        stop_after: h of sequential stopping.
    """
    batch = len(groups) if stop_after is None else _BATCH
    kept: list[IntArray] = []
    values: list[Values] = []
    for start in range(0, len(groups), batch):
        part, statistics = _defined(measure, groups[start : start + batch].astype(np.int64), redraw)
        kept.append(part)
        values.append(statistics)
        if stop_after is not None and enough_draws(observed, np.concatenate(values), stop_after):
            break
    draws = np.concatenate(values)
    compared = compare_with_null(observed, draws, null=null, stop_after=stop_after, planned_draws=len(groups))
    return Rung(compared, draws, groups=np.concatenate(kept))


def _defined(
    measure: BoundMeasure, groups: IntArray, redraw: Callable[[int], IntArray]
) -> tuple[IntArray, Values]:
    values = measure.values(groups)
    undefined = np.isnan(values)
    if undefined.mean() <= MOST_UNDEFINED:
        for _ in range(_REDRAWS):  # each round leaves at most a few per cent of the last one
            if not undefined.any():
                break
            groups[undefined] = redraw(int(undefined.sum()))
            values[undefined] = measure.values(groups[undefined])
            undefined = np.isnan(values)
    return groups, values
