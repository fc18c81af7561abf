"""Q of graphs that are put in the place of a group's own, and how many groups exceed theirs.

References:
    See `hypotest.estimators.graphs.rewiring`, `hypotest.estimators.graphs.rotation` and
    `hypotest.estimators.graphs.random_directions` for what is put there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.graphs.modularity import Method, graph_communities
from hypotest.estimators.submatrices import CHUNK_BYTES
from hypotest.records.evidence.arrays import FloatArray

Graphs = Callable[[int, np.random.Generator], NDArray[np.float64]]
"""Gives so many graphs, shape (n, k, k): symmetric, not negative, with zero diagonal."""
_SMALLEST_DIFFERENCE = 1e-12
"""In Q, which has no scale: rounding errors of altering a graph that has no freedom are smaller."""


def altered_modularity(
    graphs: Graphs,
    size: int,
    n_draws: int,
    *,
    method: Method = "louvain",
    resolution: float = 1.0,
    restarts: int = 3,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Q of graphs, maximised as `hypotest.estimators.graphs.modularity.communities` does, in bounded memory.

    Args:
        graphs: Where they come from.
        size: Neurons in each.
        n_draws: How many graphs.
        method: As for the observed Q, like the next two.
        resolution: Of Q.
        restarts: The best of them counts.
        rng: Source of the graphs and of the restarts.

    Returns:
        Shape (n_draws,).
    """
    step = max(1, CHUNK_BYTES // (8 * size**2))
    values = np.empty(n_draws)
    for start in range(0, n_draws, step):
        rows = slice(start, min(start + step, n_draws))
        values[rows] = graph_communities(
            graphs(rows.stop - start, rng), method=method, resolution=resolution, restarts=restarts, rng=rng
        ).modularity
    return values


def share_above_all(observed: FloatArray, draws: FloatArray) -> float:
    """Share of groups whose Q is larger than that of every one of their own altered graphs.

    For random groups: how often the comparison certifies structure where nothing was selected. A tie up to
    rounding, as where a graph has no freedom, is not larger.

    Args:
        observed: Q of each group, shape (n_groups,).
        draws: Q of its altered graphs, shape (n_groups, n_draws).

    Raises:
        ValueError: If there are no groups or no draws, or the shapes do not fit.
    """
    values, altered = np.asarray(observed, dtype=np.float64), np.asarray(draws, dtype=np.float64)
    if values.ndim != 1 or altered.ndim != 2 or len(values) != len(altered) or altered.size == 0:
        raise ValueError(f"need groups and their draws, got shapes {values.shape} and {altered.shape}")
    return float(np.mean(values > altered.max(axis=1) + _SMALLEST_DIFFERENCE))
