"""Mid-ranks of the same columns under many sets of weights: sorted once, then one pass for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankOrder"]

_NO_TABLE = np.empty(0)
_SETS = 16
"""Of weights that are gone through at once: their tables of scores stay in the cache."""


class RankOrder:
    """Columns sorted once, to be ranked under any repeat counts of their rows.

    The mid-rank of a row is the weight of the rows below it, plus half of the weight tied with it, plus 1/2.
    """

    def __init__(self, columns: NDArray[np.float64]) -> None:
        """Sort.

        Args:
            columns: Shape (n, k), finite.
        """
        values = np.ascontiguousarray(columns.T)
        self.size, self.n = values.shape
        order = np.argsort(values, axis=1)
        ordered = np.take_along_axis(values, order, axis=1)
        self._order = order.astype(np.uint16 if self.n <= 2**16 else np.int32)  # small ones stay in the cache
        alike = np.zeros((self.size, self.n + 1), dtype=bool)  # whether a value is that of the one before
        np.equal(ordered[:, 1:], ordered[:, :-1], out=alike[:, 1:-1])
        owner, first = np.nonzero(alike[:, 1:] & ~alike[:, :-1])
        _, last = np.nonzero(alike[:, :-1] & ~alike[:, 1:])
        self._runs = np.stack([first, last + 1], axis=1)
        self._first_run = np.searchsorted(owner, np.arange(self.size + 1))

    def twice_mid_ranks(
        self,
        columns: NDArray[np.int64],
        weights: NDArray[Any],
        table: Callable[[int], NDArray[np.float64]] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Twice the weight below each row plus the weight tied with it, where rows have weight.

        Args:
            columns: Which columns, other ones for each set of weights, shape (n_sets, k).
            weights: Not negative, shape (n_sets, n); whole where there is a table.
            table: Given a set's total weight, what stands for each number from 0 to twice as much, instead
                of the number.

        Returns:
            Ranks, shape (n_sets, k, m), where m is the largest number of rows with weight in a set: between 0
            and twice the total weight, in the order of the rows. And the weights that are not zero, shape
            (n_sets, m). A set with fewer rows ends in zeros, in both.
        """
        from hypotest.estimators.mid_ranks import fill_twice_mid_ranks  # numba takes a while to import

        weights = np.asarray(weights, dtype=np.float64)
        present = weights > 0
        counts = np.count_nonzero(present, axis=1)
        n_places = int(counts.max(initial=0))
        kept = np.zeros((len(weights), n_places))
        ranks = np.zeros((*columns.shape, n_places))
        for number, count in enumerate(counts.tolist()):
            own = weights[number]
            place = np.where(present[number], np.cumsum(present[number], dtype=np.int32) - 1, count)
            kept[number, :count] = own[present[number]]
            fill_twice_mid_ranks(
                self._order,
                self._runs,
                self._first_run,
                columns[number],
                own,
                place.astype(np.int32),
                count,
                _NO_TABLE if table is None else table(int(own.sum())),
                ranks[number],
            )
        return ranks, kept

    def information_graphs(
        self, columns: NDArray[np.int64], weights: NDArray[Any], table: Callable[[int], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Mutual information of every pair of columns under a Gaussian copula, for each set of weights.

        Args:
            columns: As in `twice_mid_ranks`.
            weights: Whole, not negative, shape (n_sets, n).
            table: As there: the score of each twice-mid-rank.

        Returns:
            Nats, shape (n_sets, k, k), exactly symmetric, zero diagonal; 0 for columns that do not vary, and
            where nothing has weight.

        Raises:
            ValueError: If a weight is negative or not whole.
        """
        from hypotest.estimators.mid_ranks import score_graphs

        counts = np.asarray(weights)
        if counts.dtype.kind not in "iub":
            counts = counts.astype(np.int64)
        if np.any(counts != weights) or counts.min(initial=0) < 0:
            raise ValueError("weights must be whole numbers of at least 0: how often each row counts")
        graphs = np.empty((len(counts), columns.shape[1], columns.shape[1]))
        for start in range(0, len(counts), _SETS):
            rows = slice(start, start + _SETS)
            own = np.ascontiguousarray(counts[rows], dtype=np.int64)
            totals = own.sum(axis=1)
            tables = np.zeros((len(own), 2 * int(totals.max()) + 1))
            for filled, total in zip(tables, totals.tolist(), strict=True):
                filled[: 2 * total + 1] = table(total)
            chosen = np.ascontiguousarray(columns[rows], dtype=np.int64)
            graphs[rows] = score_graphs(self._order, self._runs, self._first_run, chosen, own, tables)
        return graphs
