"""How alike each head attends in two conditions: Spearman's correlation of its profiles.

A head's profile is its mean attention over relative distance at matched query positions. Correlations are
over distances that both profiles have seen; of a head with a window over those within it, since the zeros
beyond are in every profile, and would make any two alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def everything(n_rows: int) -> Weighting:
    """One unit that holds all rows and counts once."""
    return np.zeros(n_rows, dtype=np.int64), np.ones((1, 1), dtype=np.int64)


def routing_correlations(
    attention: FloatArray, indices: IntArray, first: BoolArray, windows: IntArray | None = None
) -> NDArray[np.float64]:
    """Spearman's correlation of each head's profiles in two conditions, without a noise ceiling.

    Args:
        attention: At each row's query, shape (n_rows, n_heads, context).
        indices: Place of the query in its block, shape (n_rows,).
        first: Rows of the first condition; the others are of the second.
        windows: Keys that a query of each head sees at most, shape (n_heads,).

    Returns:
        Shape (n_heads,), over distances seen in both; NaN for a constant profile.

    Raises:
        ValueError: If shapes do not fit.
    """
    (by_head,) = crossed_correlations(attention, indices, first, [everything(len(indices))], windows)
    return by_head.ravel()


def crossed_correlations(
    attention: FloatArray,
    indices: IntArray,
    first: BoolArray,
    weightings: Sequence[Weighting],
    windows: IntArray | None = None,
) -> list[NDArray[np.float64]]:
    """`routing_correlations` with units of any factors drawn or left out.

    Args:
        attention: At each row's query, shape (n_rows, n_heads, context).
        indices: Place of the query in its block, shape (n_rows,).
        first: Rows of the first condition; the others are of the second.
        weightings: One for each factor.
        windows: Keys that a query of each head sees at most, shape (n_heads,).

    Returns:
        One for each factor, shape (n_resamples, n_heads).

    Raises:
        ValueError: If shapes do not fit, or units and weights do not.
    """
    mask = np.asarray(first)
    checked = checked_weightings(weightings, mask)
    parts: list[list[NDArray[np.float64]]] = [[] for _ in checked]
    for heads, reach in heads_by_distance(attention, indices, windows):
        for (units, weights), correlations in zip(checked, parts, strict=True):
            n_units = weights.shape[1]
            sums = binned_sums(heads, indices, ~mask * n_units + units, 2 * n_units)
            correlations.append(correlation(weighted(sums, weights), reach))
    return [np.concatenate(correlations, axis=1) for correlations in parts]


def checked_weightings(
    weightings: Sequence[Weighting], mask: BoolArray
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Units and weights of some rows, as arrays.

    Raises:
        ValueError: If they do not fit the rows, or each other.
    """
    arrays = []
    for units, weights in weightings:
        owner, counts = np.asarray(units, dtype=np.int64), np.asarray(weights, dtype=np.float64)
        if counts.ndim != 2 or not np.isfinite(counts).all() or np.any(counts < 0):
            raise ValueError("weights must be finite and not negative, of shape (n_resamples, n_units)")
        n_units = counts.shape[1]
        if owner.shape != mask.shape or owner.min(initial=0) < 0 or owner.max(initial=-1) >= n_units:
            raise ValueError(f"units must be one for each row, from 0 to {n_units - 1}")
        arrays.append((owner, counts))
    return arrays


def heads_by_distance(
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


def binned_sums(
    heads: FloatArray, indices: IntArray, bins: NDArray[np.int64], n_bins: int
) -> NDArray[np.float64]:
    """Attention summed over the rows of each bin, queries that have so many keys before them as a last head.

    Returns:
        Shape (n_bins, n_heads + 1, context).
    """
    n_rows, n_heads, context = heads.shape
    ones = np.ones(n_rows, dtype=heads.dtype)
    chosen = csr_array((ones, (bins, np.arange(n_rows))), shape=(n_bins, n_rows))
    sums = np.empty((n_bins, n_heads + 1, context))
    sums[:, :-1] = (chosen @ heads.reshape(n_rows, -1)).reshape(n_bins, n_heads, context)
    ends = np.bincount(bins * context + np.asarray(indices), minlength=n_bins * context)
    sums[:, -1] = ends.reshape(n_bins, context)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return sums


def weighted(sums: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of bins of one unit each, under weightings of the units: (n_bins / n_units, n_resamples, ...)."""
    n_units = weights.shape[1]
    by_unit = sums.reshape(len(sums) // n_units, n_units, *sums.shape[1:])
    return np.asarray(np.einsum("ru,quhc->qrhc", weights, by_unit, optimize=True))


def correlation(sums: NDArray[np.float64], reach: BoolArray) -> NDArray[np.float64]:
    """Of two conditions' profiles (2, n_resamples, n_heads + 1, context), shape (n_resamples, n_heads)."""
    return products(*unit_ranks(sums, reach))


def products(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner products of profiles (n_resamples, n_heads, context), shape (n_resamples, n_heads)."""
    return np.asarray(np.einsum("rhc,rhc->rh", one, other))


def unit_ranks(summed: NDArray[np.float64], reach: BoolArray) -> NDArray[np.float64]:
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
