"""A group's correlations seen from other axes: does its graph depend on which neurons there are?

A rotation mixes the neurons. R C R', rescaled to unit diagonal, has (nearly) the eigenvalues of C, so that a
group is as low-dimensional as before, and no neuron of it is one of before. Correlations of *normal scores*
are rotated, not activations: mixtures of activations are more normal than activations, and follow the loudest
(rejecting 0.19 to 0.22 of true nulls at 0.10 with unequal loudness or ReLU).

All mixtures are alike: they share what every neuron had of its own. Where neurons differ in how much they
share with the others at all, the unrotated graph is the more divided one for that reason alone; see
`hypotest.estimators.graphs.random_directions`, which the tests therefore ask too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.blas import one_blas_thread
from hypotest.records.evidence.arrays import FloatArray


def rotations(size: int, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Orthogonal matrices, uniform (Haar), shape (n_draws, size, size).

    The QR decomposition of normal numbers, with the signs that make it unique.

    References:
        Mezzadri (2007), arXiv:math-ph/0609050.
    """
    q, r = np.linalg.qr(rng.standard_normal((n_draws, size, size)))
    signs = np.where(np.einsum("gii->gi", r) < 0, -1.0, 1.0)
    return np.asarray(q * signs[:, None, :])


def unit_diagonal(covariances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations of covariances, shape (..., k, k) both; variances must be positive."""
    deviations = np.sqrt(np.einsum("...ii->...i", covariances))
    return np.asarray(covariances / (deviations[..., :, None] * deviations[..., None, :]))


def rotated_correlations(
    correlations: FloatArray, n_draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Correlations of as many mixtures of the neurons, at right angles to each other.

    Args:
        correlations: Of normal scores, shape (k, k).
        n_draws: How many.
        rng: Source of the rotations.

    Returns:
        Shape (n_draws, k, k).

    Examples:
        Equal correlations have one large eigenvalue; nothing else can be seen in any direction.

        >>> one = rotated_correlations(np.eye(3), 2, np.random.default_rng(0))
        >>> bool(np.allclose(one, np.eye(3)))
        True
    """
    matrix = np.asarray(correlations, dtype=np.float64)
    with one_blas_thread():
        turned = rotations(len(matrix), n_draws, rng)
        return unit_diagonal(turned @ matrix @ turned.transpose(0, 2, 1))
