"""Attention profiles: where a head looks, summed per document so that resamples are one product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.records.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class AttentionProfiles:
    """Attention of one condition, summed per document."""

    sums: NDArray[np.float64]
    """Summed attention over relative distance, shape (n_documents, n_heads, context)."""
    counts: NDArray[np.float64]
    """Queries with so many tokens before them, shape (n_documents, context)."""
    reach: NDArray[np.bool_] | None = None
    """Distances that each head can see, shape (n_heads, context); None: all."""


def attention_profiles(
    attention: FloatArray,
    index: IntArray,
    documents: IntArray,
    document_order: IntArray,
    windows: IntArray | None = None,
) -> AttentionProfiles:
    """Sum attention per document over relative distance: query index minus key index, 0 for the query itself.

    Args:
        attention: Shape (n_positions, n_heads, context).
        index: Position of each query in its block, shape (n_positions,); no key beyond it is visible.
        documents: Document of each query, shape (n_positions,).
        document_order: The distinct documents that are the rows of the result, shape (n_documents,);
            the same for both conditions. One without queries keeps a row of zeros.
        windows: Keys that a query of each head sees at most, itself included, shape (n_heads,); None: all.

    Returns:
        Sums, counts and reach.

    Raises:
        ValueError: If shapes do not fit, an index lies outside the context, or a document is not in
            the order.
    """
    values = np.asarray(attention)
    if values.ndim != 3:
        raise ValueError(f"attention must have shape (n_positions, n_heads, context), got {values.shape}")
    n, n_heads, context = values.shape
    queries, rows = np.asarray(index), np.asarray(documents)
    if queries.shape != (n,) or rows.shape != (n,):
        raise ValueError(f"index and documents must have shape ({n},)")
    if n and (queries.min() < 0 or queries.max() >= context):
        raise ValueError(f"index must lie from 0 to {context - 1}")
    seen = np.full(n_heads, context) if windows is None else np.asarray(windows)
    if seen.shape != (n_heads,) or np.any(seen < 1):
        raise ValueError(f"windows must be {n_heads} positive numbers, got {seen}")
    order = np.asarray(document_order)
    unique, place = np.unique(order, return_inverse=True)
    if unique.size != order.size or not np.all(np.isin(rows, unique)):
        raise ValueError("document_order must hold every document exactly once")
    position = np.empty(order.size, dtype=np.int64)
    position[place] = np.arange(order.size)
    target = position[np.searchsorted(unique, rows)]
    sums = np.zeros((order.size, n_heads, context))
    counts = np.zeros((order.size, context))
    for row in range(n):
        last = int(queries[row]) + 1
        sums[target[row], :, :last] += values[row, :, last - 1 :: -1]
        counts[target[row], :last] += 1.0
    reach = np.arange(context) < seen[:, None]
    if reach.all():
        return AttentionProfiles(sums, counts)
    return AttentionProfiles(np.where(reach, sums, 0.0), counts, reach)
