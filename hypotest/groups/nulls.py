"""What a group is compared with: random neurons, and groups found under shuffled labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hypotest.records.evidence.arrays import FloatArray, IntArray

RANDOM_GROUPS = "size_matched"
"""Name of the random stream of a run's groups; another one would give other groups."""
_KEYS_AT_ONCE = 2**22  # 16 MiB of random keys, twice that of places


def random_groups(n_neurons: int, size: int, n_draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Groups of `size` neurons drawn without replacement from the whole layer, shape (n_draws, size).

    The tested group's own neurons are eligible: drawing outside it inflates the variance of the comparison
    to N/(N - 2k).
    """
    groups = np.empty((n_draws, size), dtype=np.int64)
    step = 2 * max(1, _KEYS_AT_ONCE // (2 * n_neurons))  # even: a step then ends on a whole random word
    for start in range(0, n_draws, step):
        rows = slice(start, min(start + step, n_draws))
        keys = rng.random((rows.stop - start, n_neurons), dtype=np.float32)
        groups[rows] = np.argpartition(keys, size - 1, axis=1)[:, :size]
    return groups


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSums:
    """Sums of |delta_loss| per unit of permutation and half of the documents.

    Under any labelling of the units, the influence on targets of either condition follows from these sums by
    one matrix product.
    """

    sums: NDArray[np.float32]
    """Shape (n_halves, n_units, n_neurons); one half where documents are not told apart, else two."""
    counts: NDArray[np.float32]
    """Positions, shape (n_halves, n_units)."""


@dataclass(frozen=True, slots=True, eq=False)
class Influences:
    """Influence (mean |delta_loss|, nats) under a batch of labellings, for the positions labelled true."""

    halves: NDArray[np.float32]
    """On each half of the documents, shape (n_labellings, n_halves, n_neurons)."""
    whole: NDArray[np.float32]
    """On all documents, shape (n_labellings, n_neurons)."""


def labelled_sums(
    delta_loss: FloatArray, units: IntArray, half: NDArray[np.bool_] | None = None
) -> LabelledSums:
    """Sum |delta_loss| over the positions of each unit, separately in two halves of the documents.

    Args:
        delta_loss: Shape (n_positions, n_neurons).
        units: Unit of each position, 0 to n_units - 1, shape (n_positions,).
        half: Which half the position's document belongs to, shape (n_positions,); None: not in halves.
    """
    n_units, cell = int(units.max()) + 1, np.asarray(units)
    n_halves = 1 if half is None else 2
    if half is not None:
        cell = cell + n_units * half.astype(np.int64)
    rows = np.arange(cell.size)
    indicator = sparse.csr_array(
        (np.ones(cell.size, dtype=np.float32), (cell, rows)), shape=(n_halves * n_units, cell.size)
    )
    sums = indicator @ np.abs(delta_loss)
    counts = np.bincount(cell, minlength=n_halves * n_units).astype(np.float32)
    return LabelledSums(sums.reshape(n_halves, n_units, -1), counts.reshape(n_halves, n_units))


def influences_under(labels: NDArray[np.bool_], sums: LabelledSums) -> Influences:
    """Influence on the positions whose units are labelled true.

    Args:
        labels: Shape (n_labellings, n_units); pass the complement for the other condition.
        sums: From `labelled_sums`.

    Returns:
        Influences; NaN where a half holds no such position.
    """
    weights = labels.astype(np.float32)
    totals = np.stack([weights @ half for half in sums.sums], axis=1)
    counts = np.stack([weights @ half for half in sums.counts], axis=1)[:, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return Influences(halves=totals / counts, whole=totals.sum(axis=1) / counts.sum(axis=1))
