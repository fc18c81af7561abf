"""Trends of a series against counting by hand and against all orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.inference.trend import kendall_trend


def _tau_b(values) -> float:
    """Concordant less discordant pairs, over the geometric mean of the untied ones."""
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
    score = sum(np.sign(b - a) for a, b in pairs)
    return score / np.sqrt(len(pairs) * sum(a != b for a, b in pairs))


def _two_sided(values) -> float:
    """Share of the orders whose tau is at least as far from zero."""
    observed = abs(_tau_b(values))
    taus = [abs(_tau_b(order)) for order in permutations(values)]
    return float(np.mean(np.array(taus) >= observed - 1e-12))


def test_by_hand():
    # 1 2 4 3: 5 pairs rise, 1 falls: tau = 4/6. Of 24 orders |tau| >= 4/6 have the 4 with at most one
    # inversion (1 + 3) and their mirrors: p = 8/24.
    trend = kendall_trend([1, 2, 4, 3], np.random.default_rng(0))
    assert trend.tau == pytest.approx(4 / 6)
    assert trend.p_value == pytest.approx(8 / 24)
    assert trend.n == 4


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=6, unique=True))
def test_without_ties_p_is_that_over_all_orders(values):
    trend = kendall_trend(values, np.random.default_rng(0))
    assert trend.tau == pytest.approx(_tau_b(values))
    assert trend.p_value == pytest.approx(_two_sided(values))


@pytest.mark.parametrize("values", [[1, 1, 2, 3], [3, 2, 2, 1, 1], [1, 2, 2, 3, 4, 4]])
def test_with_ties_p_is_enumerated(values):
    trend = kendall_trend(values, np.random.default_rng(0))
    assert trend.tau == pytest.approx(_tau_b(values))
    assert trend.p_value == pytest.approx(_two_sided(values))


def test_a_constant_series_has_no_trend():
    assert kendall_trend([2.0, 2.0, 2.0], np.random.default_rng(0)).p_value == 1.0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5), st.floats(0.1, 10))
def test_scale_does_not_matter_and_the_mirror_has_the_other_sign(values, factor):
    rng = np.random.default_rng
    trend = kendall_trend(values, rng(0))
    mirrored = kendall_trend([-value for value in values], rng(0))
    assert mirrored.tau == pytest.approx(-trend.tau)
    assert mirrored.p_value == pytest.approx(trend.p_value)
    if len({value * factor for value in values}) == len(set(values)):
        assert kendall_trend([value * factor for value in values], rng(0)) == trend


@pytest.mark.parametrize("values", [[1.0], [], [1.0, float("nan")], [1.0, float("inf"), 2.0]])
def test_no_trend_of_nothing(values):
    with pytest.raises(ValueError, match="at least two finite values"):
        kendall_trend(values, np.random.default_rng(0))
