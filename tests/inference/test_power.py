import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from hypotest.inference.equivalence import allowed_extremes
from hypotest.inference.power import (
    effect_seen,
    equivalence_power,
    null_spread,
    ordinary_equivalence,
    randomization_power,
    smallest_significant,
    t_power,
)

NORMAL = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)


def normal_power(effect, level):
    critical = stats.norm.ppf(1 - level / 2)
    return stats.norm.cdf(effect - critical) + stats.norm.cdf(-effect - critical)


@pytest.mark.parametrize("effect", [0.0, 0.5, 1.0, 2.0, -2.0, 3.0])
@pytest.mark.parametrize("level", [0.05, 0.01])
def test_among_many_normal_draws_power_is_that_of_the_z_test(effect, level):
    power = randomization_power(NORMAL, effect, 99_999, level)
    assert power == pytest.approx(normal_power(effect, level), abs=0.003)


@pytest.mark.parametrize(("n_draws", "level"), [(39, 0.05), (99, 0.05), (150, 0.05), (999, 0.01)])
def test_without_an_effect_power_is_the_attained_level(n_draws, level):
    allowed = allowed_extremes(n_draws, level)
    assert 2 * (allowed + 1) / (n_draws + 1) <= level + 1e-12 < 2 * (allowed + 2) / (n_draws + 1) + 1e-12
    power = randomization_power(NORMAL, 0.0, n_draws, level)
    assert power == pytest.approx(2 * (allowed + 1) / (n_draws + 1), rel=0.01)


def test_power_among_few_draws_agrees_with_a_simulation():
    rng = np.random.default_rng(1)
    pool = rng.gamma(2.0, size=4000)
    observed = rng.choice(pool, 20_000) + 3.0
    draws = rng.choice(pool, (20_000, 59))
    tail = np.minimum((draws >= observed[:, None]).sum(1), (draws <= observed[:, None]).sum(1))
    expected = np.mean(2 * (tail + 1) / 60 <= 0.05)
    assert randomization_power(pool, 3.0, 59, 0.05) == pytest.approx(expected, abs=0.012)


def test_too_few_draws_see_nothing():
    assert randomization_power(NORMAL, 10.0, 38, 0.05) == 0.0
    assert smallest_significant(NORMAL, 38, 0.05) is None
    assert randomization_power(NORMAL, 10.0, 39, 0.05) == pytest.approx(1.0)


def test_undefined_draws_make_every_value_less_extreme():
    some = np.concatenate([NORMAL, np.full(400, np.nan)])
    assert randomization_power(some, 3.0, 9999, 0.05) < randomization_power(NORMAL, 3.0, 9999, 0.05)
    assert randomization_power(np.concatenate([NORMAL, np.full(2000, np.nan)]), 9.0, 9999, 0.05) < 0.01
    with pytest.raises(ValueError, match="defined"):
        randomization_power(np.array([np.nan]), 1.0, 99, 0.05)


def test_the_smallest_significant_effect_is_the_critical_quantile():
    assert smallest_significant(NORMAL, 9999, 0.05) == pytest.approx(1.96, abs=0.01)
    # 59 draws attain 2/60 only: 1 - 1/60 of the null lies below
    assert smallest_significant(NORMAL, 59, 0.05) == pytest.approx(stats.norm.ppf(1 - 1 / 60), abs=0.01)


@pytest.mark.parametrize(("effect", "n", "level"), [(0.3, 20, 0.05), (0.5, 30, 0.01), (0.0, 25, 0.05)])
def test_t_power_is_that_of_statsmodels(effect, n, level):
    expected = TTestPower().power(effect, n, level, alternative="two-sided")
    assert t_power(effect, 1 / np.sqrt(n), n - 1, level) == pytest.approx(expected, abs=1e-6)


def test_a_huge_effect_is_always_seen():
    assert t_power(1000.0, 0.01, 400, 0.05) == 1.0
    with pytest.raises(ValueError, match="positive"):
        t_power(1.0, 0.0, 20, 0.05)


@pytest.mark.parametrize(("effect", "margin", "df"), [(0.0, 3.0, 30), (0.0, 2.0, 19), (1.0, 3.0, 60)])
def test_equivalence_power_agrees_with_a_simulation(effect, margin, df):
    rng = np.random.default_rng(2)
    estimate = effect + rng.normal(size=200_000)
    error = np.sqrt(rng.chisquare(df, 200_000) / df)
    expected = np.mean(np.abs(estimate) <= margin - stats.t.ppf(0.95, df) * error)
    assert equivalence_power(effect, margin, 1.0, df, 0.05) == pytest.approx(expected, abs=0.005)


