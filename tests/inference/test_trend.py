"""Trends of a series against counting by hand and against all orders."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.inference.trend import Trend, _taus, common_trend, kendall_trend, tolerated_autocorrelation


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


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=1, max_size=4),
)
def test_many_taus_at_once_are_those_of_each(series):
    assert _taus(np.array(series, dtype=float)) == pytest.approx(
        [_tau_b(values) if len(set(values)) > 1 else 0.0 for values in series]
    )


def test_a_common_trend_of_one_series_is_its_own():
    values = [1.0, 2.0, 4.0, 3.0]
    assert common_trend([[values]], np.random.default_rng(0)) == kendall_trend(
        values, np.random.default_rng(0)
    )


def test_trainings_are_permuted_by_themselves():
    """Two trainings of three checkpoints: of 36 orders of both, two have |mean tau| = 1."""
    trend = common_trend([[[1, 2, 3]], [[4, 5, 7]]], np.random.default_rng(0))
    assert trend.tau == 1.0
    assert trend.p_value == pytest.approx(2 / 36, abs=0.008)


def test_layers_of_a_training_are_permuted_together():
    """Without a trend two layers that say the same reject as often as one of them, not more often."""
    rng = np.random.default_rng(3)
    rejected = apart = 0
    for _ in range(300):
        layer = rng.standard_normal(6)
        training = [layer.tolist(), (layer + 0.05 * rng.standard_normal(6)).tolist()]
        rejected += common_trend([training], rng).p_value <= 0.05
        apart += common_trend([[series] for series in training], rng).p_value <= 0.05
    assert rejected <= 25 < apart  # 25 is the 99 % point of a level of 0.05


@pytest.mark.parametrize("wrong", [[], [[[1.0]]], [[[1, 2, 3]], [[1, 2]]]])
def test_what_is_no_common_trend(wrong):
    with pytest.raises(ValueError, match=r"a common trend|at least two"):
        common_trend(wrong, np.random.default_rng(0))


def test_a_trend_tolerates_resemblance_up_to_its_level():
    """Simulated by itself: at what is tolerated about 5 % of AR(1) series are ordered as well, above more."""
    rng = np.random.default_rng(1)
    trend = Trend(0.7, 0.002, 11)
    tolerated = tolerated_autocorrelation(trend, 1, 0.05, rng)

    def as_ordered(correlation: float) -> float:
        series = rng.standard_normal((4000, 11))
        for place in range(1, 11):
            series[:, place] = (
                correlation * series[:, place - 1] + np.sqrt(1 - correlation**2) * (series[:, place])
            )
        return float(np.mean([abs(_tau_b(row)) >= 0.7 for row in series[:1500]]))

    assert tolerated is not None
    assert as_ordered(tolerated) == pytest.approx(0.05, abs=0.02)
    assert as_ordered(min(0.99, tolerated + 0.3)) > 0.08


def test_no_trend_tolerates_nothing():
    assert tolerated_autocorrelation(Trend(0.2, 0.4, 8), 1, 0.05, np.random.default_rng(0)) is None
