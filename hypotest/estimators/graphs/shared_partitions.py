"""Modularity over resamples that share their partitions, so that none differs by the luck of a search.

The largest Q that a few restarts find is the true maximum less some luck, and a jackknife multiplies the
noise of that luck by the root of what is left out in turn: with 3 restarts and single documents and types,
standard errors of Q came out 4 times too large, with 32 groups of each 1.9 times, and 1.2 times with 30
restarts. Here every partition found in any resample is tried in all, and the largest Q counts: what is left
is how Q responds to the rows (1.15 times, with 3 restarts).

The observed Q keeps the luck of its own search, which no resample shows: at 4,096 rows and 3 restarts its SD
was half of the standard error. `search_variance` measures it, to be added.

Imports numba: import it where it is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.compiled import compiled
from hypotest.estimators.graphs.information import copula_graphs
from hypotest.estimators.graphs.louvain import quality
from hypotest.estimators.graphs.modularity import best_modularity, graph_communities
from hypotest.estimators.ranks import RankOrder
from hypotest.estimators.rows import document_columns, finite_activations
from hypotest.records.evidence.arrays import FloatArray, IntArray


def modularity_left_out(
    activations_group: FloatArray,
    units: IntArray,
    weights: FloatArray | IntArray,
    *,
    resolution: float = 1.0,
    **settings: Any,
) -> NDArray[np.float64]:
    """Q of one group over resamples, each the largest over the partitions found in any of them.

    Meant for tens of resamples, such as groups of documents or types that are left out in turn: time and
    memory rise with the square of their number.

    Args:
        activations_group: Activations of the group's neurons, shape (n_positions, k).
        units: What is drawn or left out: the unit of each position, any integers, shape (n_positions,).
        weights: How often each unit counts, whole, shape (n_resamples, n_units); column u belongs to the u-th
            of ``np.unique(units)``.
        resolution: Of Q.
        settings: ``method``, ``restarts`` and ``rng`` of
            `hypotest.estimators.graphs.modularity.graph_communities`.

    Returns:
        Shape (n_resamples,); NaN where nothing was drawn or the graph has no weight.

    Raises:
        ValueError: If an argument is not what it should be.
    """
    values = finite_activations(activations_group)
    columns, counts = document_columns(units, weights)
    if columns.size != values.shape[0]:
        raise ValueError(f"{values.shape[0]} activations but {columns.size} units")
    of_rows = counts[:, columns]
    result = np.full(len(counts), np.nan)
    drawn = np.flatnonzero(of_rows.sum(axis=1) > 0)
    if drawn.size == 0:
        return result
    order = RankOrder(values)
    members = np.broadcast_to(np.arange(order.size), (drawn.size, order.size))
    graphs = copula_graphs(order, members, of_rows[drawn])
    communities = graph_communities(graphs, resolution=resolution, **settings)
    defined = np.isfinite(communities.modularity)
    if defined.any():
        shared = np.unique(communities.membership[defined], axis=0)
        result[drawn[defined]] = _largest(graphs[defined], shared, float(resolution))
    return result


def search_variance(
    information: FloatArray, group: IntArray, *, searches: int = 20, **settings: Any
) -> float:
    """Variance of Q over searches of the same graph, each the best of its restarts.

    Args:
        information: Weights of the layer's graph, shape (n_neurons, n_neurons).
        group: Neuron indices, shape (k,).
        searches: How many, at least 2.
        settings: ``method``, ``resolution``, ``restarts`` and ``rng`` of
            `hypotest.estimators.graphs.modularity.communities`, those of the observed Q.

    Returns:
        0 where every search finds the same, or the graph has no weight.

    Raises:
        ValueError: If an argument is not what it should be.
    """
    if searches < 2:
        raise ValueError(f"a variance needs at least 2 searches, got {searches}")
    groups = np.broadcast_to(np.asarray(group), (searches, len(group)))
    values = best_modularity(information, groups, **settings)
    return float(values.var(ddof=1)) if np.isfinite(values).all() else 0.0


@compiled
def _largest(
    graphs: NDArray[np.float64], partitions: NDArray[np.int64], resolution: float
) -> NDArray[np.float64]:
    """Largest Q of each graph over the partitions."""
    result = np.full(len(graphs), -np.inf)
    for place in range(len(graphs)):
        for partition in partitions:
            result[place] = max(result[place], quality(graphs[place], partition, resolution))
    return result
