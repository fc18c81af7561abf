"""Means, differences of means between two conditions, and ratios of sums, over documents and types.

Without one unit they follow from sums, so that every unit is left out in turn at the cost of one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from hypotest.inference.crossed import Component, Variances
from hypotest.inference.left_out import of_both
from hypotest.inference.relabelling import permute_labels, permute_types
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.evidence.rows import effective_number, effective_of

BoolArray = NDArray[np.bool_]

_DRAWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class MeanContrast:
    """A difference of means and how it varies."""

    estimate: float
    """Mean of the first condition's rows less that of the second's; the mean itself where there is one."""
    variances: Variances

    @property
    def statistic(self) -> float:
        """t: estimate over its two-way standard error; 0 where both are 0."""
        error = np.sqrt(self.variances.total)
        return float(self.estimate / error) if error > 0 else 0.0 if self.estimate == 0 else np.inf


def mean_contrast(
    values: FloatArray, first: BoolArray, documents: IntArray, types: IntArray | None
) -> MeanContrast:
    """Difference of means between two conditions, every row counting once, with its crossed variances.

    Documents are left out with their rows of both conditions. Where each type, and so each cell of a document
    and a type, belongs to one condition, V_types = V_first + V_second; else they, too, are left out of both.

    Args:
        values: Of each row, shape ``(n_rows,)``.
        first: Rows of the first condition; the others are of the second. All true: one mean.
        documents: Document of each row.
        types: Target type of each row; None where documents are the only units.

    Raises:
        ValueError: If shapes differ, a value is not finite, no row is of the first condition, or one unit
            holds all rows of a condition.
    """
    y, mask, owner = np.asarray(values, dtype=np.float64), np.asarray(first), np.asarray(documents)
    if y.ndim != 1 or mask.dtype != np.bool_ or not (y.shape == mask.shape == owner.shape) or not mask.any():
        raise ValueError(
            "values, labels and documents must be vectors of one length, with a row of the first condition; "
            f"found shapes {y.shape}, {mask.shape}, {owner.shape}"
        )
    if not np.isfinite(y).all():
        raise ValueError(f"{np.count_nonzero(~np.isfinite(y))} values are not finite")
    sides = [mask] if mask.all() else [mask, ~mask]
    estimate = float(y[mask].mean()) - (float(y[~mask].mean()) if len(sides) == 2 else 0.0)
    # What deleting a unit does to each side's mean; a unit without rows there changes nothing.
    _, codes = np.unique(owner, return_inverse=True)

    def change(units: IntArray, what: str) -> float:
        means = [without_each(y[side], units[side], units.max() + 1, what) for side in sides]
        return _spread(means[0] - (means[1] if len(means) == 2 else 0.0))

    of_documents = Component(change(codes, "document"), effective_of(owner, mask))
    if types is None:
        return MeanContrast(estimate, Variances(of_documents, ()))
    _, kinds = np.unique(np.asarray(types), return_inverse=True)
    if kinds.shape != y.shape:
        raise ValueError("types must be one for each row")
    if of_both(kinds, mask):
        _, pairs = np.unique(codes * (kinds.max() + 1) + kinds, return_inverse=True)
        units = min(effective_number(kinds[side]) for side in sides)
        of_types = Component(change(kinds, "type"), units)
        cells = change(pairs, "document and type")
        return MeanContrast(estimate, Variances(of_documents, (of_types,), cells, shared=True))
    components, cells = [], 0.0
    for side in sides:
        _, own = np.unique(kinds[side], return_inverse=True)
        over = _spread(without_each(y[side], own, own.max() + 1, "type"))
        components.append(Component(over, effective_number(own)))
        _, pairs = np.unique(codes[side] * (kinds.max() + 1) + kinds[side], return_inverse=True)
        cells += _spread(without_each(y[side], pairs, pairs.max() + 1, "document and type"))
    return MeanContrast(estimate, Variances(of_documents, tuple(components), cells))


def sum_ratio(
    part: FloatArray, whole: FloatArray, documents: IntArray, types: IntArray | None
) -> MeanContrast:
    """Ratio of two sums over the rows of one condition, with its crossed variances.

    Every document, type and cell is left out in turn. Groups of them left out at random, which any statistic
    takes, leave a p that depends on the draw: on the reference model that of a head's share, 0.02, moved
    between 0.01 and 0.13.

    Args:
        part: What is summed above, of each row, shape ``(n_rows,)``.
        whole: The same below.
        documents: Document of each row.
        types: Target type of each row; None where documents are the only units.

    Raises:
        ValueError: If shapes differ, a number is not finite, or nothing is left below without some unit.
    """
    above, below = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    owner = np.asarray(documents)
    kinds = owner if types is None else np.asarray(types)
    if above.ndim != 1 or not (above.shape == below.shape == owner.shape == kinds.shape):
        raise ValueError(
            "both parts, documents and types must be vectors of one length; found shapes "
            f"{above.shape}, {below.shape}, {owner.shape}, {kinds.shape}"
        )
    if not (np.isfinite(above).all() and np.isfinite(below).all()):
        raise ValueError("a number is not finite")

    def change(units: IntArray, what: str) -> float:
        return _spread(without_each(above, units, units.max() + 1, what, below))

    estimate = float(above.sum() / below.sum())
    _, codes = np.unique(owner, return_inverse=True)
    of_documents = Component(change(codes, "document"), effective_number(codes))
    if types is None:
        return MeanContrast(estimate, Variances(of_documents, ()))
    _, own = np.unique(kinds, return_inverse=True)
    _, pairs = np.unique(codes * (own.max(initial=0) + 1) + own, return_inverse=True)
    of_types = Component(change(own, "type"), effective_number(own))
    return MeanContrast(estimate, Variances(of_documents, (of_types,), change(pairs, "document and type")))


def permuted_contrasts(
    values: FloatArray,
    first: BoolArray,
    documents: IntArray,
    types: IntArray | None,
    n_draws: int,
    rng: np.random.Generator,
    division: tuple[IntArray, IntArray] | None = None,
) -> NDArray[np.float64]:
    """The t of `mean_contrast` with the labels of whole units permuted.

    Labels of types move within strata of log2 of the types' counts. Each draw is divided by its own two-way
    standard error: without that, permutation tests equality of the units' distributions and over-rejects
    where only the means are equal [1]. A check beside the test by t.

    Args:
        values: As in `mean_contrast`, like the next three.
        first: Rows of the first condition, with rows of a second.
        documents: Document of each row.
        types: Target type of each row; None where documents are the only units, and labels belong to others.
        n_draws: Number of permutations.
        rng: Equal generators give equal draws.
        division: Unit of each row that keeps its label, and stratum of each within which labels change
            places; None where labels belong to types.

    Returns:
        t of each draw, shape ``(n_draws,)``; infinite where it has no error.

    Raises:
        ValueError: As `mean_contrast` and `permute_labels`; if there are neither types nor a division.

    References:
        [1] Janssen (1997), doi:10.1016/S0167-7152(97)00043-6; Chung & Romano (2013),
            doi:10.1214/13-AOS1090.
    """
    y, owner = np.asarray(values, dtype=np.float64), np.unique(documents, return_inverse=True)[1]
    if types is None and division is None:
        raise ValueError("labels belong to types, and there are none: say what they belong to")
    kinds = np.unique(owner if types is None else types, return_inverse=True)[1]
    mask = np.asarray(first)
    if division is None:
        relabelled = permute_types(mask, kinds, n_draws, rng)
    else:
        relabelled = permute_labels(mask, *division, n_draws, rng)
    codes = np.asarray(relabelled.units)
    pairs, cells = np.unique(owner * (int(kinds.max()) + 1) + kinds, return_inverse=True)
    shared_with = () if types is None or division is None else (kinds, cells)
    tables = [_tables(y, codes, factor) for factor in (owner, *shared_with)]
    of_units, of_cells = _sums(codes, y), _sums(cells, y)
    statistics = np.empty(n_draws)
    for start in range(0, n_draws, _DRAWS_AT_ONCE):
        labels = relabelled.labels[start : start + _DRAWS_AT_ONCE]
        effect, by_type, by_cell = (np.zeros(len(labels)) for _ in range(3))
        changes = [np.zeros((len(labels), table[0].shape[1])) for table in tables]
        for sign, side in ((1.0, labels), (-1.0, ~labels)):
            chosen = side.astype(np.float64)
            sums, counts = (chosen @ column for column in of_units)
            effect += sign * sums / counts
            if division is None:
                by_type += _spread_of(sums, counts, side, *of_units)
                by_cell += _spread_of(sums, counts, side[:, pairs % (int(kinds.max()) + 1)], *of_cells)
            for change, table in zip(changes, tables, strict=True):
                own_sums, own_counts = (chosen @ part for part in table)
                change += sign * _means(sums, counts, own_sums, own_counts)
        by_document, *shared = ((change.shape[1] - 1) * np.var(change, axis=1) for change in changes)
        if shared:
            by_type, by_cell = shared
        total = np.maximum(np.maximum(by_document, by_type), by_document + by_type - by_cell)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistics[start : start + len(labels)] = np.where(effect == 0, 0.0, effect / np.sqrt(total))
    return statistics


def _tables(values: NDArray[np.float64], units: IntArray, factor: IntArray) -> list[Any]:
    """Sum and number of the rows of each unit, by unit of another factor; shape (n_units, n_of_factor)."""
    shape = int(units.max()) + 1, int(factor.max()) + 1
    return [
        coo_array((weights, (units, factor)), shape=shape).tocsr()
        for weights in (values, np.ones_like(values))
    ]


def _sums(units: IntArray, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of rows of each unit."""
    return np.asarray(np.bincount(units, values), np.float64), np.bincount(units).astype(np.float64)


