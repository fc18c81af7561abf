"""Modularity over resamples that share their partitions, so that none differs by the luck of a search.

The largest Q that a few restarts find is the true maximum less some luck. A jackknife multiplies the noise of
that luck: leaving out one of D documents at a time, the standard error of Q came out 3 to 4 times too large
with 3 restarts, and 1.2 times with 30. Here every partition found in any resample is tried in all, and the
largest Q counts: what is left is how Q responds to the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.compiled import compiled
from hypotest.estimators.information import copula_graphs
from hypotest.estimators.louvain import quality
from hypotest.estimators.modularity import graph_communities
from hypotest.estimators.ranks import RankOrder
from hypotest.estimators.rows import document_columns, finite_activations
from hypotest.records.evidence import FloatArray, IntArray


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
            `hypotest.estimators.modularity.graph_communities`.

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
    found = graph_communities(graphs, resolution=resolution, **settings)
    defined = np.isfinite(found.modularity)
    if defined.any():
        shared = np.unique(found.membership[defined], axis=0)
        result[drawn[defined]] = _largest(graphs[defined], shared, float(resolution))
    return result


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
