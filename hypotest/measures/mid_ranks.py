"""Mid-ranks under weights, compiled: one pass over each sorted column. Used by `hypotest.measures.ranks`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.measures.compiled import compiled

__all__ = ["fill_twice_mid_ranks"]


@compiled
def fill_twice_mid_ranks(
    order: NDArray[np.int32],
    tied: NDArray[np.bool_],
    ties: NDArray[np.bool_],
    columns: NDArray[np.int64],
    weights: NDArray[Any],
    place: NDArray[np.int32],
    ranks: NDArray[Any],
) -> None:
    """Write twice the mid-rank of every row with weight to its place.

    Args:
        order: Rows of each column, smallest value first, shape (n_columns, n).
        tied: Whether a row's value is that of the row before it in this order, shape (n_columns, n).
        ties: Whether a column has any such row, shape (n_columns,).
        columns: Which columns, shape (n_sets, k).
        weights: Shape (n_sets, n).
        place: Where the rank of a row goes, shape (n_sets, n): 0 to m - 1, and m for rows without weight.
        ranks: Shape (n_sets, k, m), filled.
    """
    n_sets, size = columns.shape
    n, n_places = order.shape[1], ranks.shape[2]
    filled = np.empty(n_places + 1, dtype=ranks.dtype)
    for number in range(n_sets):
        weight_of, place_of = weights[number], place[number]
        for member in range(size):
            column = columns[number, member]
            rows, same = order[column], tied[column]
            filled[:] = 0
            below = weight_of[0] - weight_of[0]  # 0 in the type of the weights
            if not ties[column]:
                for row in rows:
                    # No question whether it has weight: half of the time it would be guessed wrongly.
                    filled[place_of[row]] = 2 * below + weight_of[row]
                    below += weight_of[row]
            else:
                first = 0
                while first < n:
                    weight = weight_of[rows[first]]
                    last = first + 1
                    while last < n and same[last]:
                        weight += weight_of[rows[last]]
                        last += 1
                    for position in range(first, last):
                        filled[place_of[rows[position]]] = 2 * below + weight
                    below += weight
                    first = last
            for position in range(n_places):
                ranks[number, member, position] = filled[position]
