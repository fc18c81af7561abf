"""Routing similarity: whether a head attends the same way in two conditions.

A head's profile is its mean attention over relative distance (or over key position) at matched
query positions; two profiles are compared by Spearman's correlation. A correlation below 1 means
nothing until it is known what two samples of the *same* condition reach, so documents are split in
half:

    similarity = mean over heads of  c_h  /  mean over heads of  sqrt(max(a_h, 0) max(b_h, 0))
    a_h = r(first half, first half)    b_h = r(second half, second half)
    c_h = mean of r(first half, second other half) in both directions

each averaged over several halvings first. It is 1 when the two conditions differ only by sampling.
No correlation compares a document with itself, and copies of a document stay in one half.

The ratio is formed once, of means: a ratio per head, or per halving, explodes where a reliability
is near zero, and has no value where one is negative. A head without reliability (a_h or b_h <= 0)
adds nothing to the denominator and its noise, of mean zero, to the numerator. The ratio is NaN if
no head is reliable; report `routing_reliability` beside it, since a ratio to a small ceiling is a
wide one.

Correlations are taken over the distances seen in all four half profiles, so that numerator and
denominator speak of the same ones. Of a head with a window they are those within it: the zeros beyond are in
every profile, and would make any two alike.

References:
    Spearman (1904), doi:10.2307/1412159, for the correction for attenuation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from hypotest.estimators.profiles import AttentionProfiles, attention_profiles
from hypotest.records.arrays import FloatArray, IntArray

__all__ = [
    "AttentionProfiles",
    "attention_profiles",
    "halvings",
    "routing_reliability",
    "routing_similarity",
    "routing_similarity_resamples",
    "routing_similarity_swaps",
]

PROFILE_BYTES = 2**22
"""Memory of one chunk of half profiles; larger ones fall out of the cache."""


def halvings(n_documents: int, n_halvings: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Random halves of the documents.

    Args:
        n_documents: At least 2.
        n_halvings: How many.
        rng: Source of randomness.

    Returns:
        Which documents are in the first half, shape (n_halvings, n_documents); sizes differ by at
        most one.

    Raises:
        ValueError: If there are fewer than two documents or no halving.
    """
    if n_documents < 2 or n_halvings < 1:
        raise ValueError(f"needs two documents and one halving, got {n_documents}, {n_halvings}")
    even = np.broadcast_to(np.arange(n_documents) % 2 == 0, (n_halvings, n_documents))
    return np.asarray(rng.permuted(even, axis=1))


def routing_similarity(
    profiles_first: AttentionProfiles, profiles_second: AttentionProfiles
) -> NDArray[np.float64]:
    """Spearman's correlation of each head's first and second profile, without a noise ceiling.

    Args:
        profiles_first: Of targets of the first condition.
        profiles_second: Of targets of the second condition, same documents.

    Returns:
        Shape (n_heads,), over distances seen in both; NaN for a constant profile.

    Raises:
        ValueError: If shapes differ.
    """
    stacked = stacked_profiles(profiles_first, profiles_second).sum(axis=1)[:, None]
    first, second = _unit_ranks(stacked, profiles_first.reach)[:, 0]
    return np.asarray(np.einsum("hc,hc->h", first, second))


