"""Routing similarity: whether a head attends the same way in two conditions.

A head's profile is its mean attention over relative distance at matched query positions; two profiles are
compared by Spearman's correlation. A correlation below 1 means nothing until it is known what two samples of
the *same* condition reach. Documents and target types are both samples, so that a half is a half of the
documents *and* of the types; each halving gives two pairs of halves, first documents with first types
against second with second, and first with second against second with first:

    similarity = mean over heads of  c_h  /  mean over heads of  sqrt(max(a_h, 0) max(b_h, 0))
    a_h = r(first half, first half)    b_h = r(second half, second half)
    c_h = mean of r(first half, second other half) in both directions

each averaged over the pairs of several halvings first. It is 1 when the two conditions differ only by
sampling. No correlation compares a document with itself, and none a type. (With halves of documents alone
both halves of a condition have the same types and agree in what is peculiar to them, while the profiles of
two conditions have no type in common: where attention differs from type to type such a ceiling is too high.
In simulation it rejected up to 30 % of true nulls at 5 %.)

The ratio is formed once, of means: one per head, or per halving, explodes where a reliability is near zero.
A head without reliability (a_h or b_h <= 0) adds nothing to the denominator and its noise, of mean zero, to
the numerator. It is NaN if no head is reliable; report the ceiling beside it.

Correlations are over the distances seen in all four half profiles; of a head with a window those within it,
since the zeros beyond are in every profile, and would make any two alike.

References:
    Spearman (1904), doi:10.2307/1412159, for the correction for attenuation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hypotest.estimators.attention.profiles import by_distance, visible_distances
from hypotest.records.evidence.arrays import FloatArray, IntArray

BoolArray = NDArray[np.bool_]
Weighting = tuple[IntArray, IntArray | FloatArray]
"""Unit of each row, 0 to n_units - 1, and how often each unit counts, shape (n_resamples, n_units)."""

HEADS_BYTES = 2**26
"""Memory of the attention of the heads that are looked at together."""


@dataclass(frozen=True, slots=True, eq=False)
class Routing:
    """How alike two conditions attend, under the weightings of one factor; NaN as the module says."""

    similarity: NDArray[np.float64]
    """As a share of the ceiling, shape (n_resamples,)."""
    ceiling: NDArray[np.float64]
    """Mean over heads of what two halves of the same condition agree in, shape (n_resamples,)."""
    correlation: NDArray[np.float64]
    """Spearman's of whole profiles, mean over heads, shape (n_resamples,)."""


def crossed_halvings(
    documents: IntArray, types: IntArray | None, n_halvings: int, rng: np.random.Generator
) -> tuple[BoolArray, BoolArray]:
    """Random halves of the documents, and of the types.

    Args:
        documents: Document of each row, any integers, shape (n_rows,).
        types: Target type of each; None where they are no sample: halves are then those of documents.
        n_halvings: How many; at least one, of two documents and types or more (ValueError).
        rng: Source of randomness.

    Returns:
        Whether each row's document, and whether its type, is in the first half; both (n_halvings, n_rows).
    """
    halvings: list[BoolArray] = []
    for name, units in (("documents", documents), ("types", types)):
        if units is None:
            halvings.append(halvings[0])
            continue
        distinct, codes = np.unique(units, return_inverse=True)
        if distinct.size < 2 or n_halvings < 1:
            raise ValueError(f"needs two {name} and one halving, got {distinct.size} and {n_halvings}")
        even = np.broadcast_to(np.arange(distinct.size) % 2 == 0, (n_halvings, distinct.size))
        halvings.append(rng.permuted(even, axis=1)[:, codes])
    return halvings[0], halvings[1]


def routing_correlations(
    attention: FloatArray, indices: IntArray, first: BoolArray, windows: IntArray | None = None
) -> NDArray[np.float64]:
    """Spearman's correlation of each head's profiles in two conditions, without a noise ceiling.

    Arguments and errors are those of `crossed_routing`.

    Returns:
        Shape (n_heads,), over distances seen in both; NaN for a constant profile.
    """
    everything = np.zeros(np.shape(indices), dtype=np.int64), np.ones((1, 1))
    (by_head,) = crossed_correlations(attention, indices, first, [everything], windows)
    return by_head.ravel()


