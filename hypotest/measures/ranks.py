"""Mid-ranks of the same columns under many sets of weights: sorted once, then one pass for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RankOrder"]


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
        self._order = order.astype(np.int32)
        self._tied = np.zeros(values.shape, dtype=bool)
        np.equal(ordered[:, 1:], ordered[:, :-1], out=self._tied[:, 1:])
        self._ties = self._tied.any(axis=1)

    def twice_mid_ranks(
        self, columns: NDArray[np.int64], weights: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Twice the weight below each row plus the weight tied with it, where rows have weight.

        Args:
            columns: Which columns, other ones for each set of weights, shape (n_sets, k).
            weights: Not negative, shape (n_sets, n).

        Returns:
            Ranks, shape (n_sets, k, m), where m is the largest number of rows with weight in a set: between 0
            and twice the total weight, in the type and in the order of the weights. And the weights that are
            not zero, shape (n_sets, m). A set with fewer rows ends in zeros, in both.
        """
        from hypotest.measures.mid_ranks import fill_twice_mid_ranks  # numba takes a while to import

        present = weights > 0
        counts = np.count_nonzero(present, axis=1)
        n_places = int(counts.max(initial=0))
        place = np.where(present, np.cumsum(present, axis=1, dtype=np.int32) - 1, n_places).astype(np.int32)
        kept = np.zeros((len(weights), n_places), dtype=weights.dtype)
        kept[np.arange(kept.shape[1]) < counts[:, None]] = weights[present]
        ranks = np.zeros((*columns.shape, kept.shape[1]), dtype=weights.dtype)
        fill_twice_mid_ranks(self._order, self._tied, self._ties, columns, weights, place, ranks)
        return ranks, kept
