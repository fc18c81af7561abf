"""Pooled effects: by hand, against an independent solution, against the library's own table, at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects

from hypotest.inference.meta_analysis import pool_effects

pytestmark = pytest.mark.slow

EFFECTS = np.array([-1.2, -0.4, -2.1, -0.9, 0.3])
ERRORS = np.array([0.3, 0.5, 0.4, 0.2, 0.6])


def paule_mandel(effects, errors):
    """The variance at which Cochran's Q equals its expectation, by bisection."""

    def excess(tau2):
        weights = 1 / (errors**2 + tau2)
        mean = (weights * effects).sum() / weights.sum()
        return (weights * (effects - mean) ** 2).sum() - (len(effects) - 1)

    if excess(0.0) <= 0:
        return 0.0
    return optimize.brentq(excess, 0.0, 10 * np.ptp(effects) ** 2 + 1, xtol=1e-14)


def test_two_equal_errors_by_hand():
    """Effects 0 and 4, errors 1: the sample variance is 8, so tau^2 = 8 - 1 = 7."""
    pooled = pool_effects(np.array([0.0, 4.0]), np.array([1.0, 1.0]))
    assert pooled.effect == pytest.approx(2.0)
    assert pooled.tau2 == pytest.approx(7.0, rel=1e-4)
    assert pooled.weights == pytest.approx((0.5, 0.5))
    # Q = sum (y - 2)^2 / 1 = 8 on 1 degree of freedom, I^2 = 1 - 1/8
    assert (pooled.q, pooled.i2) == (pytest.approx(8.0), pytest.approx(0.875))
    # V = (0.5 * 4 + 0.5 * 4) / 1 = 4, t(1) at 97.5 % = 12.706
    assert pooled.interval_95.standard_error == pytest.approx(2.0)
    assert pooled.interval_95.degrees_of_freedom == 1
    assert pooled.interval_95.low == pytest.approx(2 - 12.706 * 2, rel=1e-4)
    assert pooled.prediction is None  # t(0) does not exist


def test_the_variance_between_models_solves_paule_and_mandel():
    pooled = pool_effects(EFFECTS, ERRORS)
    tau2 = paule_mandel(EFFECTS, ERRORS)
    weights = 1 / (ERRORS**2 + tau2)
    weights /= weights.sum()
    mean = weights @ EFFECTS
    variance = weights @ (EFFECTS - mean) ** 2 / 4
    assert tau2 > 0.2
    assert pooled.tau2 == pytest.approx(tau2, rel=1e-4)
    assert pooled.effect == pytest.approx(mean, rel=1e-4)
    assert pooled.weights == pytest.approx(tuple(weights), rel=1e-3)
    assert pooled.interval_95.standard_error == pytest.approx(np.sqrt(variance), rel=1e-4)
    fixed = 1 / ERRORS**2
    centre = (fixed @ EFFECTS) / fixed.sum()
    q = fixed @ (EFFECTS - centre) ** 2
    assert pooled.q == pytest.approx(q)
    assert pooled.p_heterogeneity == pytest.approx(stats.chi2.sf(q, 4))
    half = stats.t.ppf(0.975, 3) * np.sqrt(tau2 + variance)
    assert pooled.prediction == pytest.approx((mean - half, mean + half), rel=1e-4)


def test_the_interval_is_the_row_of_the_library():
    table = combine_effects(EFFECTS, ERRORS**2, method_re="iterated", use_t=True).summary_frame(use_t=False)
    row = table.loc["random effect wls"]
    pooled = pool_effects(EFFECTS, ERRORS)
    assert pooled.effect == pytest.approx(row["eff"], rel=1e-4)
    assert pooled.interval_95.standard_error == pytest.approx(row["sd_eff"], rel=1e-4)


def test_effects_that_agree_do_not_give_an_interval_of_no_width():
    """Hartung and Knapp's variance is 0 there; the usual one, 0.5^2 / 4, stands in."""
    pooled = pool_effects(np.full(4, 3.0), np.full(4, 0.5))
    assert (pooled.effect, pooled.tau2, pooled.i2, pooled.q) == (3.0, 0.0, 0.0, 0.0)
    assert pooled.p_heterogeneity == 1.0
    assert pooled.interval_95.standard_error == pytest.approx(0.25)


def test_shared_errors_do_not_average_out():
    """With equal effects all error is shared: that of one run, plus what the runs' spread says, 0."""
    pooled = pool_effects(np.full(9, 3.0), np.full(9, 0.5), shared_errors=True)
    assert pooled.interval_95.standard_error == pytest.approx(0.5)
    assert pooled.shared_errors
    alone = pool_effects(EFFECTS, ERRORS)
    together = pool_effects(EFFECTS, ERRORS, shared_errors=True)
    shared = np.array(alone.weights) @ ERRORS
    expected = np.hypot(alone.interval_95.standard_error, shared)
    assert together.interval_95.standard_error == pytest.approx(expected)
    assert together.effect == alone.effect


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0.05, 3)), min_size=2, max_size=8),
    st.floats(-10, 10),
    st.floats(1e-6, 1e6),
)
def test_unit_and_origin_do_not_matter(pairs, shift, unit):
    effects, errors = (np.array(column) for column in zip(*pairs, strict=True))
    pooled = pool_effects(effects, errors)
    moved = pool_effects((effects + shift) * unit, errors * unit)
    assert sum(pooled.weights) == pytest.approx(1.0)
    assert effects.min() - 1e-9 <= pooled.effect <= effects.max() + 1e-9
    assert pooled.tau2 >= 0 and 0 <= pooled.i2 <= 1
    scale = max(1.0, np.abs(effects).max())
    assert moved.effect / unit - shift == pytest.approx(pooled.effect, abs=2e-3 * scale)
    assert moved.interval_95.standard_error / unit == pytest.approx(
        pooled.interval_95.standard_error, rel=2e-3
    )


def test_intervals_hold_the_truth_for_few_models():
    """Coverage of the 95 % interval with 4 models of unequal precision."""
    rng = np.random.default_rng(11)
    errors = np.array([0.2, 0.4, 0.7, 1.0])
    effects = 2.0 + rng.normal(0, np.sqrt(errors**2 + 0.25), (2000, 4))
    intervals = [pool_effects(row, errors).interval_95 for row in effects]
    assert 0.94 <= np.mean([item.low <= 2.0 <= item.high for item in intervals]) <= 0.985


def test_shared_errors_hold_the_truth_on_one_text():
    """Errors that all models share: the plain interval fails, the one that counts them as shared does not."""
    rng = np.random.default_rng(12)
    errors = np.full(6, 1.0)
    effects = 2.0 + rng.normal(0, 1.0, (1000, 1)) + rng.normal(0, 0.3, (1000, 6))
    covered = {
        shared: np.mean(
            [
                (interval := pool_effects(row, errors, shared_errors=shared).interval_95).low
                <= 2
                <= interval.high
                for row in effects
            ]
        )
        for shared in (False, True)
    }
    assert covered[False] < 0.75
    assert covered[True] >= 0.94


@pytest.mark.parametrize(
    ("effects", "errors", "message"),
    [
        ([1.0], [1.0], "at least two"),
        ([1.0, 2.0], [1.0], "as many effects"),
        ([1.0, np.nan], [1.0, 1.0], "finite"),
        ([1.0, 2.0], [1.0, 0.0], "positive"),
        ([1.0, 2.0], [1.0, np.inf], "finite"),
    ],
)
def test_what_cannot_be_pooled_is_refused(effects, errors, message):
    with pytest.raises(ValueError, match=message):
        pool_effects(np.array(effects), np.array(errors))
