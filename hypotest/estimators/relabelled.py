"""Measures under shuffled labels: in each draw another group, on other positions.

A token type that is peculiar in one split is peculiar in the other. When labels are shuffled over types,
the positions on which a group is measured must therefore be relabelled together with those on which it was
selected; with the evaluation split left as it is, peculiar types reject far too often. So no layer statistic
can be computed once: row i of a batch pairs group i with the positions that draw i labels as the
first condition. All functions are for groups of one size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.blas import one_blas_thread
from hypotest.estimators.covariances import stacked_correlations
from hypotest.estimators.dimension import Scale, interpolated_dimension
from hypotest.estimators.graphs.information import binned_information, copula_graphs
from hypotest.estimators.graphs.modularity import Method, graph_communities
from hypotest.estimators.ranks import RankOrder
from hypotest.estimators.rows import finite_activations
from hypotest.estimators.submatrices import CHUNK_BYTES, checked_groups
from hypotest.records.evidence.arrays import FloatArray, IntArray


def effective_dimension_relabelled(
    activations: FloatArray,
    groups: IntArray,
    labelled: NDArray[np.bool_],
    variance: float = 0.95,
    scale: Scale = "covariance",
) -> NDArray[np.float64]:
    """Interpolated dimension of each group on the positions that its own draw labels.

    Args:
        activations: Shape (n_positions, n_neurons).
        groups: A group per draw, shape (n_draws, k).
        labelled: Positions to measure on, shape (n_draws, n_positions).
        variance: Share of the variance, between 0 and 1.
        scale: Of which matrix: covariance or correlation.

    Returns:
        Shape (n_draws,); NaN where fewer than two positions are labelled or nothing varies.

    Raises:
        ValueError: If shapes do not fit.
    """
    result = np.full(len(groups), np.nan)
    with one_blas_thread():
        for rows, covariances in _covariances(activations, groups, labelled):
            matrices = stacked_correlations(covariances) if scale == "correlation" else covariances
            eigenvalues = np.maximum(np.linalg.eigvalsh(matrices)[:, ::-1], 0.0)
            result[rows] = interpolated_dimension(eigenvalues, variance)
    return result


def participation_ratio_relabelled(
    activations: FloatArray,
    groups: IntArray,
    labelled: NDArray[np.bool_],
    scale: Scale = "covariance",
) -> NDArray[np.float64]:
    """Participation ratio, trace(C)^2 / trace(C^2), of each group on the positions that its own draw labels.

    Arguments, result and errors are those of `effective_dimension_relabelled`.
    """
    result = np.full(len(groups), np.nan)
    for rows, covariances in _covariances(activations, groups, labelled):
        matrices = stacked_correlations(covariances) if scale == "correlation" else covariances
        trace = np.trace(matrices, axis1=1, axis2=2)
        square = np.einsum("gij,gij->g", matrices, matrices)
        np.divide(trace**2, square, out=trace, where=square > 0)
        result[rows] = np.where(square > 0, trace, np.nan)
    return result


def modularity_relabelled(
    activations: FloatArray,
    groups: IntArray,
    labelled: NDArray[np.bool_],
    *,
    estimator: str = "gaussian_copula",
    bins: int = 8,
    method: Method = "louvain",
    resolution: float = 1.0,
    restarts: int = 3,
    order: RankOrder | None = None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Q of each group on the positions that its own draw labels.

    Args:
        activations: Shape (n_positions, n_neurons).
        groups: A group per draw, shape (n_draws, k).
        labelled: Positions to measure on, shape (n_draws, n_positions).
        estimator: Of mutual information: ``gaussian_copula`` or ``binned``.
        bins: Of ``binned``.
        method: As in `hypotest.estimators.graphs.modularity.communities`.
        resolution: As there.
        restarts: As there.
        order: Of the activations, for ``gaussian_copula`` alone; spares several calls on the same ones their
            sorting.
        rng: As there.

    Returns:
        Shape (n_draws,); NaN where fewer than two positions are labelled.

    Raises:
        ValueError: If shapes do not fit.
    """
    values, checked = _checked(activations, groups, labelled)
    result = np.full(len(checked), np.nan)
    draws = np.flatnonzero(labelled.sum(axis=1) > 1)
    copula = estimator == "gaussian_copula"
    order = (order or RankOrder(values)) if copula else None
    step = max(1, CHUNK_BYTES // (8 * checked.shape[1] ** 2))
    for start in range(0, draws.size, step):
        rows = draws[start : start + step]
        if order is not None:
            graphs = copula_graphs(order, checked[rows], labelled[rows])
        else:
            graphs = np.stack(
                [binned_information(values[labelled[row]][:, checked[row]], bins) for row in rows]
            )
        communities = graph_communities(
            graphs, method=method, resolution=resolution, restarts=restarts, rng=rng
        )
        result[rows] = communities.modularity
    return result


def _covariances(
    activations: FloatArray, groups: IntArray, labelled: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Draws with two or more labelled positions, and their groups' covariances (n, k, k)."""
    values, checked = _checked(activations, groups, labelled)
    # a covariance is a difference of moments; without the mean no digits are lost in it
    columns = np.ascontiguousarray((values - values.mean(axis=0)).T)
    counts = labelled.sum(axis=1)
    draws = np.flatnonzero(counts > 1)
    step = max(1, CHUNK_BYTES // (8 * checked.shape[1] ** 2))
    for start in range(0, draws.size, step):
        rows = draws[start : start + step]
        covariances = [_covariance(columns, checked[row], np.flatnonzero(labelled[row])) for row in rows]
        yield rows, np.stack(covariances)


def _covariance(
    columns: NDArray[np.float64], group: NDArray[np.int64], positions: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of some neurons at some positions, shape (k, k)."""
    # `take` lets other threads go on, which indexing does not
    chosen = columns.ravel().take(group[:, None] * columns.shape[1] + positions)
    total = chosen.sum(axis=1)
    moment = chosen @ chosen.T
    trace = np.trace(moment)
    moment -= np.outer(total, total) / positions.size
    # identical rows leave rounding errors, not zeros, in a difference of moments
    if np.trace(moment) <= 1e-13 * trace:
        moment[:] = 0.0
    return np.asarray(moment / (positions.size - 1))


def _checked(
    activations: FloatArray, groups: IntArray, labelled: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    values = finite_activations(activations)
    checked = checked_groups(groups, values.shape[1])
    if labelled.dtype != np.bool_ or labelled.shape != (len(checked), len(values)):
        raise ValueError(
            f"labelled must be boolean of shape ({len(checked)}, {len(values)}), one row per group and one "
            f"column per position; found {labelled.dtype} {labelled.shape}"
        )
    return values, checked