def test_equivalence_power_with_many_documents_has_a_closed_form():
    # 2 Phi(margin / s - z) - 1, with z = 1.6449: 2 Phi(3 - 1.6449) - 1
    expected = 2 * stats.norm.cdf(3 - stats.norm.ppf(0.95)) - 1
    assert equivalence_power(0.0, 3.0, 1.0, 10**6, 0.05) == pytest.approx(expected, abs=1e-3)
    assert equivalence_power(0.0, 1.0, 1.0, 10**6, 0.05) == 0.0
    with pytest.raises(ValueError, match="positive"):
        equivalence_power(0.0, 1.0, 0.0, 20, 0.05)


def test_an_ordinary_group_is_equivalent_as_often_as_the_ceiling_and_the_interval_allow():
    # without any error: P(|z| <= 2) = 0.9545; with t s = 0.2 (t -> 1.6449): P(|z| <= 1.8)
    assert ordinary_equivalence(NORMAL, 2.0, 0.0, 30, 0.05) == pytest.approx(0.9545, abs=1e-3)
    chance = ordinary_equivalence(NORMAL, 2.0, 0.2 / stats.norm.ppf(0.95), 10**7, 0.05)
    assert chance == pytest.approx(2 * stats.norm.cdf(1.8) - 1, abs=1e-3)


def test_below_the_ceiling_equivalence_is_never_concluded():
    # P(|z| <= 1.6) = 0.8904 and P(|z| <= 1.7) = 0.9109, on both sides of 0.90
    assert ordinary_equivalence(NORMAL, 1.6, 0.0, 30, 0.05) == 0.0
    assert ordinary_equivalence(NORMAL, 1.7, 0.0, 30, 0.05) > 0.9
    spoiled = np.concatenate([NORMAL, np.full(2000, np.nan)])  # 0.9109 * 10/11 = 0.828
    assert ordinary_equivalence(spoiled, 1.7, 0.0, 30, 0.05) == 0.0


def test_the_effect_seen_four_times_in_five():
    # two-sided z: 1.96 + 0.8416, the other tail being negligible
    seen = effect_seen(lambda effect: randomization_power(NORMAL, effect, 99_999, 0.05), 1.0, 0.8)
    assert seen == pytest.approx(1.96 + 0.8416, abs=0.01)
    assert effect_seen(lambda effect: 0.5, 1.0, 0.8) is None


def test_the_null_narrows_by_its_noise_alone():
    # var(40) = 1, var(20) = 1.5: a = 0.5, b = 20; var(80) = 0.75
    spread = null_spread(1.0, np.sqrt(1.5), 40, np.array([20, 40, 80]))
    np.testing.assert_allclose(spread**2, [1.5, 1.0, 0.75])
    assert null_spread(1.0, 0.9, 40, 160) == 1.0  # nothing is gained from a chance decrease
    assert null_spread(1.0, 9.0, 40, 160) == pytest.approx(0.5)  # all of it noise: as 1 / sqrt(D)
    assert null_spread(0.0, 0.0, 40, 160) == 1.0


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 4),
    st.floats(0, 4),
    st.sampled_from([39, 199, 9999]),
)
def test_power_never_falls_with_the_effect(seed, one, other, n_draws):
    """For symmetric nulls with one peak; for others a shift can move the group back towards the middle."""
    low, high = sorted((one, other))
    draws = np.random.default_rng(seed).normal(size=200)
    draws = np.concatenate([draws, -draws])
    # the tolerance is one draw's weight: the pool is a staircase
    assert (
        randomization_power(draws, low, n_draws, 0.05)
        <= randomization_power(draws, high, n_draws, 0.05) + 2 / 400
    )
    assert t_power(low, 1.0, 30, 0.05) <= t_power(high, 1.0, 30, 0.05) + 1e-9


@settings(max_examples=40)
@given(st.integers(20, 500), st.integers(1, 8), st.floats(0.05, 3))
def test_power_never_falls_with_the_documents(documents, factor, effect):
    def error(n):
        return 3 / np.sqrt(n)

    more = documents * factor
    assert (
        t_power(effect, error(documents), documents - 1, 0.05)
        <= t_power(effect, error(more), more - 1, 0.05) + 1e-9
    )
    assert (
        equivalence_power(0.0, effect, error(documents), documents - 1, 0.05)
        <= equivalence_power(0.0, effect, error(more), more - 1, 0.05) + 1e-3
    )
    assert ordinary_equivalence(
        NORMAL, effect + 2, error(documents), documents - 1, 0.05
    ) <= ordinary_equivalence(NORMAL, effect + 2, error(more), more - 1, 0.05)