def routing_reliability(
    profiles_first: AttentionProfiles,
    profiles_second: AttentionProfiles,
    halves: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The noise ceiling of each head, sqrt(max(a_h, 0) max(b_h, 0)).

    Args:
        profiles_first: Of targets of the first condition.
        profiles_second: Of targets of the second condition, same documents.
        halves: From `halvings`, shape (n_halvings, n_documents).

    Returns:
        Shape (n_heads,), between 0 and 1.

    Raises:
        ValueError: If shapes do not fit.
    """
    stacked = stacked_profiles(profiles_first, profiles_second)
    split = _checked_halves(halves, stacked.shape[1])
    ones = np.ones((1, stacked.shape[1]))
    return np.asarray(
        halved_correlations(*resampled_halves(stacked, split, ones), profiles_first.reach)[1][0]
    )


def routing_similarity_resamples(
    profiles_first: AttentionProfiles,
    profiles_second: AttentionProfiles,
    weights: FloatArray | IntArray,
    halves: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Similarity as a share of the noise ceiling, over resamples of documents.

    Args:
        profiles_first: Of targets of the first condition.
        profiles_second: Of targets of the second condition, same documents.
        weights: How often each document was drawn, shape (n_resamples, n_documents); a row of ones
            gives the estimate.
        halves: From `halvings`, shape (n_halvings, n_documents), the same for all resamples.

    Returns:
        Shape (n_resamples,); NaN where no head is reliable, or in every halving a half has fewer than three
        distances in common with the others. With few documents a resample can leave a half nearly empty:
        such a halving is left out.

    Raises:
        ValueError: If shapes do not fit or a weight is negative.
    """
    stacked = stacked_profiles(profiles_first, profiles_second)
    split = _checked_halves(halves, stacked.shape[1])
    counts = _checked_rows(np.asarray(weights, dtype=np.float64), stacked.shape[1], "weights")
    if not np.all(np.isfinite(counts)) or np.any(counts < 0):
        raise ValueError("weights must be finite and not negative")
    result = np.empty(counts.shape[0])
    for rows in _chunks(counts.shape[0], split.shape[0], stacked):
        halved = resampled_halves(stacked, split, counts[rows])
        result[rows] = ratio_of_means(*halved_correlations(*halved, profiles_first.reach))
    return result


def routing_correlation_resamples(
    profiles_first: AttentionProfiles, profiles_second: AttentionProfiles, weights: FloatArray | IntArray
) -> NDArray[np.float64]:
    """Spearman correlation of the two profiles, mean over heads, over resamples of documents.

    Args:
        profiles_first: Of targets of the first condition.
        profiles_second: Of targets of the second condition, same documents.
        weights: How often each document was drawn, shape (n_resamples, n_documents); a row of ones
            gives the mean of `routing_similarity`.

    Returns:
        Shape (n_resamples,); heads without a correlation are left out, NaN where all are.

    Raises:
        ValueError: If shapes do not fit.
    """
    stacked = stacked_profiles(profiles_first, profiles_second)
    counts = _checked_rows(np.asarray(weights, dtype=np.float64), stacked.shape[1], "weights")
    flat = stacked.reshape(2, stacked.shape[1], -1)
    result = np.empty(counts.shape[0])
    for rows in _chunks(counts.shape[0], 1, stacked):
        summed = np.matmul(counts[rows], flat).reshape(2, -1, *stacked.shape[2:])
        first, second = _unit_ranks(summed, profiles_first.reach)
        correlation = np.einsum("rhc,rhc->rh", first, second)
        result[rows] = _mean_of_defined(correlation[..., None])[:, 0]
    return result


def routing_similarity_swaps(
    profiles_first: AttentionProfiles,
    profiles_second: AttentionProfiles,
    swaps: NDArray[np.bool_],
    halves: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The same ratio with the labels first and second exchanged within some documents.

    If routing does not depend on the label, each document's two profiles are exchangeable.

    Args:
        profiles_first: Of targets of the first condition.
        profiles_second: Of targets of the second condition, same documents.
        swaps: Documents whose labels are exchanged, shape (n_draws, n_documents).
        halves: From `halvings`, shape (n_halvings, n_documents).

    Returns:
        Shape (n_draws,); NaN as in `routing_similarity_resamples`.

    Raises:
        ValueError: If shapes do not fit.
    """
    stacked = stacked_profiles(profiles_first, profiles_second)
    split = _checked_halves(halves, stacked.shape[1])
    flags = _checked_rows(np.asarray(swaps, dtype=bool), stacked.shape[1], "swaps")
    result = np.empty(flags.shape[0])
    for rows in _chunks(flags.shape[0], split.shape[0], stacked):
        halved = _swapped_halves(stacked, split, flags[rows])
        result[rows] = ratio_of_means(*halved_correlations(*halved, profiles_first.reach))
    return result


def stacked_profiles(first: AttentionProfiles, second: AttentionProfiles) -> NDArray[np.float64]:
    """Both conditions, counts as one more head, shape (2, n_documents, n_heads + 1, context)."""
    if first.sums.shape != second.sums.shape or first.counts.shape != second.counts.shape:
        raise ValueError(
            "first and second profiles must have the same documents, heads and context, got "
            f"{first.sums.shape} and {second.sums.shape}"
        )
    one, two = (np.asarray(True if p.reach is None else p.reach) for p in (first, second))
    if not np.array_equal(one, two):
        raise ValueError("first and second profiles must be of the same heads: their windows differ")
    return np.stack([np.concatenate([p.sums, p.counts[:, None]], axis=1) for p in (first, second)])


def _checked_rows(
    array: NDArray[np.float64] | NDArray[np.bool_], n_documents: int, name: str
) -> NDArray[np.float64]:
    if array.ndim != 2 or array.shape[1] != n_documents:
        raise ValueError(f"{name} must have shape (..., {n_documents}), got {array.shape}")
    return array.astype(np.float64)


def _checked_halves(halves: NDArray[np.bool_], n_documents: int) -> NDArray[np.float64]:
    split = _checked_rows(np.asarray(halves, dtype=bool), n_documents, "halves")
    if split.shape[0] == 0:
        raise ValueError("halves must hold at least one halving")
    return split


def _chunks(n_rows: int, n_halvings: int, stacked: NDArray[np.float64]) -> list[slice]:
    per_row = 8 * 4 * n_halvings * stacked.shape[2] * stacked.shape[3]
    step = max(1, PROFILE_BYTES // per_row)
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def resampled_halves(
    stacked: NDArray[np.float64], split: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Summed profiles of both halves, each (2, R, S, n_heads + 1, context)."""
    n_documents = stacked.shape[1]
    flat = stacked.reshape(2, n_documents, -1)
    shape = (2, counts.shape[0], split.shape[0], *stacked.shape[2:])
    chosen = (counts[:, None, :] * split).reshape(-1, n_documents)
    first = np.matmul(chosen, flat).reshape(shape)
    whole = np.matmul(counts, flat).reshape(2, counts.shape[0], 1, *stacked.shape[2:])
    return first, whole - first


def _swapped_halves(
    stacked: NDArray[np.float64], split: NDArray[np.float64], flags: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same with labels exchanged where flagged: one product moves what changes sides."""
    n_documents = stacked.shape[1]
    flat = stacked.reshape(2, n_documents, -1)
    difference = flat[1] - flat[0]
    sides = []
    for half in (split, 1.0 - split):
        shape = (flags.shape[0], split.shape[0], *stacked.shape[2:])
        moved = ((flags[:, None, :] * half).reshape(-1, n_documents) @ difference).reshape(shape)
        kept = np.matmul(half, flat).reshape(2, 1, split.shape[0], *stacked.shape[2:])
        sides.append(np.stack([kept[0] + moved, kept[1] - moved]))
    return sides[0], sides[1]


def halved_correlations(
    first: NDArray[np.float64], second: NDArray[np.float64], reach: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numerator c_h and denominator of each resample and head, each (R, n_heads)."""
    shape = first.shape[1:]
    halves = np.stack([first[0], second[0], first[1], second[1]]).reshape(4, -1, *shape[2:])
    ranks = _unit_ranks(halves, reach).reshape(4, *shape[:2], shape[2] - 1, shape[3])
    first, first_other, shared, shared_other = ranks

    def correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return _mean_of_defined(np.einsum("rshc,rshc->rsh", x, y))

    across = (correlation(first, shared_other) + correlation(first_other, shared)) / 2
    within_first = np.maximum(correlation(first, first_other), 0.0)
    within_second = np.maximum(correlation(shared, shared_other), 0.0)
    return across, np.sqrt(within_first * within_second)


def _mean_of_defined(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the second axis, (R, S, n_heads) to (R, n_heads), leaving out what has no correlation."""
    mean: NDArray[np.float64] = correlations.mean(axis=1)
    if np.isnan(mean).any():
        defined = ~np.isnan(correlations)
        number = defined.sum(axis=1)
        total = np.where(defined, correlations, 0.0).sum(axis=1)
        np.divide(total, number, out=mean, where=np.isnan(mean) & (number > 0))
    return mean


def ratio_of_means(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    ceiling = denominator.mean(axis=1)
    ratio = np.full(ceiling.shape, np.nan)
    np.divide(numerator.mean(axis=1), ceiling, out=ratio, where=ceiling > 0)
    return ratio


def _unit_ranks(summed: NDArray[np.float64], reach: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Centred mid-ranks of unit length, whose inner products are Spearman correlations.

    Args:
        summed: Profiles to be compared with each other along the first axis, shape (P, M, n_heads +
            1, context), counts last.
        reach: Distances that each head can see, shape (n_heads, context); None: all.

    Returns:
        Shape (P, M, n_heads, context); zero at distances that not all P have seen or that the head cannot
        see, NaN for constant profiles and for fewer than three distances.
    """
    sums, counts = summed[:, :, :-1], summed[:, :, -1:]
    # Differences of sums leave rounding errors where a half has seen nothing.
    seen = np.all(counts > 1e-9, axis=0)
    if reach is not None:
        seen = seen & reach
    number = seen.sum(axis=-1, keepdims=True)
    profile = np.where(seen, sums / np.where(seen, counts, 1.0), np.inf)
    order = np.argsort(profile, axis=-1)
    ordered = np.take_along_axis(profile, order, axis=-1)
    ranks = np.empty(profile.shape)
    context = profile.shape[-1]
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1.0, context + 1), ranks.shape), -1)
    tied = np.any((ordered[..., 1:] == ordered[..., :-1]) & np.isfinite(ordered[..., 1:]), axis=-1)
    if np.any(tied):
        # Ties are rare (attention that underflows to zero), their mid-ranks slow.
        ranks[tied] = rankdata(profile[tied], axis=-1)
    centred = np.where(seen, ranks - (number + 1) / 2, 0.0)
    length = np.sqrt(np.einsum("...c,...c->...", centred, centred))[..., None]
    length = np.where((length > 0) & (number >= 3), length, np.nan)
    return np.asarray(centred / length)
