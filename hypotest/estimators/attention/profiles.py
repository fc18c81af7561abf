"""Attention by distance: how far back from its query a head looks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import FloatArray, IntArray


def by_distance(attention: FloatArray, indices: IntArray) -> NDArray[Any]:
    """Attention over relative distance: query index minus key index, 0 for the query itself.

    Args:
        attention: Shape (n_rows, n_heads, context).
        indices: Place of each query in its block, shape (n_rows,); no key beyond it is visible.

    Returns:
        The same shape and numbers in another order; 0 at distances beyond the start of the block.

    Raises:
        ValueError: If shapes do not fit or an index lies outside the context.
    """
    values, queries = np.asarray(attention), np.asarray(indices)
    if values.ndim != 3 or queries.shape != values.shape[:1]:
        raise ValueError(
            "attention must have shape (n_rows, n_heads, context) and indices one value per row, got "
            f"{values.shape} and {queries.shape}"
        )
    context = values.shape[2]
    if queries.size and (queries.min() < 0 or queries.max() >= context):
        raise ValueError(f"an index must lie from 0 to {context - 1}")
    keys = queries[:, None] - np.arange(context)
    moved = np.take_along_axis(values, np.maximum(keys, 0)[:, None, :], axis=2)
    moved *= (keys >= 0)[:, None, :]
    return moved


def visible_distances(windows: IntArray | None, n_heads: int, context: int) -> NDArray[np.bool_]:
    """Distances that each head can see, shape (n_heads, context).

    Args:
        windows: Keys that a query of each head sees at most, itself included, shape (n_heads,); None: all.
        n_heads: Number of heads.
        context: Tokens of a block.

    Raises:
        ValueError: If there is not one positive window for each head.
    """
    seen = np.full(n_heads, context) if windows is None else np.asarray(windows)
    if seen.shape != (n_heads,) or np.any(seen < 1):
        raise ValueError(f"windows must be {n_heads} positive numbers, got {seen}")
    return np.asarray(np.arange(context) < seen[:, None])
