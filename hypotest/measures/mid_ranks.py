"""Mid-ranks under weights, compiled: one pass over each sorted column. Used by `hypotest.measures.ranks`."""

from __future__ import annotations

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
    weights: NDArray[np.float64],
    place: NDArray[np.int32],
    n_present: int,
    table: NDArray[np.float64],
    ranks: NDArray[np.float64],
) -> None:
    """Write twice the mid-rank of every row with weight, or what a table says of it, to its place.

    Args:
        order: Rows of each column, smallest value first, shape (n_columns, n).
        tied: Whether a row's value is that of the row before it in this order, shape (n_columns, n).
        ties: Whether a column has any such row, shape (n_columns,).
        columns: Which columns, shape (k,).
        weights: Shape (n,); whole where there is a table.
        place: Where the rank of a row goes, shape (n,): `n_present` for rows without weight.
        n_present: Rows with weight, at most m.
        table: What stands for each whole number up to twice the total weight; empty for the ranks themselves.
        ranks: Shape (k, m), of which the first `n_present` columns are filled.
    """
    n = order.shape[1]
    looked_up = len(table) > 0
    filled = np.zeros(n_present + 1)
    for member in range(len(columns)):
        rows, same = order[columns[member]], tied[columns[member]]
        below = 0.0
        if ties[columns[member]]:
            first = 0
            while first < n:
                weight = weights[rows[first]]
                last = first + 1
                while last < n and same[last]:
                    weight += weights[rows[last]]
                    last += 1
                twice = 2 * below + weight
                value = table[int(twice)] if looked_up else twice
                for position in range(first, last):
                    filled[place[rows[position]]] = value
                below += weight
                first = last
        elif looked_up:
            for row in rows:
                # No question whether it has weight: half of the time it would be guessed wrongly.
                filled[place[row]] = table[int(2 * below + weights[row])]
                below += weights[row]
        else:
            for row in rows:
                filled[place[row]] = 2 * below + weights[row]
                below += weights[row]
        for position in range(n_present):
            ranks[member, position] = filled[position]
