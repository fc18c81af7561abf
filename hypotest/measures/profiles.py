"""Attention profiles: where a head looks, summed per document so that resamples are one product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence import FloatArray, IntArray

Over = Literal["distance", "key"]


@dataclass(frozen=True, slots=True, eq=False)
class AttentionProfiles:
    """Attention of one condition, summed per document."""

    sums: NDArray[np.float64]
    """Summed attention, shape (n_documents, n_heads, context); last axis: distance or key."""
    counts: NDArray[np.float64]
    """Queries that could see each distance or key, shape (n_documents, context)."""


def attention_profiles(
    attention: FloatArray,
    index: IntArray,
    documents: IntArray,
    document_order: IntArray,
    over: Over = "distance",
) -> AttentionProfiles:
    """Sum attention per document over relative distance or key position.

    Args:
        attention: Shape (n_positions, n_heads, context).
        index: Position of each query in its block, shape (n_positions,); keys 0 to `index` are
            visible.
        documents: Document of each query, shape (n_positions,).
        document_order: The distinct documents that are the rows of the result, shape (n_documents,);
            the same for both conditions. One without queries keeps a row of zeros.
        over: ``distance``: query index minus key index, 0 for the query itself; or ``key``.

    Returns:
        Sums and counts.

    Raises:
        ValueError: If shapes do not fit, an index lies outside the context, or a document is not in
            the order.
    """
    values = np.asarray(attention)
    if values.ndim != 3 or over not in ("distance", "key"):
        raise ValueError(
            "attention must have shape (n_positions, n_heads, context) and over be 'distance' or "
            f"'key', got {values.shape} and {over!r}"
        )
    n, n_heads, context = values.shape
    queries, rows = np.asarray(index), np.asarray(documents)
    if queries.shape != (n,) or rows.shape != (n,):
        raise ValueError(f"index and documents must have shape ({n},)")
    if n and (queries.min() < 0 or queries.max() >= context):
        raise ValueError(f"index must lie from 0 to {context - 1}")
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
        seen = values[row, :, :last]
        sums[target[row], :, :last] += seen[:, ::-1] if over == "distance" else seen
        counts[target[row], :last] += 1.0
    return AttentionProfiles(sums=sums, counts=counts)