def crossed_correlations(
    attention: FloatArray,
    indices: IntArray,
    first: BoolArray,
    weightings: Sequence[Weighting],
    windows: IntArray | None = None,
) -> list[NDArray[np.float64]]:
    """`routing_correlations` with units of any factors drawn or left out.

    Arguments and errors are those of `crossed_routing`.

    Returns:
        One for each factor, shape (n_resamples, n_heads).
    """
    mask = np.asarray(first)
    checked = [_checked(units, weights, mask) for units, weights in weightings]
    parts: list[list[NDArray[np.float64]]] = [[] for _ in checked]
    for heads, reach in _heads(attention, indices, windows):
        for (units, weights), correlations in zip(checked, parts, strict=True):
            n_units = weights.shape[1]
            sums = _sums(heads, indices, ~mask * n_units + units, 2 * n_units)
            correlations.append(_correlation(_weighted(sums, weights), reach))
    return [np.concatenate(correlations, axis=1) for correlations in parts]


def crossed_routing(
    attention: FloatArray,
    indices: IntArray,
    first: BoolArray,
    weightings: Sequence[Weighting],
    halves: tuple[BoolArray, BoolArray],
    windows: IntArray | None = None,
) -> list[Routing]:
    """Similarity as a share of the noise ceiling, with units of any factors drawn or left out.

    Args:
        attention: At each row's query, shape (n_rows, n_heads, context).
        indices: Place of the query in its block, shape (n_rows,).
        first: Rows of the first condition; the others are of the second.
        weightings: One for each factor; one unit that counts once gives the estimate.
        halves: From `crossed_halvings`, the same for all weightings.
        windows: Keys that a query of each head sees at most, shape (n_heads,).

    Raises:
        ValueError: If shapes do not fit, or units and weights do not.
    """
    mask, (by_document, by_type) = np.asarray(first), halves
    checked = [_checked(units, weights, mask) for units, weights in weightings]
    if by_document.shape != by_type.shape or by_type.ndim != 2 or by_type.shape[1:] != mask.shape:
        raise ValueError(f"halves must have shape (n_halvings, {mask.size}), got {np.shape(by_type)}")
    parts: list[list[list[NDArray[np.float64]]]] = [[] for _ in checked]
    for heads, reach in _heads(attention, indices, windows):
        for (units, weights), correlations in zip(checked, parts, strict=True):
            n_units, halved, whole = weights.shape[1], [], None
            for document_half, type_half in zip(by_document, by_type, strict=True):
                bins = ((4 * ~mask + 2 * document_half + type_half) * n_units) + units
                sums = _weighted(_sums(heads, indices, bins, 8 * n_units), weights)
                if whole is None:
                    whole = sums.reshape(2, 4, *sums.shape[1:]).sum(axis=1)
                # halves that share neither documents nor types: 11 with 00, 10 with 01
                for one, other in ((3, 0), (2, 1)):
                    halved.append(_agreements(sums[[one, other, 4 + one, 4 + other]], reach))
            across, within_first, within_second = (
                _mean_of_defined(np.stack(values)) for values in zip(*halved, strict=True)
            )
            ceiling = np.sqrt(np.maximum(within_first, 0.0) * np.maximum(within_second, 0.0))
            assert whole is not None  # there is a halving
            correlations.append([across, ceiling, _correlation(whole, reach)])
    return [
        _over_heads(*(np.concatenate(item, axis=1) for item in zip(*correlations, strict=True)))
        for correlations in parts
    ]


def _over_heads(
    across: NDArray[np.float64], ceiling: NDArray[np.float64], whole: NDArray[np.float64]
) -> Routing:
    """Means over heads, from arrays (n_resamples, n_heads)."""
    reached = ceiling.mean(axis=1)
    ratio = np.full(reached.shape, np.nan)
    np.divide(across.mean(axis=1), reached, out=ratio, where=reached > 0)
    return Routing(ratio, reached, _mean_of_defined(whole.T))


