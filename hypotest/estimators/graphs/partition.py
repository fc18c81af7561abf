"""A declared division of units against what their activity shows, and where a group lies in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.attention.concentration import gini
from hypotest.records.evidence.arrays import FloatArray, IntArray

_STARTS = 10
"""Of the k-means behind a spectral clustering."""


def spectral_clusters(weights: FloatArray, n_clusters: int, seed: int) -> NDArray[np.int64]:
    """Cluster the nodes of a graph into a given number of parts.

    k-means of the rows of the leading eigenvectors of D^(-1/2) W D^(-1/2), each of length 1 [1]. The number
    is given: communities of maximal modularity are 4 to 7 where there are two blocks.

    Args:
        weights: Symmetric, not negative, shape (n, n); the diagonal is not used.
        n_clusters: From 1 to n.
        seed: Of k-means.

    Returns:
        Cluster of each node, shape (n,).

    Raises:
        ValueError: If the shapes do not fit, or a weight is negative or not finite.

    References:
        [1] Ng, Jordan & Weiss (2001), On spectral clustering, NIPS 14.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    matrix = np.array(weights, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not 1 <= n_clusters <= len(matrix):
        raise ValueError(
            f"needs a square matrix and up to as many clusters; got {matrix.shape}, {n_clusters}"
        )
    np.fill_diagonal(matrix, 0.0)
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError("weights must be finite and not negative")
    degrees = matrix.sum(axis=1)
    scale = np.divide(1.0, np.sqrt(degrees), out=np.zeros_like(degrees), where=degrees > 0)
    _, vectors = np.linalg.eigh(scale[:, None] * matrix * scale)
    leading = vectors[:, -n_clusters:]
    lengths = np.linalg.norm(leading, axis=1, keepdims=True)
    leading = np.divide(leading, lengths, out=np.zeros_like(leading), where=lengths > 0)
    distinct = len(np.unique(np.round(leading, 12), axis=0))
    with threadpool_limits(limits=1):  # bits do not depend on the number of threads
        means = KMeans(min(n_clusters, distinct), n_init=_STARTS, random_state=seed).fit(leading)
    return np.asarray(means.labels_, dtype=np.int64)


def agreement(clusters: IntArray, parts: IntArray) -> NDArray[np.float64]:
    """Adjusted Rand index: 1 for the same division, 0 on average for one that chance made.

    With n_ij units in cluster i and part j, s the sum of C(n_ij, 2), and a and b those of clusters and parts,
    (s - ab / C(n, 2)) / ((a + b) / 2 - ab / C(n, 2)) [1].

    Args:
        clusters: Of each unit, shape (n,).
        parts: The declared ones, or several such divisions, shape (..., n).

    Returns:
        Shape of the divisions; 1 where both have a single part.

    References:
        [1] Hubert & Arabie (1985), doi:10.1007/BF01908075.

    Examples:
        >>> float(agreement(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1])))
        1.0
    """
    rows = np.atleast_2d(parts)
    _, own = np.unique(clusters, return_inverse=True)
    n_own, n_parts = int(own.max()) + 1, int(rows.max()) + 1
    cells = (own * n_parts + rows) + n_own * n_parts * np.arange(len(rows))[:, None]
    counts = np.bincount(cells.ravel(), minlength=len(rows) * n_own * n_parts)
    table = counts.reshape(len(rows), n_own, n_parts).astype(np.float64)

    def pairs(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((numbers * (numbers - 1) / 2).sum(axis=-1))

    together = pairs(table.reshape(len(rows), -1))
    of_clusters, of_parts = pairs(table.sum(axis=2)), pairs(table.sum(axis=1))
    expected = of_clusters * of_parts / (own.size * (own.size - 1) / 2)
    most = (of_clusters + of_parts) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        adjusted_rand = np.where(most == expected, 1.0, (together - expected) / (most - expected))
    return np.asarray(adjusted_rand.reshape(np.shape(parts)[:-1]))


def permuted_agreement(
    clusters: IntArray, parts: IntArray, n_draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The same with the declared parts dealt out anew over the units, shape (n_draws,)."""
    return agreement(clusters, rng.permuted(np.tile(parts, (n_draws, 1)), axis=1))


def concentration_over_parts(parts: IntArray, groups: IntArray, n_parts: int) -> NDArray[np.float64]:
    """Gini coefficient of the numbers of a group's members in each part.

    1 where all are in one, 0 where each has as many.

    Args:
        parts: Part of each unit, shape (n_units,).
        groups: Shape (n_groups, k).
        n_parts: At least 2.

    Returns:
        Shape (n_groups,).

    Raises:
        ValueError: If there is a single part.

    Examples:
        >>> concentration_over_parts(np.array([0, 0, 1, 1]), np.array([[0, 1], [0, 2]]), 2).tolist()
        [1.0, 0.0]
    """
    if n_parts < 2:
        raise ValueError("concentration needs two parts to differ between; found one")
    members = np.asarray(parts)[groups]
    counts = (members[:, :, None] == np.arange(n_parts)).sum(axis=1)
    return gini(counts.astype(np.float64), n_parts)
