"""P-values, effect sizes and adjusted p-values by scipy, pingouin and statsmodels.

Run from the root of the repository: python -m tests.reference.make_inference
"""

from __future__ import annotations

import numpy as np
import pingouin as pg
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from tests.reference import values

LIBRARIES = ("numpy", "pingouin", "scipy", "statsmodels")
ALTERNATIVES = ("two-sided", "less", "greater")


def randomization(a: np.ndarray, b: np.ndarray, seed: int) -> values.Case:
    """Permutation tests with 199 draws, and with all of them."""

    def difference(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return x.mean(axis=axis) - y.mean(axis=axis)

    drawn, exact = {}, {}
    for alternative in ALTERNATIVES:
        test = stats.permutation_test(
            (a, b), difference, alternative=alternative, n_resamples=199, rng=np.random.default_rng(seed)
        )
        drawn[alternative] = float(test.pvalue)
        every = stats.permutation_test((a, b), difference, alternative=alternative, n_resamples=np.inf)
        exact[alternative] = float(every.pvalue)
    return {
        "kind": "randomization",
        "observed": float(test.statistic),
        "draws": test.null_distribution.tolist(),
        "p_value": drawn,
        "every": every.null_distribution.tolist(),
        "exact_p_value": exact,
    }


def exact_limit(t: float, n: int, tail: float) -> float:
    """The standardised difference under which t, with n - 1 degrees of freedom, has this cdf."""
    root = np.sqrt(n)
    near = t / root - 1.5, t / root + 1.5  # far from t the noncentral distribution has no value
    return float(optimize.brentq(lambda delta: stats.nct.cdf(t, n - 1, delta * root) - tail, *near))


def paired(a: np.ndarray, b: np.ndarray, bound: float, margin: tuple[float, float]) -> values.Case:
    """Equivalence and effect size of pairs."""
    t, n = float(stats.ttest_rel(a, b).statistic), len(a)
    return {
        "kind": "paired",
        "a": a.tolist(),
        "b": b.tolist(),
        "p_value": float(stats.ttest_rel(a, b).pvalue),
        "bound": bound,
        "tost": float(pg.tost(a, b, bound=bound, paired=True).loc["TOST", "pval"]),
        "margin": margin,
        "ttost": float(ttost_paired(a, b, *margin)[0]),
        "cohen_dz": float(pg.compute_effsize(a, b, paired=True, eftype="cohen_dz")),
        "level": 0.90,
        "interval": [exact_limit(t, n, 0.95), exact_limit(t, n, 0.05)],
        "somers_d": float(stats.somersd(np.repeat([1, 0], n), np.concatenate([a, b])).statistic),
    }


def adjusted(p: list[float]) -> values.Case:
    """Adjusted p-values."""
    methods = ("bonferroni", "holm", "fdr_by")
    return {
        "kind": "multiplicity",
        "p": p,
        **{method: multipletests(p, method=method)[1].tolist() for method in methods},
    }


def cases() -> list[values.Case]:
    """Small samples, one of them with ties."""
    rng = np.random.default_rng(15)
    pairs = np.round(rng.normal(0.2, 1, (2, 24)), 3)
    skewed = np.round(rng.exponential(size=(2, 20)), 3)
    return [
        randomization(np.round(rng.normal(0.9, 1, 5), 3), np.round(rng.normal(0, 1, 5), 3), 1),
        randomization(rng.integers(0, 3, 6).astype(float), rng.integers(0, 4, 5).astype(float), 2),
        paired(*pairs, 0.6, (-0.3, 0.9)),
        paired(*skewed, 0.5, (-1.0, 0.4)),
        adjusted([0.001, 0.2, 0.012, 0.03, 0.6, 0.03, 0.004]),
        adjusted([0.9, 1.0, 0.5]),
        adjusted([0.0, 1e-12, 0.049]),
    ]


if __name__ == "__main__":
    values.write("inference", LIBRARIES, cases)
