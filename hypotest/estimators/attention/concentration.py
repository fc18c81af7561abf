"""Concentration of attention: the Gini coefficient of a head over the positions it sees (eq. 7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.products import in_threads
from hypotest.records.evidence.arrays import FloatArray, IntArray

_BLOCK = 1024
"""Rows at a time, which stay in the cache; a fixed number, so that threads change no sum."""


def gini(
    attention: FloatArray, n_visible: IntArray | int, literal: bool = False, first: IntArray | int = 0
) -> NDArray[np.float64]:
    """Gini coefficient of each row over its visible keys.

    With a_(i) the renormalised attention, smallest first, over n visible keys:

        (1 + 1/n - (2/n) sum over i of (n + 1 - i) a_(i)) n / (n - 1)

    which is 0 for uniform attention and 1 for a single key, whatever n. The paper's formula lacks
    the 1/n and the factor: 1 - (2/n) sum (n + 1 - i) a_(i) gives -1/n for uniform attention and
    1 - 2/n for a single key, and so depends on the query's position.

    Args:
        attention: Not negative, shape (..., context).
        n_visible: So many keys are visible, from 1 to context; broadcast against
            ``attention.shape[:-1]``. What lies beyond them is ignored.
        literal: Whether to use the paper's formula.
        first: The first of them, counted from 0; broadcast likewise. More than 0 where a query sees a window
            of the keys before it.

    Returns:
        Shape of ``attention.shape[:-1]``; NaN for rows with a single visible key or no attention.

    Raises:
        ValueError: If `n_visible` or `first` does not fit, or attention is negative or not finite.

    References:
        arXiv:2509.21163, eq. 7.

    Examples:
        Sorted 0.25, 0.75: (1 + 1/2 - (2 * 0.25 + 1 * 0.75)) * 2 = 0.5.

        >>> gini(np.array([[0.75, 0.25, 0.0], [0.5, 0.5, 0.0]]), 2).tolist()
        [0.5, 0.0]
    """
    values = np.asarray(attention)
    if values.ndim < 1 or values.shape[-1] == 0:
        raise ValueError(f"attention must have shape (..., context), got {values.shape}")
    context = values.shape[-1]
    visible = np.asarray(n_visible)
    if not np.issubdtype(visible.dtype, np.integer) or np.any((visible < 1) | (visible > context)):
        raise ValueError(f"n_visible must be whole numbers from 1 to {context}")
    start = np.asarray(first)
    if not np.issubdtype(start.dtype, np.integer) or np.any((start < 0) | (start + visible > context)):
        raise ValueError(f"first must be whole numbers from 0, with n_visible keys up to {context}")
    shape = values.shape[:-1]
    visible, start = (np.broadcast_to(each, shape).ravel() for each in (visible, start))
    rows = values.reshape(-1, context)
    coefficients = np.empty(len(rows))

    def fill(block: slice) -> None:
        coefficients[block] = _of_rows(rows[block], visible[block], start[block], literal)

    in_threads(fill, [slice(first, first + _BLOCK) for first in range(0, len(rows), _BLOCK)])
    return coefficients.reshape(shape)


def _of_rows(attention: FloatArray, visible: IntArray, start: IntArray, literal: bool) -> NDArray[np.float64]:
    values = attention.astype(np.float64)
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        raise ValueError("attention must be finite and not negative")
    n, context = visible.astype(np.float64), values.shape[1]
    # Hidden keys become zeros and sort first, where they add nothing: counted from the largest
    # value, the weights n + 1 - i are the same for every n.
    place = np.arange(context) - start[:, None]
    masked = np.where((place >= 0) & (place < n[:, None]), values, 0.0)
    masked.sort(axis=-1)
    total = masked.sum(axis=-1)
    weighted = masked @ np.arange(context, 0, -1.0)
    share = np.full(total.shape, np.nan)
    np.divide(weighted, total, out=share, where=(total > 0) & (n > 1))
    if literal:
        return np.asarray(1.0 - 2.0 / n * share)
    return np.asarray((1.0 + 1.0 / n - 2.0 / n * share) * n / np.maximum(n - 1.0, 1.0))
