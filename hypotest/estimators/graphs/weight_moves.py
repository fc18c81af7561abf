"""Moves of a graph's weights around cycles of four, compiled. Used by `.rewiring`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.compiled import compiled

__all__ = ["exchange"]


@compiled
def exchange(
    values: NDArray[np.float64],
    edge: NDArray[np.int64],
    corners: NDArray[np.int64],
    shares: NDArray[np.float64],
) -> None:
    """Move weight around cycles a-b-c-d, in place: A_ab and A_cd gain what A_bc and A_da lose.

    Args:
        values: Weight of each edge in each draw, shape (n_edges, n_draws).
        edge: Place of the edge between two nodes, shape (k, k).
        corners: Nodes a, b, c, d of the cycles of each step, shape (n_steps, 4, n_cycles).
        shares: How far between what is possible at least and at most, at least 0 and below 1, shape
            (n_steps, n_cycles, n_draws).
    """
    for step in range(corners.shape[0]):
        for cycle in range(corners.shape[2]):
            a, b, c, d = corners[step, :, cycle]
            ab, bc, cd, da = values[edge[a, b]], values[edge[b, c]], values[edge[c, d]], values[edge[d, a]]
            for draw in range(values.shape[1]):
                lowest = min(ab[draw], cd[draw])
                # Shares stay below 1, so that the rounded product is at most the sum before its own
                # rounding, and no weight falls below 0.
                amount = shares[step, cycle, draw] * (lowest + min(bc[draw], da[draw])) - lowest
                ab[draw] += amount
                cd[draw] += amount
                bc[draw] -= amount
                da[draw] -= amount
