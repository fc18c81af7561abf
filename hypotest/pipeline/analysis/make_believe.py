"""Make-believe conditions: positions of the second condition, divided into two."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.engine.workers import Values
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.design import Unit
from hypotest.testing.relabelled import units_in

_SMALLEST_SIDE = 0.1
"""Share of the positions that a cut by loss leaves on either side at least."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelUnits:
    """In which make-believe labels are constant, as real ones are."""

    codes: NDArray[np.int64]
    """Of each position, from 0."""
    counts: NDArray[np.int64]
    """Positions of each unit, shape (n_units,)."""
    strata: NDArray[np.int64]
    """Of each unit: within what labels change places."""

    @property
    def divisible(self) -> bool:
        """Whether two units could change labels with each other."""
        return bool((np.bincount(self.strata) > 1).any())


def units_of(evidence: Evidence, unit: Unit) -> LabelUnits:
    """The units of the positions of both splits, those of the selection split first."""
    positions = pl.concat([evidence.selection.positions, evidence.evaluation.positions])
    codes, strata = units_in(positions, unit)
    _, first, counts = np.unique(codes, return_index=True, return_counts=True)
    return LabelUnits(codes.astype(np.int64), counts.astype(np.int64), strata[first].astype(np.int64))


def half_of_units(units: LabelUnits, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A random half of the units in each stratum, as labels are permuted."""
    mask = np.zeros(units.counts.size, dtype=bool)
    for stratum in np.unique(units.strata):
        members = rng.permutation(np.flatnonzero(units.strata == stratum))
        mask[members[: (members.size + int(rng.integers(2))) // 2]] = True
    return mask


def cut_by_loss(
    loss: Values, codes: NDArray[np.int64], counts: NDArray[np.int64], ratio: float | None
) -> tuple[NDArray[np.bool_] | None, float | None]:
    """Units above the cut of mean loss at which the ratio of mean losses is nearest to a ratio, and that."""
    if ratio is None:
        return None, None
    sums = np.bincount(codes, loss)
    order = np.argsort(sums / counts, kind="stable")
    below, total = np.cumsum(counts[order])[:-1], counts.sum()
    low = np.cumsum(sums[order])[:-1]
    enough = np.minimum(below, total - below) >= _SMALLEST_SIDE * total
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = ((sums.sum() - low) / (total - below)) / (low / below)
        distance = np.where(enough & (reached > 0), np.abs(np.log(reached / ratio)), np.inf)
    if not np.isfinite(distance).any():
        return None, None
    cut = int(np.argmin(distance))
    mask = np.zeros(counts.size, dtype=bool)
    mask[order[cut + 1 :]] = True
    return mask, float(reached[cut])


def losses(evidence: Evidence) -> Values:
    """Of every position, those of the selection split first; none where it is not known."""
    if Channel.LOSS not in evidence.selection.channels:
        return np.empty(0)
    return np.concatenate([evidence.selection.loss, evidence.evaluation.loss]).astype(np.float64)


def loss_ratio(evidence: Evidence) -> float | None:
    """Mean loss of the first over that of the second condition; None where there is none."""
    loss = losses(evidence)
    if loss.size == 0:
        return None
    first = np.concatenate([evidence.selection.first, evidence.evaluation.first])
    if not first.any() or first.all():
        return None
    means = loss[first].mean(), loss[~first].mean()
    return float(means[0] / means[1]) if np.isfinite(means).all() and min(means) > 0 else None


def rows_of(split: SplitEvidence, keep: NDArray[np.bool_]) -> SplitEvidence:
    """Some positions alone; the ablation of heads, of other positions, stays as it is."""
    return replace(split.of_rows(keep), heads=split.heads)


def relabelled(split: SplitEvidence, first: NDArray[np.bool_]) -> SplitEvidence:
    """These positions called the first condition, the others the second."""
    names = pl.Series(np.where(first, *split.conditions)).cast(split.positions.schema["condition"])
    return replace(split, positions=split.positions.with_columns(names.alias("condition")))
