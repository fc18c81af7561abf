"""Bootstrap standard errors by scipy, with one position per document.

Run from the root of the repository: python -m tests.reference.make_bootstrap
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
from scipy import stats

from tests.reference import values

LIBRARIES = ("networkx", "numpy", "scipy")
SHARE = 0.9
MODULES = ({0, 1, 2}, {3, 4, 5})


def interpolated_dimension(*columns: np.ndarray) -> float:
    """Components that hold the share of the variance, by a line through their cumulative shares."""
    eigenvalues = np.linalg.eigvalsh(np.cov(columns))[::-1]
    shares = np.append(0, np.cumsum(eigenvalues) / eigenvalues.sum())
    return float(np.interp(SHARE, shares, np.arange(len(shares))))


def q_of_modules(*columns: np.ndarray) -> float:
    """Q of the two modules in the graph of normal-score information."""
    scores = stats.norm.ppf((stats.rankdata(columns, axis=1) - 0.5) / len(columns[0]))
    weights = -0.5 * np.log1p(-(np.where(np.eye(len(columns)), 0, np.corrcoef(scores)) ** 2))
    return float(nx.community.modularity(nx.from_numpy_array(weights), MODULES))


def case(
    kind: str, columns: list[np.ndarray], statistic: Callable[..., Any], n_resamples: int, seed: int
) -> values.Case:
    """The statistic and its standard error over rows, which are drawn together."""
    bootstrap = stats.bootstrap(
        columns,
        statistic,
        n_resamples=n_resamples,
        paired=len(columns) > 1,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return {
        "kind": kind,
        "columns": [column.tolist() for column in columns],
        "estimate": float(statistic(*columns)),
        "standard_error": float(bootstrap.standard_error),
        "n_resamples": n_resamples,
    }


def cases() -> list[values.Case]:
    """A mean, a contrast, a ratio of sums, an effective dimension and a Q."""
    rng = np.random.default_rng(16)
    skewed = np.round(rng.exponential(size=40), 4)
    group = np.round(skewed + rng.normal(0, 0.5, 40), 4)
    layer = np.round(rng.gamma(2.0, size=50), 4)
    head = np.round(layer * rng.beta(2, 3, 50), 4)
    mixed = np.round((rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5))).T, 4)
    # Two modules so clear that no resample has a better partition.
    modules = np.round(rng.normal(size=(2, 80)).repeat(3, axis=0) * 2 + rng.normal(size=(6, 80)), 4)

    def difference(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return x.mean(axis=axis) - y.mean(axis=axis)

    def ratio(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        return x.sum(axis=axis) / y.sum(axis=axis)

    return [
        case("mean", [skewed], np.mean, 50_000, 1),
        case("contrast", [group, skewed], difference, 50_000, 2),
        case("share", [head, layer], ratio, 50_000, 3),
        case("dimension", list(mixed), interpolated_dimension, 2_000, 4),
        case("modularity", list(modules), q_of_modules, 2_000, 5),
    ]


if __name__ == "__main__":
    values.write("bootstrap", LIBRARIES, cases)
