from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from hypotest.estimators import power_law


def test_a_lognormal_is_told_from_a_power_law() -> None:
    values = np.random.default_rng(0).lognormal(sigma=1.0, size=4000)
    fit = power_law.lognormal_ratio(values)
    assert fit.ratio < -3 and fit.p_value < 0.01 and fit.n_tail == 2000


def test_a_power_law_is_not_rejected_and_its_exponent_found() -> None:
    # Density exponent 3; the tail from the median on is a power law of the same exponent.
    rng = np.random.default_rng(1)
    fits = [power_law.lognormal_ratio(1 + rng.pareto(2.0, 1000)) for _ in range(40)]
    assert np.mean([item.exponent for item in fits]) == pytest.approx(3.0, abs=0.08)
    assert np.mean([item.p_value < 0.05 for item in fits]) < 0.1
    assert max(item.ratio for item in fits) < 1e-3  # the power law is a limit of the lognormals


def test_ratio_equals_a_direct_fit_with_scipy() -> None:
    values = np.random.default_rng(2).lognormal(sigma=0.8, size=600)
    tail = values[values >= np.median(values)]
    low = np.log(tail.min())
    logs = np.log(tail)

    def loss(parameters: np.ndarray) -> float:
        mean, sd = parameters[0], np.exp(parameters[1])
        density = stats.norm.logpdf(logs, mean, sd) - stats.norm.logsf(low, mean, sd)
        return float(-density.sum())

    best = optimize.minimize(
        loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}
    ).x
    lognormal = stats.norm.logpdf(logs, best[0], np.exp(best[1])) - stats.norm.logsf(
        low, best[0], np.exp(best[1])
    )
    rate = 1 / np.mean(logs - low)
    difference = np.log(rate) - rate * (logs - low) - lognormal
    expected = difference.sum() / (np.sqrt(len(tail)) * difference.std())
    fit = power_law.lognormal_ratio(values)
    assert fit.ratio == pytest.approx(expected, rel=1e-4)
    assert fit.p_value == pytest.approx(2 * stats.norm.sf(abs(expected)), rel=1e-3)
    assert fit.exponent == pytest.approx(1 + rate)


@pytest.mark.parametrize(("slope", "curvature"), [(1.0, 0.3), (-4.0, 0.7), (2.0, 1e-4)])
def test_normaliser_equals_quadrature(slope: float, curvature: float) -> None:
    area = integrate.quad(lambda z: np.exp(-slope * z - curvature * z**2), 0, 60)[0]
    assert power_law._log_normaliser(slope, curvature) == pytest.approx(np.log(area), rel=1e-6)


def test_scale_does_not_matter() -> None:
    values = np.random.default_rng(3).lognormal(size=500)
    first, second = power_law.lognormal_ratio(values), power_law.lognormal_ratio(values * 1e-7)
    assert first.ratio == pytest.approx(second.ratio, rel=1e-4)


def test_zeros_are_dropped_and_short_tails_undefined() -> None:
    values = np.random.default_rng(4).lognormal(size=100)
    padded = np.concatenate([values, np.zeros(50), [np.nan]])
    assert power_law.lognormal_ratio(padded) == power_law.lognormal_ratio(values)
    for short in (values[:15], np.ones(100), np.zeros(30), np.array([])):
        assert np.isnan(power_law.lognormal_ratio(short).ratio)
