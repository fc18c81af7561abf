"""Ties: what differs by rounding alone is tied, at every scale, and what differs is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators.graphs.modularity import best_modularity
from hypotest.inference.randomization import compare_with_null, enough_draws
from hypotest.inference.rounding import ROUNDING, sd_beyond_rounding, tie_width

EPS = float(np.finfo(np.float64).eps)


def noise(n: int, seed: int = 0) -> np.ndarray:
    """What is left of 1 - 1 in floating point: 0 and a few eps on either side."""
    return np.random.default_rng(seed).integers(-2, 3, n) * EPS


def test_by_hand():
    # 100 eps = 2.22e-14, times the largest of scale and both sizes
    assert pytest.approx(2.22e-14, rel=1e-3) == ROUNDING
    assert tie_width(0.0, 2e-16) == ROUNDING
    assert tie_width(np.array([-30.0, 3.0]), 5.0).tolist() == [30 * ROUNDING, 5 * ROUNDING]
    assert tie_width(0.5, 0.25, scale=0.0) == 0.5 * ROUNDING
    with pytest.raises(ValueError, match="scale"):
        tie_width(1.0, 1.0, scale=-1.0)


def test_spread_is_that_of_the_defined_values_or_nothing():
    assert sd_beyond_rounding(np.array([1.0, np.nan, 2.0, 3.0])) == 1.0
    assert sd_beyond_rounding(noise(50)) == 0.0
    assert sd_beyond_rounding(30 + 30 * noise(50)) == 0.0
    assert sd_beyond_rounding(1e-9 * np.arange(3.0)) == pytest.approx(1e-9)  # small, and no rounding
    assert sd_beyond_rounding(1e-18 * np.arange(3.0), scale=1e-18) == pytest.approx(1e-18)
    assert sd_beyond_rounding(np.array([1.0])) == sd_beyond_rounding(np.array([np.nan])) == 0.0


@pytest.mark.parametrize("observed", [3 * EPS, -3 * EPS, 2e-16, 0.0])
def test_where_nothing_varies_nothing_is_significant(observed):
    """Q of a network that is one community is 0 +- 2e-16, as that of every control group may be."""
    draws = noise(999)
    comparison = compare_with_null(observed, draws)
    assert (comparison.p_value, comparison.percentile, comparison.z, comparison.sd) == (1.0, 50.0, None, 0.0)
    assert enough_draws(observed, draws[:20], 20)  # every draw lies in both tails
    stopped = compare_with_null(observed, draws[:20], stop_after=20, planned_draws=999)
    assert stopped.p_value == 1.0


def test_one_community_ties_with_other_groups_that_are_one():
    """Complete graphs of equal weights are one community each, and their Q is noise around 0."""
    n = 60
    information = np.ones((n, n)) / 7
    np.fill_diagonal(information, 0)
    groups = np.stack([np.random.default_rng(seed).permutation(n)[:13] for seed in range(200)])
    values = best_modularity(information, groups, rng=np.random.default_rng(0))
    assert np.abs(values).max() < 1e-14
    assert compare_with_null(float(values[0]) - 3 * EPS, values[1:]).p_value == 1.0


def test_some_groups_that_vary_do_not_untie_those_that_do_not():
    draws = np.concatenate([noise(900), np.full(99, 0.2)])
    assert compare_with_null(3 * EPS, draws).p_value == pytest.approx(1.0)  # 999 at least, 900 at most
    assert compare_with_null(0.1, draws).p_value == pytest.approx(2 * 100 / 1000)


def test_one_huge_draw_unties_nothing():
    """A Hill alpha of 1e15 is one draw; the others are compared at their own size."""
    draws = np.append(np.random.default_rng(1).normal(2, 0.1, 998), 1e15)
    assert compare_with_null(5.0, draws).p_value == pytest.approx(2 * 2 / 1000)
    assert compare_with_null(0.5, draws).p_value == pytest.approx(2 * 1 / 1000)


def test_large_values_tie_at_their_own_size():
    # a dimension of 30, summed in another order
    draws = 30 * (1 + noise(99))
    assert compare_with_null(30 * (1 + 5 * EPS), draws).p_value == 1.0
    # their difference cancels to nothing; its terms are 30, which has to be said
    differences = 40 * noise(99)
    assert compare_with_null(300 * EPS, differences).p_value < 0.05
    assert compare_with_null(300 * EPS, differences, scale=30.0).p_value == 1.0


@given(
    observed=st.integers(-50, 50),
    draws=st.lists(st.integers(-50, 50), min_size=1, max_size=60),
    power=st.integers(-40, 40),
    h=st.one_of(st.none(), st.integers(2, 10)),
)
@settings(deadline=None, max_examples=150)
def test_units_do_not_matter_if_the_scale_has_them_too(observed, draws, power, h):
    unit = 2.0**power
    values = np.array(draws, dtype=np.float64)
    plain = compare_with_null(float(observed), values, stop_after=h)
    other = compare_with_null(unit * observed, unit * values, stop_after=h, scale=unit)
    assert (other.p_value, other.percentile, other.z) == (plain.p_value, plain.percentile, plain.z)
    assert other.sd == unit * plain.sd


@given(
    observed=st.floats(-3, 3),
    draws=st.lists(st.floats(-3, 3), min_size=2, max_size=60),
    h=st.integers(2, 10),
    seed=st.integers(0, 5),
)
@settings(deadline=None, max_examples=150)
def test_noise_on_tied_values_changes_nothing(observed, draws, h, seed):
    """Values on a grid of 0.1, some equal: eps of noise on each leaves p, percentile and stopping alone."""
    grid = np.round(np.array(draws), 1)
    value = round(observed, 1)
    shaken = grid + noise(grid.size, seed)
    for stop_after in (None, h):
        one = compare_with_null(value, grid, stop_after=stop_after)
        two = compare_with_null(value + EPS, shaken, stop_after=stop_after)
        assert (one.p_value, one.percentile) == (two.p_value, two.percentile)
    assert enough_draws(value, grid, h) == enough_draws(value + EPS, shaken, h)


@given(observed=st.floats(-3, 3), draws=st.lists(st.floats(-3, 3), min_size=1, max_size=60))
@settings(deadline=None, max_examples=100)
def test_the_direction_is_the_smaller_tail(observed, draws):
    """p and percentile count the same ties, so that a significant value has the direction of its tail."""
    values = np.array(draws)
    less = compare_with_null(observed, values, "less").p_value
    greater = compare_with_null(observed, values, "greater").p_value
    percentile = compare_with_null(observed, values).percentile
    assert (percentile < 50) == (less < greater)
    assert (percentile > 50) == (greater < less)
