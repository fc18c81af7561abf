"""A group's factor model with the neurons' directions drawn at random.

A factor model says how much of each neuron's variance it shares with the others (its communality h2, the
squared length of its loadings) and which mixture of the factors that is (their direction). A module is a
bundle of directions. Here every neuron keeps its communality, the factors together keep their strengths, and
the directions are otherwise at random. Correlations are those of a sample of as many rows.

That the strengths are kept and not only their expectation matters: with coordinates drawn with the variances
of the factors, the strengths of a draw differ more than those that were estimated, its Q is smaller, and with
unequal communalities 0.11 to 0.17 of layers without modules were rejected at 0.05 (k = 24, n = 500; now 0.06
to 0.08). Uniform directions, with all factors equally strong, rejected 0.08 to 0.13 there, and saw modules
under a factor that all share in 0.62 (now in all of 60).

The number of factors is that of the eigenvalues beyond (1 + sqrt(k / n))^2, the edge for unrelated neurons;
communalities are found by iterated principal axes.

References:
    Harman (1976), Modern Factor Analysis, ch. 8 (principal axes). Marchenko & Pastur (1967),
    doi:10.1070/SM1967v001n04ABEH001994. Smith & Hocking (1972), doi:10.2307/2346290 (Wishart variates).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.blas import one_blas_thread
from hypotest.estimators.graphs.rotation import unit_diagonal
from hypotest.records.evidence.arrays import FloatArray

_ITERATIONS = 30
_TURNS = 20
_TINY = 1e-12
_MOST_SHARED = 0.995
"""Largest communality: a neuron that shares everything would leave no noise, and no sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """What the neurons of a group share."""

    communalities: NDArray[np.float64]
    """Share of each neuron's variance that it shares with the others, shape (k,)."""
    strengths: NDArray[np.float64]
    """Variance that each factor explains, summed over neurons, shape (n_factors,)."""


def factors_of(correlations: FloatArray, n_rows: int) -> Factors:
    """Fit the factor model.

    Args:
        correlations: Shape (k, k).
        n_rows: Rows behind them.

    Returns:
        No factor where no eigenvalue lies beyond what unrelated neurons have.
    """
    matrix = np.array(correlations, dtype=np.float64)
    size = len(matrix)
    edge = (1 + np.sqrt(size / n_rows)) ** 2
    with one_blas_thread():
        n_factors = int(np.count_nonzero(np.linalg.eigvalsh(matrix) > edge))
        if n_factors == 0:
            return Factors(np.zeros(size), np.zeros(0))
        shared = (np.abs(matrix) - np.eye(size)).max(axis=0)
        for _ in range(_ITERATIONS):
            np.fill_diagonal(matrix, shared)
            values, vectors = np.linalg.eigh(matrix)
            strengths = np.maximum(values[-n_factors:], 0.0)
            loadings = vectors[:, -n_factors:] * np.sqrt(strengths)
            shared = np.minimum((loadings**2).sum(axis=1), _MOST_SHARED)
    return Factors(shared, strengths)


def with_random_directions(
    factors: Factors, n_rows: int, n_draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Correlations in samples of groups with the same communalities and other directions.

    Args:
        factors: From `factors_of`.
        n_rows: Rows in each sample.
        n_draws: How many groups.
        rng: Source of directions and samples.

    Returns:
        Shape (n_draws, k, k).
    """
    size, n_factors = factors.communalities.size, factors.strengths.size
    expected = np.zeros((n_draws, size, size))
    if n_factors:
        loadings = _loadings(factors, rng.standard_normal((n_draws, size, n_factors)))
        expected += loadings @ loadings.transpose(0, 2, 1)
    np.einsum("gii->gi", expected)[:] = 1.0
    return _sampled(expected, n_rows, rng)


def _loadings(factors: Factors, loadings: NDArray[np.float64]) -> NDArray[np.float64]:
    """With these communalities, exactly, and strengths, nearly, by turns; shape (n_draws, k, n_factors)."""
    lengths = np.sqrt(factors.communalities)[:, None]
    strengths = factors.strengths * factors.communalities.sum() / factors.strengths.sum()
    with one_blas_thread():
        for _ in range(_TURNS):
            squares, axes = np.linalg.eigh(loadings.transpose(0, 2, 1) @ loadings)
            scale = np.sqrt(strengths / np.maximum(squares, _TINY))
            loadings = loadings @ axes * scale[:, None, :]
            loadings *= lengths / np.maximum(np.linalg.norm(loadings, axis=2, keepdims=True), _TINY)
    return loadings


def _sampled(expected: NDArray[np.float64], n_rows: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Correlations in samples of normal rows with the expected ones: Bartlett's decomposition of Wishart.

    With A lower triangular, its diagonal chi of n - 1, n - 2, ... degrees of freedom, normal numbers below,
    and L L' the expected covariance, L A A' L' is distributed as n - 1 times the covariance of n rows. With
    fewer rows than neurons A loses columns.
    """
    n_draws, size, _ = expected.shape
    freedom = n_rows - 1
    triangle = np.zeros((n_draws, size, size))
    rows, columns = np.tril_indices(size, -1)
    triangle[:, rows, columns] = rng.standard_normal((n_draws, rows.size))
    left = np.maximum(freedom - np.arange(size), 0)
    np.einsum("gii->gi", triangle)[:] = np.sqrt(rng.chisquare(np.maximum(left, 1), (n_draws, size)))
    triangle[:, :, left == 0] = 0.0
    with one_blas_thread():
        sample = np.linalg.cholesky(expected) @ triangle
        return unit_diagonal(sample @ sample.transpose(0, 2, 1))
