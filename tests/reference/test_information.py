"""Mutual information against scikit-learn, scipy and pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from hypotest.estimators.graphs import information
from tests import strategies
from tests.reference import values


@pytest.mark.parametrize("case", values.read("dependence", "information"))
def test_stored_information(case: values.Case) -> None:
    activations = np.array(case["activations"])
    first, second = np.array(case["pairs"]).T
    binned = information.binned_information(activations, case["n_bins"], miller_madow=False)
    assert binned[first, second] == pytest.approx(case["binned"], abs=1e-12)
    copula = information.gaussian_copula_information(activations)
    assert copula[first, second] == pytest.approx(case["copula"], abs=1e-12)


@given(
    n_bins=st.integers(2, 8),
    per_bin=st.integers(1, 6),
    seed=strategies.SEEDS,
)
@settings(deadline=None, max_examples=40)
def test_bins_without_ties_are_the_quantiles_of_pandas(n_bins: int, per_bin: int, seed: int) -> None:
    column = np.random.default_rng(seed).normal(size=n_bins * per_bin)
    if len(column) > 1:
        bins = information.equal_frequency_bins(column[:, None], n_bins)[:, 0]
        assert bins.tolist() == pd.qcut(column, n_bins, labels=False).tolist()


@given(activations=strategies.activations(), n_bins=st.integers(2, 9))
@settings(deadline=None, max_examples=40)
def test_binned_information_of_random_activations(activations: np.ndarray, n_bins: int) -> None:
    bins = information.equal_frequency_bins(activations, n_bins)
    plain = information.binned_information(activations, n_bins, miller_madow=False)
    corrected = information.binned_information(activations, n_bins)
    for i in range(bins.shape[1]):
        for j in range(i):
            x, y = bins[:, i], bins[:, j]
            expected = mutual_info_score(x, y)
            assert plain[i, j] == pytest.approx(expected, abs=1e-12)
            table = stats.contingency.crosstab(x, y).count
            # Entropies gain (K - 1) / 2n each.
            occupied = table.shape[0] + table.shape[1] - np.count_nonzero(table) - 1
            expected = max(0.0, expected + occupied / (2 * len(x)))
            assert corrected[i, j] == pytest.approx(expected, abs=1e-12)


@given(activations=strategies.activations(positions=(3, 25)))
@settings(deadline=None, max_examples=60)
def test_copula_information_of_random_activations(activations: np.ndarray) -> None:
    n = len(activations)
    matrix = information.gaussian_copula_information(activations)
    scores = stats.norm.ppf((stats.rankdata(activations, axis=0) - 0.5) / n)
    for i in range(activations.shape[1]):
        for j in range(i):
            if np.ptp(scores[:, i]) == 0 or np.ptp(scores[:, j]) == 0:
                assert matrix[i, j] == 0
                continue
            r = stats.pearsonr(scores[:, i], scores[:, j]).statistic
            r = np.clip(r, -np.sqrt(1 - n**-2), np.sqrt(1 - n**-2))  # log n at most
            pair = stats.multivariate_normal(cov=[[1, r], [r, 1]])
            expected = 2 * stats.norm.entropy() - pair.entropy()
            assert matrix[i, j] == pytest.approx(expected, abs=1e-9)
