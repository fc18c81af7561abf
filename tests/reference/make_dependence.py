"""Mutual information by scikit-learn and scipy, and Spearman's correlation by scipy.

Run from the root of the repository: python -m tests.reference.make_dependence
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import mutual_info_score

from tests.reference import values

LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy")


def copula_information(x: np.ndarray, y: np.ndarray) -> float:
    """Entropies of a normal pair with the correlation of the normal scores of tie-free samples."""
    scores = [stats.norm.ppf(np.asarray(stats.mstats.plotting_positions(v, 0.5, 0.5))) for v in (x, y)]
    r = stats.pearsonr(*scores).statistic
    pair = stats.multivariate_normal(cov=[[1, r], [r, 1]])
    return float(2 * stats.norm.entropy() - pair.entropy())


def cases() -> list[values.Case]:
    """Activations with the information of every pair, and attention profiles."""
    rng = np.random.default_rng(13)
    made: list[values.Case] = []
    for n, bins in [(48, 8), (60, 5)]:
        shared = rng.normal(size=(n, 1))
        activations = np.round(shared * [0, 0.5, 1, -2] + rng.normal(size=(n, 4)), 5)
        assert all(len(set(column)) == n for column in activations.T)
        labels = [pd.qcut(column, bins, labels=False) for column in activations.T]
        pairs = [(i, j) for i in range(4) for j in range(i)]
        made.append(
            {
                "kind": "information",
                "activations": activations.tolist(),
                "n_bins": bins,
                "pairs": pairs,
                "binned": [float(mutual_info_score(labels[i], labels[j])) for i, j in pairs],
                "copula": [copula_information(activations[:, i], activations[:, j]) for i, j in pairs],
            }
        )
    profiles = rng.integers(0, 9, (2, 5, 12))
    made.append(
        {
            "kind": "routing",
            "rare": profiles[0].tolist(),
            "common": profiles[1].tolist(),
            "spearman": [float(stats.spearmanr(a, b).statistic) for a, b in zip(*profiles, strict=True)],
        }
    )
    return made


if __name__ == "__main__":
    values.write("dependence", LIBRARIES, cases)
