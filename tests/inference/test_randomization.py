"""Randomization tests: by hand, against scipy's exact enumeration, and their invariants."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hypotest.inference.randomization import (
    Alternative,
    compare_with_null,
    enough_draws,
)

ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "less", "greater")
FINITE = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)


class TestCompareWithNull:
    def test_by_hand(self) -> None:
        # Draws 1..9 and observed 8: at least 8 are 8 and 9, at most 8 are eight of them.
        draws = np.arange(1.0, 10.0)
        assert compare_with_null(8.0, draws, "greater").p_value == pytest.approx((2 + 1) / 10)
        assert compare_with_null(8.0, draws, "less").p_value == pytest.approx((8 + 1) / 10)
        comparison = compare_with_null(8.0, draws, null="size_matched", log10_relabellings=2.0)
        assert comparison.p_value == pytest.approx(2 * 3 / 10)
        # One-sided 0.3: 2 sqrt(0.3 * 0.7 / 9) = 0.3055.
        assert comparison.p_error == pytest.approx(0.3055, abs=1e-4)
        # 7 below and 1 tied of 9.
        assert comparison.percentile == pytest.approx(100 * 7.5 / 9)
        # Mean 5, variance 60 / 8 = 7.5.
        assert (comparison.mean, comparison.sd) == pytest.approx((5.0, math.sqrt(7.5)))
        assert comparison.z == pytest.approx(3 / math.sqrt(7.5))
        assert (comparison.null, comparison.statistic, comparison.n_draws) == ("size_matched", "T(G)", 9)
        assert (comparison.log10_relabellings, comparison.n_undefined) == (2.0, 0)

    @pytest.mark.parametrize("alternative", ALTERNATIVES)
    def test_all_relabellings_but_the_observed_one_give_scipys_exact_p(
        self, alternative: Alternative
    ) -> None:
        # (b + 1)/(B + 1) over all other relabellings is the exact p-value, whose count includes
        # the data.
        rng = np.random.default_rng(3)
        a, b = rng.normal(0.8, 1, 5), rng.normal(0, 1, 4)
        pooled = np.concatenate([a, b])

        def difference(x: np.ndarray, y: np.ndarray) -> float:
            return float(x.mean() - y.mean())

        every = [
            difference(pooled[list(chosen)], np.delete(pooled, chosen))
            for chosen in itertools.combinations(range(9), 5)
        ]
        ours = compare_with_null(every[0], np.array(every[1:]), alternative)
        exact = stats.permutation_test(
            (a, b),
            difference,
            permutation_type="independent",
            alternative=alternative,
            n_resamples=np.inf,
        )
        assert len(every) == len(exact.null_distribution) == 126
        assert ours.p_value == pytest.approx(exact.pvalue)

    def test_uniform_under_the_null(self) -> None:
        # 19 exchangeable draws: one-sided p takes k/20 with probability 1/20 each.
        rng = np.random.default_rng(0)
        p = [compare_with_null(x[0], x[1:], "greater").p_value for x in rng.normal(size=(2000, 20))]
        counts = np.bincount(np.rint(20 * np.array(p)).astype(int), minlength=21)
        assert counts[0] == 0
        assert stats.chisquare(counts[1:]).pvalue > 0.001

    @pytest.mark.parametrize("alternative", ALTERNATIVES)
    def test_undefined_draws_count_as_extreme_in_both_tails(self, alternative: Alternative) -> None:
        draws = np.concatenate([np.arange(1.0, 98.0), [np.nan, np.inf]])
        comparison = compare_with_null(0.0 if alternative == "less" else 200.0, draws, alternative)
        # None of the 97 defined draws is as extreme; the 2 others are: (2 + 1) / 100.
        assert comparison.p_value == pytest.approx((2 if alternative == "two-sided" else 1) * 3 / 100)
        assert (comparison.n_undefined, comparison.n_draws, comparison.mean) == (2, 99, 49.0)

    def test_ties_within_rounding_count(self) -> None:
        total = 0.1 + 0.2  # 0.30000000000000004
        comparison = compare_with_null(total, np.array([0.3, 0.0, 0.1]), "greater")
        assert comparison.p_value == pytest.approx(2 / 4)
        assert comparison.percentile == pytest.approx(100 * 2.5 / 3)
        # An observed sum that cancels to a few eps ties with 0, as the draws are of order 1.
        assert compare_with_null(2e-16, np.array([0.0, -1.0, -1.0]), "greater").p_value == 2 / 4

    def test_a_null_that_does_not_vary(self) -> None:
        comparison = compare_with_null(1.0, np.full(7, 0.1))
        assert (comparison.z, comparison.sd) == (None, 0.0)
        assert comparison.p_value == pytest.approx(2 / 8)
        single = compare_with_null(1.0, np.array([0.5]))
        assert (single.z, single.sd, single.p_value) == (None, 0.0, 1.0)

    @given(observed=FINITE, draws=st.lists(FINITE, min_size=1, max_size=30))
    @settings(deadline=None, max_examples=60)
    def test_invariants(self, observed: float, draws: list[float]) -> None:
        values = np.array(draws)
        comparison = compare_with_null(observed, values)
        less = compare_with_null(observed, values, "less")
        greater = compare_with_null(observed, values, "greater")
        assert comparison.p_value == min(1.0, 2 * min(less.p_value, greater.p_value))
        assert 1 / (values.size + 1) <= less.p_value <= 1
        # Every draw is in a tail, ties in both; the observed value in both.
        assert (less.p_value + greater.p_value) * (values.size + 1) >= values.size + 2 - 1e-9
        mirrored = compare_with_null(-observed, -values)
        assert mirrored.p_value == comparison.p_value
        assert mirrored.percentile == pytest.approx(100 - comparison.percentile)
        assert compare_with_null(observed, values[::-1]).p_value == comparison.p_value
        assert compare_with_null(4 * observed, 4 * values).p_value == comparison.p_value

    @pytest.mark.parametrize(
        ("observed", "draws", "message"),
        [
            (1.0, np.array([]), "non-empty"),
            (1.0, np.ones((2, 2)), "vector"),
            (np.nan, np.ones(3), "observed statistic must be finite"),
            (np.inf, np.ones(3), "observed statistic must be finite"),
            (1.0, np.full(3, np.nan), "none of the 3 draws"),
        ],
    )
    def test_refuses(self, observed: float, draws: np.ndarray, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            compare_with_null(observed, draws)

    def test_refuses_an_unknown_alternative(self) -> None:
        with pytest.raises(ValueError, match="'larger'"):
            compare_with_null(1.0, np.ones(3), "larger")  # type: ignore[arg-type]  # what is tested


def test_sequential_p_is_h_over_l_once_both_tails_are_full():
    draws = np.array([0.0, 3.0, 1.0, 4.0, 5.0, -1.0])
    comparison = compare_with_null(2.0, draws, "two-sided", stop_after=2, planned_draws=100)
    # greater: 3, 4 -> the second is draw 4, p = 2/4; less: 0, 1 -> the second is draw 3, p = 2/3
    assert comparison.p_value == 1.0
    assert comparison.planned_draws == 100
    assert compare_with_null(2.0, draws, "less", stop_after=2).p_value == pytest.approx(2 / 3)
    assert compare_with_null(2.0, draws, "greater", stop_after=4).p_value == pytest.approx(4 / 7)  # not full


def test_sequential_stopping_keeps_the_level():
    """Besag and Clifford's p-value is valid: P(p <= a) <= a over the whole procedure."""
    rng = np.random.default_rng(5)
    planned, h, n = 199, 10, 4000
    p_values = np.empty(n)
    for place in range(n):
        observed, draws = rng.normal(), rng.normal(size=planned)
        for stop in range(20, planned + 1, 20):
            if enough_draws(observed, draws[:stop], h):
                break
        else:
            stop = planned
        p_values[place] = compare_with_null(observed, draws[:stop], stop_after=h).p_value
    for level in (0.02, 0.05, 0.2):
        rejected = (p_values <= level).sum()
        # 99.99 % upper limit of a binomial with this level
        assert rejected <= stats.binom.ppf(0.9999, n, level), level
    assert p_values.min() == pytest.approx(2 / (planned + 1))
