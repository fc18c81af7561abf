"""Mid-ranks under weights, compiled: one pass over each sorted column. Used by `hypotest.estimators.ranks`.

For many sets of weights at once, the graphs of the columns' mutual information: nothing but the graphs leaves
the loop, so that it runs in the cache of one core, and beside others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.compiled import compiled

__all__ = ["fill_twice_mid_ranks", "score_graphs"]

_WEIGHT_BITS = np.uint64(32)
_MASK = np.uint64(2**32 - 1)
"""Numbers without sign: an index that could be negative would be looked at twice."""


@compiled
def fill_twice_mid_ranks(
    order: NDArray[Any],
    runs: NDArray[np.int64],
    first_run: NDArray[np.int64],
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
        runs: From where to where in this order values are equal, column after column, shape (n_runs, 2).
        first_run: Where each column's runs begin, and where the last's end, shape (n_columns + 1,).
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
        rows = order[columns[member]]
        below, start = 0.0, 0
        for run in range(first_run[columns[member]], first_run[columns[member] + 1] + 1):
            ends = run == first_run[columns[member] + 1]
            first, last = (n, n) if ends else (runs[run, 0], runs[run, 1])
            for position in range(start, first):
                # No question whether it has weight: half of the time it would be guessed wrongly.
                row = rows[position]
                twice = 2 * below + weights[row]
                filled[place[row]] = table[int(twice)] if looked_up else twice
                below += weights[row]
            weight = 0.0
            for position in range(first, last):
                weight += weights[rows[position]]
            twice = 2 * below + weight
            value = table[int(twice)] if looked_up else twice
            for position in range(first, last):
                filled[place[rows[position]]] = value
            below += weight
            start = last
        for position in range(n_present):
            ranks[member, position] = filled[position]


@compiled
def score_graphs(
    order: NDArray[Any],
    runs: NDArray[np.int64],
    first_run: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.int64],
    tables: NDArray[np.float64],
) -> NDArray[np.float64]:
    """-1/2 log(1 - r^2) of every pair of columns, for each set of weights; r: correlation of their scores.

    Args:
        order: As in `fill_twice_mid_ranks`, like the next two.
        runs: As there.
        first_run: As there.
        columns: Which columns, shape (n_sets, k).
        weights: Whole and below 2^31, shape (n_sets, n).
        tables: The score of each twice-mid-rank, for each set, shape (n_sets, 2 largest total weight + 1).

    Returns:
        Nats, shape (n_sets, k, k), exactly symmetric, zero diagonal; 0 for columns that do not vary.
    """
    n_sets, k = columns.shape
    n = order.shape[1]
    graphs = np.zeros((n_sets, k, k))
    packed = np.empty(n, dtype=np.uint64)  # place and weight of a row: one look-up instead of two
    roots, filled = np.empty(n), np.empty(n + 1)
    scores = np.empty(k * n)
    for number in range(n_sets):
        n_present, total = 0, 0
        for row in range(n):
            weight = weights[number, row]
            packed[row] = (np.uint64(n_present) << _WEIGHT_BITS) | np.uint64(weight)
            roots[n_present] = np.sqrt(weight)
            n_present += weight > 0
            total += weight
        if total == 0:
            continue
        for row in range(n):
            if weights[number, row] == 0:
                packed[row] = np.uint64(n) << _WEIGHT_BITS
        table, root = tables[number], roots[:n_present]
        weighted = scores[: k * n_present].reshape(k, n_present)
        for member in range(k):
            rows = order[columns[number, member]]
            below, start = np.uint64(0), 0
            end_run = first_run[columns[number, member] + 1]
            for run in range(first_run[columns[number, member]], end_run + 1):
                first, last = (n, n) if run == end_run else (runs[run, 0], runs[run, 1])
                for position in range(start, first):
                    both = packed[rows[position]]
                    weight = both & _MASK
                    filled[both >> _WEIGHT_BITS] = table[below + below + weight]
                    below += weight
                tied = np.uint64(0)
                for position in range(first, last):
                    tied += packed[rows[position]] & _MASK
                value = table[below + below + tied]
                for position in range(first, last):
                    filled[packed[rows[position]] >> _WEIGHT_BITS] = value
                below += tied
                start = last
            for position in range(n_present):
                weighted[member, position] = filled[position] * root[position]
        # scores lie around 0, so that the product less the means' is as exact as that of centred scores
        sums = np.dot(weighted, root)
        products = np.dot(weighted, weighted.T)
        at_least_two = max(float(total), 2.0)
        largest = 1.0 - at_least_two**-2.0
        for i in range(k):
            products[i, i] -= sums[i] * sums[i] / total
        graph = graphs[number]
        for i in range(k):
            for j in range(i):
                # rounding leaves some eps^2 of a constant column, not zero
                if min(products[i, i], products[j, j]) > 1e-20 * at_least_two:
                    covariance = products[i, j] - sums[i] * sums[j] / total
                    squared = covariance * covariance / (products[i, i] * products[j, j])
                    graph[i, j] = graph[j, i] = -0.5 * np.log1p(-min(squared, largest))
    return graphs
