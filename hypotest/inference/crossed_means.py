"""Means, differences of means between two conditions, and ratios of sums, over documents and types.

Without one unit they follow from sums, so that every unit is left out in turn at the cost of one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from hypotest.inference.crossed import Component, Variances, effective_number
from hypotest.inference.relabelling import permute_types
from hypotest.records.evidence.arrays import FloatArray, IntArray

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

    Documents are left out with their rows of both conditions; types, and cells of a document and a type,
    belong to one condition each: V_types = V_first + V_second.

    Args:
        values: Of each row, shape ``(n_rows,)``.
        first: Rows of the first condition; the others are of the second. All true: one mean.
        documents: Document of each row.
        types: Target type of each row; None where labels belong to documents, which are then the only units.

    Raises:
        ValueError: If shapes differ, a value is not finite, no row is of the first condition, a type has
            both labels, or one unit holds all rows of a condition.
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
    changes = [_without(y[side], codes[side], codes.max() + 1, "document") for side in sides]
    by_document = changes[0] - (changes[1] if len(changes) == 2 else 0.0)
    of_documents = Component(_spread(by_document), effective_number(owner))
    if types is None:
        return MeanContrast(estimate, Variances(of_documents, ()))
    _, kinds = np.unique(np.asarray(types), return_inverse=True)
    if kinds.shape != y.shape or (len(sides) == 2 and np.isin(kinds[mask], kinds[~mask]).any()):
        raise ValueError("types must be one for each row, and a type's rows must be of one condition")
    components, cells = [], 0.0
    for side in sides:
        _, own = np.unique(kinds[side], return_inverse=True)
        over = _spread(_without(y[side], own, own.max() + 1, "type"))
        components.append(Component(over, effective_number(own)))
        _, pairs = np.unique(codes[side] * (kinds.max() + 1) + kinds[side], return_inverse=True)
        cells += _spread(_without(y[side], pairs, pairs.max() + 1, "document and type"))
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
    _, codes = np.unique(owner, return_inverse=True)
    _, own = np.unique(kinds, return_inverse=True)
    _, pairs = np.unique(codes * (own.max(initial=0) + 1) + own, return_inverse=True)
    spreads = [
        _spread(_without(above, units, units.max() + 1, what, below))
        for units, what in ((codes, "document"), (own, "type"), (pairs, "document and type"))
    ]
    of_documents = Component(spreads[0], effective_number(codes))
    of_types = (Component(spreads[1], effective_number(own)),)
    variances = (
        Variances(of_documents, of_types, spreads[2]) if types is not None else Variances(of_documents, ())
    )
    return MeanContrast(float(above.sum() / below.sum()), variances)


def permuted_contrasts(
    values: FloatArray,
    first: BoolArray,
    documents: IntArray,
    types: IntArray,
    n_draws: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """The t of `mean_contrast` with the labels of whole types permuted.

    Labels move within strata of log2 of the types' counts. Each draw is divided by its own two-way standard
    error: without that, permutation tests equality of the types' distributions and over-rejects where only
    the means are equal [1]. A check beside the test by t.

    Args:
        values: As in `mean_contrast`, like the next three.
        first: Rows of the first condition, with rows of a second.
        documents: Document of each row.
        types: Target type of each row.
        n_draws: Number of permutations.
        rng: Equal generators give equal draws.

    Returns:
        t of each draw, shape ``(n_draws,)``; infinite where it has no error.

    Raises:
        ValueError: As `mean_contrast` and `permute_types`.

    References:
        [1] Janssen (1997), doi:10.1016/S0167-7152(97)00043-6; Chung & Romano (2013),
            doi:10.1214/13-AOS1090.
    """
    y, owner = np.asarray(values, dtype=np.float64), np.unique(documents, return_inverse=True)[1]
    relabelled = permute_types(np.asarray(first), np.asarray(types), n_draws, rng)
    kinds = np.asarray(relabelled.units)
    n_types, n_documents = int(kinds.max()) + 1, int(owner.max()) + 1
    pairs, cells = np.unique(owner * n_types + kinds, return_inverse=True)
    tables = [
        coo_array((weights, (kinds, owner)), shape=(n_types, n_documents)).tocsr()
        for weights in (y, np.ones_like(y))
    ]
    of_types, of_cells = _sums(kinds, y), _sums(cells, y)
    found = np.empty(n_draws)
    for start in range(0, n_draws, _DRAWS_AT_ONCE):
        labels = relabelled.labels[start : start + _DRAWS_AT_ONCE]
        effect, by_type, by_cell = (np.zeros(len(labels)) for _ in range(3))
        change = np.zeros((len(labels), n_documents))
        for sign, side in ((1.0, labels), (-1.0, ~labels)):
            chosen = side.astype(np.float64)
            sums, counts = (chosen @ column for column in of_types)
            effect += sign * sums / counts
            by_type += _spread_of(sums, counts, side, *of_types)
            by_cell += _spread_of(sums, counts, side[:, pairs % n_types], *of_cells)
            own_sums, own_counts = (chosen @ table for table in tables)
            change += sign * _means(sums, counts, own_sums, own_counts)
        by_document = (n_documents - 1) * np.var(change, axis=1)
        total = np.maximum(np.maximum(by_document, by_type), by_document + by_type - by_cell)
        with np.errstate(divide="ignore", invalid="ignore"):
            found[start : start + len(labels)] = np.where(effect == 0, 0.0, effect / np.sqrt(total))
    return found


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


def _without(
    values: NDArray[np.float64],
    codes: IntArray,
    n_units: int,
    what: str,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The mean without each unit in turn, or sum of values over sum of weights, shape (n_units,)."""
    of_all = float(values.size) if weights is None else float(weights.sum())
    left = of_all - np.bincount(codes, weights, minlength=n_units)
    if not left.min() > 1e-12 * of_all:
        raise ValueError(f"one {what} holds all rows of a condition: without it there is no mean")
    return np.asarray((values.sum() - np.bincount(codes, values, minlength=n_units)) / left)


def _spread(without: NDArray[np.float64]) -> float:
    return float((without.size - 1) * without.var())
