"""At most so many rows of each document and of each target type, so that no few of them carry the result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hypotest.records.arrays import IntArray


def capped_rows(
    units: Sequence[IntArray], limits: Sequence[int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """A random set of rows with at most a declared number from each unit of each factor.

    Rows are gone through in random order; one is kept if none of its units is full. Nothing can be added to
    the set: every row that was left out shares a full unit with those kept.

    Args:
        units: For each factor (documents, types) the unit of each row, any integers, each ``(n_rows,)``.
        limits: For each factor the most rows that one unit may have.
        rng: Equal generators keep the same rows.

    Returns:
        The rows that are kept, ascending.

    Raises:
        ValueError: If there is no factor, lengths differ or a limit is below 1.

    Examples:
        >>> documents, types = np.array([0, 0, 0, 1]), np.array([5, 5, 6, 5])
        >>> kept = capped_rows([documents, types], [2, 1], np.random.default_rng(0))
        >>> len(kept), 2 in kept  # one row of type 5, and the only one of type 6
        (2, True)
    """
    if not units or len(units) != len(limits) or any(limit < 1 for limit in limits):
        raise ValueError(
            f"each factor needs a limit of at least 1, found {len(units)} factors with {list(limits)}"
        )
    if any(np.shape(factor) != np.shape(units[0]) or np.ndim(factor) != 1 for factor in units):
        raise ValueError(
            f"factors must be vectors of one length, found shapes {[np.shape(item) for item in units]}"
        )
    codes = [np.unique(factor, return_inverse=True)[1].tolist() for factor in units]
    room = [[limit] * (max(factor, default=-1) + 1) for factor, limit in zip(codes, limits, strict=True)]
    kept = []
    for row in rng.permutation(len(codes[0])).tolist():
        if all(left[factor[row]] > 0 for left, factor in zip(room, codes, strict=True)):
            kept.append(row)
            for left, factor in zip(room, codes, strict=True):
                left[factor[row]] -= 1
    return np.sort(np.asarray(kept, dtype=np.int64))
