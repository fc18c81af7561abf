"""Routing similarity where types are a sample too: halves that share neither documents nor types.

The noise ceiling of `hypotest.estimators.routing` splits documents. Where attention differs from type to
type, both halves of a condition then have the same types and agree in what is peculiar to them, while first
and common profiles have no type in common: the ceiling is too high, and similarity falls below 1 although
nothing but the sample of types differs. In simulation a two-way test at 5 % rejected up to 30 % of true nulls
for that reason (with document errors 96 %). Here a half is a half of the documents *and* of the types. Each
halving gives two pairs: first documents with first types against second with second, and first with second
against second with first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.profiles import attention_profiles
from hypotest.estimators.routing import (
    halved_correlations,
    halvings,
    ratio_of_means,
    resampled_halves,
    stacked_profiles,
)
from hypotest.records.arrays import FloatArray, IntArray

BoolArray = NDArray[np.bool_]


def crossed_halvings(
    documents: IntArray, types: IntArray, n_halvings: int, rng: np.random.Generator
) -> tuple[BoolArray, BoolArray]:
    """Random halves of the documents, and of the types.

    Args:
        documents: Document of each row, any integers, shape (n_rows,).
        types: Target type of each.
        n_halvings: How many.
        rng: Source of randomness.

    Returns:
        Whether each row's document, and whether its type, is in the first half; both (n_halvings, n_rows).

    Raises:
        ValueError: If there are fewer than two documents or types, or no halving.
    """
    found = []
    for units in (documents, types):
        distinct, codes = np.unique(units, return_inverse=True)
        found.append(halvings(distinct.size, n_halvings, rng)[:, codes])
    return found[0], found[1]


def crossed_similarity(
    attention: FloatArray,
    indices: IntArray,
    first: BoolArray,
    units: IntArray,
    weights: FloatArray | IntArray,
    halves: tuple[BoolArray, BoolArray],
    windows: IntArray | None = None,
) -> NDArray[np.float64]:
    """Similarity as a share of the noise ceiling, with units of any factor drawn or left out.

    Args:
        attention: At each row's query, shape (n_rows, n_heads, context).
        indices: Place of the query in its block, shape (n_rows,).
        first: Rows of the first condition; the others are of the second.
        units: Unit of each row, 0 to n_units - 1.
        weights: How often each unit counts, shape (n_resamples, n_units); one row of ones gives the estimate.
        halves: From `crossed_halvings`, the same for all resamples.
        windows: Keys that a query of each head sees at most, shape (n_heads,).

    Returns:
        Shape (n_resamples,); NaN as in `hypotest.estimators.routing.routing_similarity_resamples`.

    Raises:
        ValueError: If shapes do not fit.
    """
    counts = np.asarray(weights, dtype=np.float64)
    owner, mask = np.asarray(units), np.asarray(first)
    n_units = counts.shape[1]
    if owner.shape != mask.shape or owner.min(initial=0) < 0 or owner.max(initial=-1) >= n_units:
        raise ValueError(f"units must be one for each row, from 0 to {n_units - 1}")
    by_document, by_type = halves
    one, other, reach = [], [], None
    for one_half, types_half in zip(by_document, by_type, strict=True):
        for agree in (True, False):
            # In the pair, a row belongs to a half if its document and its type do (or its type does not).
            inside = (one_half == types_half) == agree
            order = np.arange(2 * n_units)
            profiles = [
                attention_profiles(
                    attention[rows], indices[rows], owner[rows] + n_units * one_half[rows], order, windows
                )
                for rows in (inside & mask, inside & ~mask)
            ]
            reach = profiles[0].reach
            split = np.atleast_2d(order < n_units).astype(np.float64)
            parts = resampled_halves(stacked_profiles(*profiles), split, np.tile(counts, 2))
            one.append(parts[0])
            other.append(parts[1])
    numerator, ceiling = halved_correlations(
        np.concatenate(one, axis=2), np.concatenate(other, axis=2), reach
    )
    return ratio_of_means(numerator, ceiling)
