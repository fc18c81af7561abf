"""Effective dimensions by scikit-learn's PCA, and Hill's alpha as scipy's Pareto estimate.

Run from the root of the repository: python -m tests.reference.make_spectra
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, stats
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from tests.reference import values

LIBRARIES = ("numpy", "scikit-learn", "scipy")
SHARES = (0.5, 0.8, 0.9, 0.95, 0.99)


def dimensions(activations: np.ndarray) -> list[int]:
    """Components that PCA keeps for each share of the variance."""
    return [int(PCA(share, svd_solver="full").fit(activations).n_components_) for share in SHARES]


def cases() -> list[values.Case]:
    """Activations with their dimensions, weights with their alpha."""
    rng = np.random.default_rng(11)
    made: list[values.Case] = []
    for n, k in [(40, 6), (25, 10), (8, 12)]:
        mixing = rng.normal(size=(k, k)) * rng.exponential(size=k)
        activations = np.round(rng.normal(size=(n, k)) @ mixing, 3)
        fit = PCA(svd_solver="full").fit(activations)
        made.append(
            {
                "kind": "dimension",
                "activations": activations.tolist(),
                "variance": SHARES,
                "dimension": dimensions(activations),
                "dimension_of_correlations": dimensions(StandardScaler().fit_transform(activations)),
                "shares": fit.explained_variance_ratio_.tolist(),
            }
        )
    for n, d in [(12, 20), (15, 9)]:
        weights = np.round(rng.standard_t(3, size=(n, d)), 3)
        eigenvalues = linalg.svdvals(weights) ** 2 / d
        tail = eigenvalues[eigenvalues >= np.median(eigenvalues)]
        # With place and scale given, the maximum-likelihood shape is k / sum of log(x / scale).
        shape = stats.pareto.fit(tail, floc=0, fscale=tail.min())[0]
        made.append({"kind": "hill", "weights": weights.tolist(), "alpha": float(shape), "k": len(tail)})
    return made


if __name__ == "__main__":
    values.write("spectra", LIBRARIES, cases)