def _means(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    own_sums: NDArray[np.float64],
    own_counts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean of each draw's rows without each unit's, shape (n_draws, n_units); NaN where none is left."""
    left = counts[:, None] - own_counts
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(left > 0, (sums[:, None] - own_sums) / left, np.nan))


def _spread_of(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    side: BoolArray,
    own_sums: NDArray[np.float64],
    own_counts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Jackknife variance of a mean over the units that are on its side in each draw, shape (n_draws,)."""
    without = _means(sums, counts, own_sums[None], own_counts[None])
    number = side.sum(axis=1)
    centre = np.where(side, without, 0.0).sum(axis=1) / number
    squares = np.where(side, (without - centre[:, None]) ** 2, 0.0).sum(axis=1)
    return np.asarray((number - 1) / number * squares)


def without_each(
    values: NDArray[np.float64],
    codes: IntArray,
    n_units: int,
    what: str,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The mean without each unit in turn, or sum of values over sum of weights, shape (n_units,).

    Args:
        values: Of each row, shape (n_rows,).
        codes: Unit of each, from 0.
        n_units: How many there are; one without rows changes nothing.
        what: Its name, for the error.
        weights: What is summed below; None: rows are counted.

    Raises:
        ValueError: If one unit holds everything.
    """
    of_all = float(values.size) if weights is None else float(weights.sum())
    left = of_all - np.bincount(codes, weights, minlength=n_units)
    if not left.min() > 1e-12 * of_all:
        raise ValueError(f"one {what} holds all rows of a condition: without it there is no mean")
    return np.asarray((values.sum() - np.bincount(codes, values, minlength=n_units)) / left)


def _spread(without: NDArray[np.float64]) -> float:
    return float((without.size - 1) * without.var())
