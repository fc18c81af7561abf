"""Effective dimension: how many independent directions a group's activations use (eq. 4).

With the eigenvalues of the covariance of a group's k neurons as shares of their sum, largest
first, and c_j the sum of the first j, the dimension is the number of directions that hold the
share tau of the variance. What is tested is the interpolated value, since an integer at small k
ties with everything.

A group whose neurons do not vary at all has no dimension: NaN.

References:
    arXiv:2509.21163, eq. 4. Participation ratio: Gao et al. (2017), doi:10.1101/214262.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.blas import one_blas_thread
from hypotest.estimators.covariances import stacked_correlations
from hypotest.estimators.rows import document_columns, finite_activations
from hypotest.estimators.submatrices import (
    CHUNK_BYTES,
    checked_groups,
    layer_matrix,
    stacked_eigenvalues,
    submatrices,
    symmetric_matrix,
)
from hypotest.records.evidence.arrays import FloatArray, IntArray

Scale = Literal["covariance", "correlation"]
"""Of what a dimension is taken. In real models a few loud neurons own the covariance of any group into which
they fall; on a public model of 135 million parameters the choice flips the sign of the effect."""


def eigenvalue_shares(covariance: FloatArray, groups: IntArray) -> NDArray[np.float64]:
    """Eigenvalues of each group's covariance as shares of its trace.

    Args:
        covariance: Shape (n_neurons, n_neurons).
        groups: Neuron indices, shape (n_groups, k).

    Returns:
        Shape (n_groups, k), descending, rows summing to 1; NaN for a group without variance.

    Raises:
        ValueError: If the matrix or the groups are not what they should be.

    Examples:
        >>> eigenvalue_shares(np.diag([1.0, 3.0]), np.array([[0, 1]])).tolist()
        [[0.75, 0.25]]
    """
    return _shares(stacked_eigenvalues(covariance, groups, "covariance"))


def effective_dimension(
    covariance: FloatArray, groups: IntArray, variance: float = 0.95
) -> NDArray[np.float64]:
    """Directions that hold the share `variance`, interpolated between integers.

    j + (tau - c_j) / (c_(j+1) - c_j), where c_j <= tau < c_(j+1).

    Args:
        covariance: Shape (n_neurons, n_neurons).
        groups: Neuron indices, shape (n_groups, k).
        variance: The share tau, between 0 and 1.

    Returns:
        Between 0 and k, shape (n_groups,); NaN for a group without variance.

    Raises:
        ValueError: If the matrix, the groups or `variance` are not what they should be.

    Examples:
        >>> effective_dimension(np.eye(4), np.array([[0, 1, 2, 3]]), variance=0.875).tolist()
        [3.5]
    """
    return interpolated_dimension(stacked_eigenvalues(covariance, groups, "covariance"), variance)


def integer_dimension(
    covariance: FloatArray, groups: IntArray, variance: float = 0.95
) -> NDArray[np.float64]:
    """Smallest number of directions that hold more than the share `variance`.

    Equal to ``sklearn.decomposition.PCA(n_components=variance).n_components_`` (which asks for
    *more than* the share; the two readings of eq. 4 differ only where a share is met exactly).

    Args:
        covariance: Shape (n_neurons, n_neurons).
        groups: Neuron indices, shape (n_groups, k).
        variance: The share, between 0 and 1.

    Returns:
        Whole numbers from 1 to k as floats, shape (n_groups,); NaN for a group without variance.

    Raises:
        ValueError: If the matrix, the groups or `variance` are not what they should be.
    """
    shares = eigenvalue_shares(covariance, groups)
    full = _full_directions(shares, variance)
    return np.where(np.isnan(shares[:, 0]), np.nan, full + 1.0)


def participation_ratio(covariance: FloatArray, groups: IntArray) -> NDArray[np.float64]:
    """1 / sum of squared shares: k for equal eigenvalues, 1 for a single one.

    Args:
        covariance: Shape (n_neurons, n_neurons).
        groups: Neuron indices, shape (n_groups, k).

    Returns:
        Between 1 and k, shape (n_groups,); NaN for a group without variance.

    Raises:
        ValueError: If the matrix or the groups are not what they should be.
    """
    matrix = layer_matrix(covariance, "covariance")
    checked = checked_groups(groups, matrix.shape[0])
    # Sums of eigenvalues and of their squares need no eigenvalues: trace and squared entries.
    trace = np.diag(matrix)[checked].sum(axis=1)
    squares = np.empty(len(checked))
    for rows, stack in submatrices(matrix, checked, "covariance"):
        squares[rows] = np.einsum("gij,gij->g", stack, stack)
    ratio = np.full(checked.shape[0], np.nan)
    np.divide(trace**2, squares, out=ratio, where=squares > 0)
    return ratio


def independent_dimension(
    covariance: FloatArray, groups: IntArray, variance: float = 0.95
) -> NDArray[np.float64]:
    """What `effective_dimension` would be if the same neurons were uncorrelated.

    Args:
        covariance: Shape (n_neurons, n_neurons); only its diagonal is used.
        groups: Neuron indices, shape (n_groups, k).
        variance: The share, between 0 and 1.

    Returns:
        Shape (n_groups,); NaN for a group without variance.

    Raises:
        ValueError: If the matrix, the groups or `variance` are not what they should be.
    """
    matrix = symmetric_matrix(covariance, "covariance")
    variances = np.maximum(np.diag(matrix)[checked_groups(groups, matrix.shape[0])], 0.0)
    return interpolated_dimension(np.sort(variances, axis=1)[:, ::-1], variance)


def effective_dimension_resamples(
    activations_group: FloatArray,
    documents: IntArray,
    weights: FloatArray | IntArray,
    variance: float = 0.95,
    scale: Scale = "covariance",
) -> NDArray[np.float64]:
    """The interpolated dimension of one group over resamples of documents.

    Equal to `effective_dimension` of the activations with each document's rows repeated as often
    as it was drawn. Nothing is repeated: first and second moments are summed per document once, and
    all resamples are one matrix product with them.

    Args:
        activations_group: Activations of the group's neurons, shape (n_positions, k).
        documents: Document of each position, any integers, shape (n_positions,).
        weights: How often each document was drawn, whole or fractional, shape (n_resamples,
            n_documents); column d belongs to the d-th of ``np.unique(documents)``.
        variance: The share, between 0 and 1.
        scale: Of which matrix: the covariance, or the correlation of the drawn rows.

    Returns:
        Shape (n_resamples,); NaN where the drawn rows do not vary.

    Raises:
        ValueError: If shapes do not fit, or a value is not finite or a weight negative.
    """
    values = finite_activations(activations_group)
    columns, counts = document_columns(documents, weights)
    if columns.size != values.shape[0]:
        raise ValueError(f"{values.shape[0]} activations but {columns.size} documents")
    # The covariance is a difference of moments; without the common mean no digits are lost in it.
    values = values - values.mean(axis=0)
    size = values.shape[1]
    size_of_values = float(np.sum(values**2)) / values.shape[0]
    order = np.argsort(columns, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(columns))))
    first = np.empty((starts.size - 1, size))
    second = np.empty((starts.size - 1, size * size))
    for document in range(starts.size - 1):
        rows = values[order[starts[document] : starts[document + 1]]]
        first[document] = rows.sum(axis=0)
        second[document] = (rows.T @ rows).ravel()
    totals = counts @ np.diff(starts)
    result = np.full(counts.shape[0], np.nan)
    step = max(1, CHUNK_BYTES // (8 * size * size))
    with one_blas_thread():
        for start in range(0, counts.shape[0], step):
            chunk = np.flatnonzero(totals[start : start + step] > 0) + start
            if chunk.size == 0:
                continue
            mean = (counts[chunk] @ first) / totals[chunk, None]
            moment = (counts[chunk] @ second).reshape(-1, size, size) / totals[chunk, None, None]
            moment -= mean[:, :, None] * mean[:, None, :]
            # Identical rows leave rounding errors, not zeros, in a difference of moments.
            moment[np.trace(moment, axis1=1, axis2=2) <= 1e-13 * size_of_values] = 0.0
            if scale == "correlation":
                moment = stacked_correlations(moment, 1e-13 * np.square(values).mean(axis=0))
            eigenvalues = np.maximum(np.linalg.eigvalsh(moment)[:, ::-1], 0.0)
            result[chunk] = interpolated_dimension(eigenvalues, variance)
    return result


def interpolated_dimension(eigenvalues: FloatArray, variance: float = 0.95) -> NDArray[np.float64]:
    """Dimension from eigenvalues: j + (tau - c_j) / (c_(j+1) - c_j), where j directions hold at most tau.

    Args:
        eigenvalues: Not negative, largest first, shape (n_groups, k).
        variance: tau, between 0 and 1.

    Returns:
        Shape (n_groups,); NaN where all eigenvalues are zero.

    Raises:
        ValueError: If `variance` is not between 0 and 1.

    Examples:
        >>> interpolated_dimension(np.array([[3.0, 1.0]]), 0.75).tolist()
        [1.0]
    """
    shares = _shares(np.asarray(eigenvalues, dtype=np.float64))
    full = _full_directions(shares, variance)[:, None]
    next_share = np.take_along_axis(shares, full, axis=1)[:, 0]
    held = np.take_along_axis(np.cumsum(shares, axis=1), full, axis=1)[:, 0] - next_share
    return np.asarray(full[:, 0] + (variance - held) / next_share)


def _shares(eigenvalues: NDArray[np.float64]) -> NDArray[np.float64]:
    total = eigenvalues.sum(axis=1, keepdims=True)
    shares = np.full_like(eigenvalues, np.nan)
    np.divide(eigenvalues, total, out=shares, where=total > 0)
    return shares


def _full_directions(shares: NDArray[np.float64], variance: float) -> NDArray[np.int64]:
    """The largest j < k with c_j <= tau."""
    if not 0 < variance < 1:
        raise ValueError(f"variance must lie between 0 and 1, got {variance}")
    held = np.count_nonzero(np.cumsum(shares, axis=1) <= variance, axis=1)
    return np.asarray(np.minimum(held, shares.shape[1] - 1), dtype=np.int64)
