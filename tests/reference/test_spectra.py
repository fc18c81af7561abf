"""Effective dimension against scikit-learn, Hill's alpha against scipy and its own distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.weightstats import DescrStatsW

from hypotest.estimators import covariances, dimension, spectrum
from tests import strategies
from tests.reference import values


def all_of(n: int) -> np.ndarray:
    return np.arange(n)[None]


def interpolated(shares: np.ndarray, variance: float) -> float:
    """Where the cumulative shares, joined by lines, reach the variance."""
    return float(np.interp(variance, np.append(0, np.cumsum(shares)), np.arange(len(shares) + 1)))


def share_is_met(shares: np.ndarray, variance: float) -> bool:
    """Whether rounding decides between two integers: a cumulative share equals the variance."""
    return bool(np.abs(np.cumsum(shares) - variance).min() < 1e-9)


@pytest.mark.parametrize("case", values.read("spectra", "dimension"))
def test_stored_dimensions(case: values.Case) -> None:
    matrix = covariances.covariance(np.array(case["activations"]))
    group, correlation = all_of(len(matrix)), covariances.correlation(matrix)
    for variance, expected, of_correlations in zip(
        case["variance"], case["dimension"], case["dimension_of_correlations"], strict=True
    ):
        assert dimension.integer_dimension(matrix, group, variance)[0] == expected
        assert dimension.integer_dimension(correlation, group, variance)[0] == of_correlations
        assert dimension.effective_dimension(matrix, group, variance)[0] == pytest.approx(
            interpolated(np.array(case["shares"]), variance)
        )


@given(activations=strategies.activations(), variance=strategies.SHARES, data=st.data())
@settings(deadline=None, max_examples=60)
def test_dimensions_of_random_groups(activations: np.ndarray, variance: float, data: st.DataObject) -> None:
    matrix = covariances.covariance(activations)
    for group in data.draw(strategies.groups(activations.shape[1])):
        members = activations[:, group]
        assume(np.ptp(members, axis=0).any())
        shares = PCA(svd_solver="full").fit(members).explained_variance_ratio_
        assume(not share_is_met(shares, variance))
        expected = PCA(variance, svd_solver="full").fit(members).n_components_
        assert dimension.integer_dimension(matrix, group[None], variance)[0] == expected
        value = dimension.effective_dimension(matrix, group[None], variance)[0]
        assert value == pytest.approx(interpolated(shares, variance))
        variances = np.sort(members.var(axis=0))[::-1]
        value = dimension.independent_dimension(matrix, group[None], variance)[0]
        assert value == pytest.approx(interpolated(variances / variances.sum(), variance))
        # tr(C)^2 / tr(C C), without eigenvalues.
        covariance = np.atleast_2d(np.cov(members.T))
        expected = np.trace(covariance) ** 2 / np.sum(covariance**2)
        assert dimension.participation_ratio(matrix, group[None])[0] == pytest.approx(expected)


@given(activations=strategies.activations(), variance=strategies.SHARES)
@settings(deadline=None, max_examples=40)
def test_dimensions_of_correlations(activations: np.ndarray, variance: float) -> None:
    scaled = StandardScaler().fit_transform(activations)  # a constant column stays constant
    shares = PCA(svd_solver="full").fit(scaled).explained_variance_ratio_
    assume(not share_is_met(shares, variance))
    matrix = covariances.correlation(covariances.covariance(activations))
    value = dimension.integer_dimension(matrix, all_of(len(matrix)), variance)[0]
    assert value == PCA(variance, svd_solver="full").fit(scaled).n_components_


@given(
    activations=strategies.activations(positions=(6, 30)), variance=strategies.SHARES, seed=strategies.SEEDS
)
@settings(deadline=None, max_examples=40)
def test_weighted_documents_equal_statsmodels(activations: np.ndarray, variance: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    documents = rng.integers(0, 4, len(activations))
    column = np.unique(documents, return_inverse=True)[1]
    weights = rng.exponential(size=(3, column.max() + 1))
    values = dimension.effective_dimension_resamples(activations, documents, weights, variance)
    for row, value in zip(weights, values, strict=True):
        covariance = DescrStatsW(activations, weights=row[column]).cov
        shares = np.linalg.eigvalsh(covariance)[::-1].clip(0) / np.trace(covariance)
        assert value == pytest.approx(interpolated(shares, variance), rel=1e-6)


@pytest.mark.parametrize("case", values.read("spectra", "hill"))
def test_stored_alphas(case: values.Case) -> None:
    matrix, k = spectrum.gram(np.array(case["weights"])), case["k"]
    assert spectrum.hill_alpha(matrix, all_of(len(matrix)))[0] == pytest.approx(case["alpha"])
    unbiased = spectrum.hill_alpha_unbiased(matrix, all_of(len(matrix)))[0]
    assert unbiased == pytest.approx(case["alpha"] * (k - 2) / k)


@given(eigenvalues=strategies.pareto(), tail=st.sampled_from(["median", "fix_finger"]))
@settings(deadline=None, max_examples=60)
def test_alpha_is_scipys_pareto_estimate(eigenvalues: np.ndarray, tail: spectrum.Tail) -> None:
    if tail == "median":
        low = np.median(eigenvalues)
    else:
        counts, edges = np.histogram(np.log10(eigenvalues), bins=100)
        low = 10 ** edges[np.argmax(counts)] * (1 - 1e-12)
    above = eigenvalues[eigenvalues >= low]
    assume(len(above) > 2)
    expected = stats.pareto.fit(above, floc=0, fscale=above.min())[0]
    matrix, group = np.diag(eigenvalues), all_of(len(eigenvalues))
    assert spectrum.hill_alpha(matrix, group, tail)[0] == pytest.approx(expected)
    unbiased = expected * (len(above) - 2) / len(above)
    assert spectrum.hill_alpha_unbiased(matrix, group, tail)[0] == pytest.approx(unbiased)


@pytest.mark.parametrize("alpha", [0.7, 2.0, 5.0])
@pytest.mark.parametrize("k", [3, 10, 40])
def test_alpha_of_pareto_samples_is_inverse_gamma(alpha: float, k: int) -> None:
    # alpha k / alpha_hat is the sum of k - 1 standard exponential spacings: Gamma(k - 1); hence the
    # means alpha k / (k - 2) and, of the other estimate, alpha.
    sample = 1 + np.random.default_rng(k).pareto(alpha, (40, 10, 2 * k))
    groups = np.arange(20 * k).reshape(10, 2 * k)
    alphas = np.concatenate([spectrum.hill_alpha(np.diag(batch.ravel()), groups) for batch in sample])
    assert stats.kstest(alpha * k / alphas, stats.gamma(k - 1).cdf).pvalue > 0.01
