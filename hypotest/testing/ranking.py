"""What neurons are ranked by, with the labels as they are and under any others.

Of the first condition's arm; the other arm has both conditions change places.

- influence: mean |delta_loss| on the first condition.
- selectivity of it: (first - second) / (first + second).
- a localizer: Welch's t of the activation, first minus second. The neurons that are most active on the
  first condition *rather than* the second lead; one that is more active on the second is far behind.

References:
    Welch (1947), doi:10.1093/biomet/34.1-2.28. Localizers in language models: arXiv:2411.02280.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hypotest.estimators.regimes import preference
from hypotest.groups.nulls import Influences, LabelledSums, influences_under, labelled_sums
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.group import INFLUENCE, LOCALIZER, By

LABELLINGS_AT_ONCE = 256
"""Bounds memory: 256 x 3 x 8,192 neurons x 4 bytes is 25 MB."""
_COLUMNS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums of activations per unit, less each neuron's mean over all rows, and of their squares."""

    sums: NDArray[np.float64]
    """Shape (n_units, n_neurons)."""
    squares: NDArray[np.float64]
    """The same."""
    counts: NDArray[np.float64]
    """Rows, shape (n_units,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Sums over units of rows, from which the ranking follows under any labelling of the units."""

    by: By
    influence: LabelledSums | None
    """None where neurons are ranked by their activation."""
    moments: Moments | None
    """None where they are ranked by influence."""


def basis(
    split: SplitEvidence,
    units: IntArray,
    by: By,
    half: NDArray[np.bool_] | None = None,
) -> Basis:
    """Sum what the ranking needs.

    Args:
        split: The selection split, or some of its rows.
        units: Unit of each row, 0 to n_units - 1, shape (n_rows,).
        by: The protocol's ``group.by``.
        half: Which half of the documents each row belongs to; None: not in halves.
    """
    if by == LOCALIZER:
        return Basis(by, None, moments(split.activations, units))
    return Basis(by, labelled_sums(split.delta_loss, units, half), None)


def moments(activations: FloatArray, units: IntArray) -> Moments:
    """Sums of activations and their squares over the rows of each unit, in float64.

    Args:
        activations: Shape (n_rows, n_neurons).
        units: Unit of each row, 0 to n_units - 1, shape (n_rows,).
    """
    values, rows = np.asarray(activations), np.arange(len(units))
    n_units = int(np.max(units)) + 1
    member = sparse.csr_array((np.ones(rows.size), (np.asarray(units), rows)), shape=(n_units, rows.size))
    sums, squares = (np.empty((n_units, values.shape[1])) for _ in range(2))
    for start in range(0, values.shape[1], _COLUMNS_AT_ONCE):
        columns = slice(start, start + _COLUMNS_AT_ONCE)
        block = values[:, columns].astype(np.float64)
        block -= block.mean(axis=0)  # t does not depend on it, and squares keep their digits
        sums[:, columns], squares[:, columns] = member @ block, member @ np.square(block)
    return Moments(sums, squares, np.bincount(units, minlength=n_units).astype(np.float64))


def welch_t(moments: Moments, labels: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Welch's t of the activation between two sets of units, under each of a batch of labellings.

    t = (m_1 - m_2) / sqrt(v_1 / n_1 + v_2 / n_2), with means, variances (n - 1) and numbers of rows.

    Args:
        moments: From `moments`.
        labels: Units of the first set, shape (n_labellings, n_units).
        others: Of the second.

    Returns:
        Shape (n_labellings, n_neurons); 0 where neither set varies, NaN where one has fewer than two rows.
    """
    means, errors = [], []
    for chosen in (labels, others):
        weights = chosen.astype(np.float64)
        number = (weights @ moments.counts)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = weights @ moments.sums / number
            variance = np.maximum(weights @ moments.squares - number * np.square(mean), 0.0) / (number - 1)
            means.append(mean)
            errors.append(np.where(number > 1, variance / number, np.nan))
    error = np.sqrt(errors[0] + errors[1])
    difference = means[0] - means[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(error == 0, 0.0, difference / error))


def in_chunks(labels: NDArray[np.bool_], sums: LabelledSums) -> Iterator[Influences]:
    """Influences on what is labelled true, some labellings at a time."""
    for start in range(0, len(labels), LABELLINGS_AT_ONCE):
        yield influences_under(labels[start : start + LABELLINGS_AT_ONCE], sums)


def arms_under(
    labels: NDArray[np.bool_], others: NDArray[np.bool_], basis: Basis
) -> Iterator[tuple[Influences, Influences]]:
    """What both arms are ranked by, some labellings at a time.

    Args:
        labels: Units that are called the first condition, shape (n_labellings, n_units).
        others: Those that are called the second.
        basis: From `basis`.

    Returns:
        For the first condition and the second, on all documents (``whole``); on halves of them only where
        they are ranked by influence, whose curve has a plateau.
    """
    if basis.moments is not None:
        for start in range(0, len(labels), LABELLINGS_AT_ONCE):
            rows = slice(start, start + LABELLINGS_AT_ONCE)
            values = welch_t(basis.moments, labels[rows], others[rows])
            yield _whole(values), _whole(-values)
        return
    assert basis.influence is not None
    for one, other in zip(
        in_chunks(labels, basis.influence), in_chunks(others, basis.influence), strict=True
    ):
        if basis.by == INFLUENCE:
            yield one, other
        else:
            values = preference(one.whole, other.whole)
            yield _whole(values), _whole(-values)


def ranking(
    split: SplitEvidence, first: NDArray[np.bool_], second: NDArray[np.bool_], by: By
) -> NDArray[np.floating]:
    """What the neurons are ranked by on some rows, for the first condition's arm, shape (n_neurons,).

    Args:
        split: The selection split.
        first: Rows of the first condition, shape (n_rows,).
        second: Of the second.
        by: The protocol's ``group.by``.
    """
    units = np.where(first, 0, np.where(second, 1, 2))
    one = np.zeros((1, int(units.max()) + 1), dtype=bool)
    other = one.copy()
    one[0, 0] = True
    other[0, 1:2] = True
    ((own, _),) = arms_under(one, other, basis(split, units, by))
    return np.asarray(own.whole[0])


def _whole(values: NDArray[np.floating]) -> Influences:
    return Influences(halves=np.empty((len(values), 0, values.shape[1]), dtype=np.float32), whole=values)
