"""Covariances and correlations of neurons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.products import products_of_pairs
from hypotest.estimators.rows import finite_activations
from hypotest.estimators.submatrices import symmetric_matrix
from hypotest.records.evidence.arrays import FloatArray


def covariance(activations: FloatArray) -> NDArray[np.float64]:
    """Covariance of neurons over positions, with denominator n - 1.

    Args:
        activations: Shape (n_positions, n_neurons), at least two positions.

    Returns:
        Shape (n_neurons, n_neurons), exactly symmetric.

    Raises:
        ValueError: If there are fewer than two positions, or a value is not finite.

    Examples:
        >>> covariance(np.array([[0.0, 0.0], [2.0, 4.0]])).tolist()
        [[2.0, 4.0], [4.0, 8.0]]
    """
    values = finite_activations(activations)
    centred = values - values.mean(axis=0)
    freedom = values.shape[0] - 1

    def finish(block: NDArray[np.float64], rows: slice, columns: slice) -> None:
        block /= freedom

    return products_of_pairs(centred.T, finish)


def correlation(covariance: FloatArray) -> NDArray[np.float64]:
    """Correlation matrix, so that one loud neuron does not decide.

    Args:
        covariance: Shape (n_neurons, n_neurons).

    Returns:
        Shape (n_neurons, n_neurons). A neuron that never varies has a row and a diagonal of zero:
        it adds no direction, as in the covariance.

    Raises:
        ValueError: If the matrix is not square, finite and symmetric.
    """
    matrix = symmetric_matrix(covariance, "covariance")
    return np.asarray(stacked_correlations(matrix[None])[0])


def stacked_correlations(
    covariances: NDArray[np.float64], least: FloatArray | float = 0.0
) -> NDArray[np.float64]:
    """Correlation matrices of a stack of covariances.

    Args:
        covariances: Shape (n, k, k).
        least: Variance up to which a neuron counts as one that never varies, a number or shape (k,).

    Returns:
        Shape (n, k, k). As in `correlation`, a neuron that never varies has a row and a diagonal of zero.
    """
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    varies = variances > least
    inverse = np.divide(1.0, np.sqrt(np.maximum(variances, 0.0)), out=np.zeros_like(variances), where=varies)
    result = covariances * inverse[:, :, None] * inverse[:, None, :]
    places = np.arange(variances.shape[1])
    result[:, places, places] = varies
    return np.asarray(result)