def _checked(
    units: IntArray, weights: IntArray | FloatArray, mask: BoolArray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    owner, counts = np.asarray(units, dtype=np.int64), np.asarray(weights, dtype=np.float64)
    if counts.ndim != 2 or not np.isfinite(counts).all() or np.any(counts < 0):
        raise ValueError("weights must be finite and not negative, of shape (n_resamples, n_units)")
    n_units = counts.shape[1]
    if owner.shape != mask.shape or owner.min(initial=0) < 0 or owner.max(initial=-1) >= n_units:
        raise ValueError(f"units must be one for each row, from 0 to {n_units - 1}")
    return owner, counts


def _heads(
    attention: FloatArray, indices: IntArray, windows: IntArray | None
) -> Iterator[tuple[FloatArray, BoolArray]]:
    """Attention by distance, some heads at a time, and the distances that they can see."""
    values = np.asarray(attention)
    if values.ndim != 3:
        raise ValueError(f"attention must have shape (n_rows, n_heads, context), got {values.shape}")
    # of what is no number, ranks would be those of places, alike in all heads
    if not np.isfinite(values).all() or (values < 0).any():
        raise ValueError("attention must be finite and not negative")
    n_rows, n_heads, context = values.shape
    reach = visible_distances(windows, n_heads, context)
    step = max(1, HEADS_BYTES // max(1, n_rows * context * values.itemsize))
    for start in range(0, n_heads, step):
        some = slice(start, start + step)
        yield by_distance(values[:, some], indices), reach[some]


def _sums(heads: FloatArray, indices: IntArray, bins: NDArray[np.int64], n_bins: int) -> NDArray[np.float64]:
    """Attention summed over the rows of each bin, and of queries with so many keys as a last head.

    Returns: Shape (n_bins, n_heads + 1, context).
    """
    n_rows, n_heads, context = heads.shape
    ones = np.ones(n_rows, dtype=heads.dtype)
    chosen = csr_array((ones, (bins, np.arange(n_rows))), shape=(n_bins, n_rows))
    sums = np.empty((n_bins, n_heads + 1, context))
    sums[:, :-1] = (chosen @ heads.reshape(n_rows, -1)).reshape(n_bins, n_heads, context)
    ends = np.bincount(bins * context + np.asarray(indices), minlength=n_bins * context)
    sums[:, -1] = ends.reshape(n_bins, context)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return sums


def _weighted(sums: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of bins of one unit each, under weightings of the units: (n_bins / n_units, n_resamples, ...)."""
    n_units = weights.shape[1]
    by_unit = sums.reshape(len(sums) // n_units, n_units, *sums.shape[1:])
    return np.asarray(np.einsum("ru,quhc->qrhc", weights, by_unit, optimize=True))


def _agreements(
    halves: NDArray[np.float64], reach: BoolArray
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Correlations between conditions, within the first and within the second, each (n_resamples, n_heads).

    From sums of both halves of both conditions, (4, n_resamples, n_heads + 1, context), and what heads reach.
    """
    one, one_other, two, two_other = _unit_ranks(halves, reach)
    across = (_products(one, two_other) + _products(one_other, two)) / 2
    return across, _products(one, one_other), _products(two, two_other)


def _correlation(sums: NDArray[np.float64], reach: BoolArray) -> NDArray[np.float64]:
    """Of two conditions' profiles (2, n_resamples, n_heads + 1, context), shape (n_resamples, n_heads)."""
    return _products(*_unit_ranks(sums, reach))


def _products(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("rhc,rhc->rh", one, other))


def _mean_of_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of what has a correlation; NaN where nothing has."""
    defined = ~np.isnan(values)
    number = defined.sum(axis=0)
    mean = np.full(number.shape, np.nan)
    np.divide(np.where(defined, values, 0.0).sum(axis=0), number, out=mean, where=number > 0)
    return mean


def _unit_ranks(summed: NDArray[np.float64], reach: BoolArray) -> NDArray[np.float64]:
    """Centred mid-ranks of unit length, whose inner products are Spearman correlations.

    Args:
        summed: Profiles to be compared with each other along the first axis, shape (P, R, n_heads + 1,
            context), counts last.
        reach: Distances that each head can see, shape (n_heads, context).

    Returns:
        Shape (P, R, n_heads, context); zero at distances that not all P have seen or that the head cannot
        see, NaN for constant profiles and for fewer than three distances.
    """
    sums, counts = summed[:, :, :-1], summed[:, :, -1:]
    seen = np.all(counts > 0, axis=0) & reach
    number = seen.sum(axis=-1, keepdims=True)
    profile = np.where(seen, sums / np.where(seen, counts, 1.0), np.inf)
    order = np.argsort(profile, axis=-1)
    ordered = np.take_along_axis(profile, order, axis=-1)
    ranks = np.empty(profile.shape)
    context = profile.shape[-1]
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1.0, context + 1), ranks.shape), -1)
    tied = np.any((ordered[..., 1:] == ordered[..., :-1]) & np.isfinite(ordered[..., 1:]), axis=-1)
    if np.any(tied):
        from scipy.stats import rankdata  # takes long to import

        # Ties are rare (attention that underflows to zero), their mid-ranks slow.
        ranks[tied] = rankdata(profile[tied], axis=-1)
    centred = np.where(seen, ranks - (number + 1) / 2, 0.0)
    length = np.sqrt(np.einsum("...c,...c->...", centred, centred))[..., None]
    length = np.where((length > 0) & (number >= 3), length, np.nan)
    return np.asarray(centred / length)
