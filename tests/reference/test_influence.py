"""Influence, its curve, its tail and its regimes against scikit-learn, scipy, statsmodels and powerlaw."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import spatial, stats
from sklearn.metrics import mean_absolute_error

from hypotest.estimators import influence, power_law, regimes
from tests import strategies
from tests.reference import values


@given(delta_loss=strategies.activations(), data=st.data())
@settings(deadline=None, max_examples=30)
def test_influence_is_a_weighted_mean_absolute_error(delta_loss: np.ndarray, data: st.DataObject) -> None:
    n = len(delta_loss)
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=2 * n)))
    expected = mean_absolute_error(
        np.zeros_like(delta_loss),
        delta_loss,
        sample_weight=np.bincount(rows, minlength=n),
        multioutput="raw_values",
    )
    np.testing.assert_allclose(influence.influence(delta_loss, rows), expected)


@given(counts=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=8))
@settings(deadline=None, max_examples=40)
def test_selectivity_is_a_canberra_distance(counts: list[tuple[int, int]]) -> None:
    # Sums of |x - y| / (x + y), 0 where both are 0: from the smaller one, where rare or common is larger.
    rare, common = np.array(counts, dtype=float).T
    smaller = np.minimum(rare, common)
    signed = spatial.distance.canberra(rare, smaller) - spatial.distance.canberra(common, smaller)
    selectivity = influence.selectivity(rare, common, np.arange(len(counts))[None])[0]
    assert selectivity == pytest.approx(signed / len(counts), abs=1e-12)


@given(seed=strategies.SEEDS, n=st.integers(10, 200), n_points=st.integers(4, 40))
@settings(deadline=None, max_examples=40)
def test_curve_is_a_binned_mean_between_geometric_means(seed: int, n: int, n_points: int) -> None:
    rng = np.random.default_rng(seed)
    ranking, read = rng.exponential(size=(2, n))
    grid = influence.rank_grid(n, n_points)
    products = grid[:-1] * grid[1:]
    assume(all(math.isqrt(int(product)) ** 2 != product for product in products))  # a rank on a cut
    edges = [0, *np.sqrt(products), n + 1]
    expected = stats.binned_statistic(np.arange(1, n + 1), read[np.argsort(-ranking)], "mean", edges)
    np.testing.assert_allclose(influence.rank_curve(ranking, read, grid), expected.statistic)


@pytest.mark.parametrize("case", values.read("power_law"))
def test_stored_likelihood_ratios(case: values.Case) -> None:
    fit = power_law.lognormal_ratio(np.array(case["sample"]))
    assert fit.n_tail == case["n_tail"]
    assert fit.exponent == pytest.approx(case["exponent"])
    # The other library minimises to four digits.
    assert fit.ratio == pytest.approx(case["ratio"], rel=5e-4)
    assert fit.p_value == pytest.approx(case["p_value"], rel=2e-3)


@given(seed=strategies.SEEDS, sigma=st.floats(0.3, 4), heavy=st.booleans())
@settings(deadline=None, max_examples=40)
def test_a_lognormal_tail_exists_where_logs_vary_less_than_an_exponential(
    seed: int, sigma: float, heavy: bool
) -> None:
    # A normal cut off at 0 has a best fit exactly when mean(z^2) < 2 mean(z)^2; else the exponential
    # of the same mean is best (del Castillo 1994,
    # Annals of the Institute of Statistical Mathematics 46, 57-66).
    rng = np.random.default_rng(seed)
    z = rng.weibull(sigma, 60) if heavy else np.abs(rng.normal(0, sigma, 60))
    tail = z[z >= np.median(z)] - z[z >= np.median(z)].min()
    variation = np.mean(tail**2) / np.mean(tail) ** 2
    assume(abs(variation - 2) > 0.1)
    fit = power_law.lognormal_ratio(np.exp(z))
    rate = stats.pareto.fit(np.exp(tail), floc=0, fscale=1)[0]
    assert fit.exponent == pytest.approx(1 + rate)
    if variation < 2:
        assert fit.ratio < 0 and fit.p_value == pytest.approx(2 * stats.norm.sf(-fit.ratio))
    else:
        assert (fit.ratio, fit.p_value) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))


def ols(x: np.ndarray, y: np.ndarray, knots: tuple[int, ...]) -> sm.regression.linear_model.RegressionResults:
    hinges = [np.maximum(x - x[knot], 0) for knot in knots]
    return sm.OLS(y, sm.add_constant(np.column_stack([x, *hinges]))).fit()


@given(seed=strategies.SEEDS, n=st.integers(12, 20), bend=st.floats(0, 3))
@settings(deadline=None, max_examples=15)
def test_regimes_are_the_best_of_all_regressions_of_statsmodels(seed: int, n: int, bend: float) -> None:
    rng = np.random.default_rng(seed)
    x = np.log(influence.rank_grid(500, n))
    y = -x - bend * np.maximum(x - x[rng.integers(n)], 0) + 0.2 * rng.normal(size=n)
    inner = range(3, n - 3)  # four points a segment, ends included
    families = [
        [()],
        [(i,) for i in inner],
        [(i, j) for i, j in itertools.combinations(inner, 2) if j - i >= 3],
    ]
    best, bic = [], []
    for count, family in enumerate(families):
        if not family:
            continue
        fit, knots = min(((ols(x, y, knots), knots) for knots in family), key=lambda pair: pair[0].ssr)
        best.append((fit, knots))
        # Theirs counts coefficients only, and holds the constant of the likelihood.
        bic.append(fit.bic - n * (1 + math.log(2 * math.pi)) + count * math.log(n))
    regime_fit = regimes.fit_regimes(x, y[None])
    np.testing.assert_allclose(regime_fit.bic[0, : len(bic)], bic)
    fit, knots = best[int(np.argmin(bic))]
    np.testing.assert_allclose(np.log(regime_fit.breakpoints[0, : len(knots)]), x[list(knots)])
    assert np.isnan(regime_fit.breakpoints[0, len(knots) :]).all()
    np.testing.assert_allclose(regime_fit.slopes[0, : len(knots) + 1], np.cumsum(fit.params[1:]), atol=1e-9)
    np.testing.assert_allclose(regime_fit.fitted[0], fit.fittedvalues)
