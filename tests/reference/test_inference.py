"""Tests, margins, effect sizes and adjustments against scipy, pingouin and statsmodels."""

from __future__ import annotations

import numpy as np
import pingouin as pg
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from hypotest.inference.crossed import Component, Variances, crossed_interval, jackknife_variance
from hypotest.inference.effect_size import cliffs_delta, paired_standardized_difference
from hypotest.inference.equivalence import equivalence_p, smallest_effect, t_p_value
from hypotest.inference.margins import equivalence_ceiling
from hypotest.inference.multiplicity import adjust, benjamini_yekutieli
from hypotest.inference.randomization import (
    Alternative,
    compare_with_null,
)
from hypotest.inference.relabelling import permute_types
from hypotest.records.results.prediction_result import Interval
from tests import strategies
from tests.reference import values


def of_mean(x: np.ndarray, level: float) -> Interval:
    """The interval of a mean over documents of one position each, by its jackknife."""
    n = len(x)
    without = (x.sum() - x) / (n - 1)
    return crossed_interval(float(x.mean()), Variances(Component(jackknife_variance(without), n), ()), level)


class TestRandomization:
    @pytest.mark.parametrize("case", values.read("inference", "randomization"))
    def test_stored(self, case: values.Case) -> None:
        for alternative, expected in case["p_value"].items():
            comparison = compare_with_null(case["observed"], np.array(case["draws"]), alternative)
            assert comparison.p_value == pytest.approx(expected, abs=1e-12)
        # An exact test counts the data among all relabellings; here they are one more.
        every = np.array(case["every"])
        others = np.delete(every, np.argmin(np.abs(every - case["observed"])))
        for alternative, expected in case["exact_p_value"].items():
            comparison = compare_with_null(case["observed"], others, alternative)
            assert comparison.p_value == pytest.approx(expected, abs=1e-12)

    @given(
        a=strategies.samples(3, 8),
        b=strategies.samples(3, 8),
        alternative=strategies.ALTERNATIVES,
        seed=strategies.SEEDS,
    )
    @settings(deadline=None, max_examples=40)
    def test_scipys_draws_give_scipys_p_value(
        self, a: np.ndarray, b: np.ndarray, alternative: Alternative, seed: int
    ) -> None:
        """Two-sided is twice the smaller tail, at most 1, in both; ties count in both."""
        theirs = stats.permutation_test(
            (a, b),
            lambda x, y, axis: x.sum(axis=axis),
            alternative=alternative,
            n_resamples=60,
            vectorized=True,
            rng=np.random.default_rng(seed),
        )
        observed, draws = float(theirs.statistic), theirs.null_distribution
        if special.comb(a.size + b.size, a.size) <= 60:  # scipy takes all, the data among them
            draws = np.delete(draws, np.argmax(draws == observed))
        ours = compare_with_null(observed, draws, alternative)
        assert ours.p_value == pytest.approx(theirs.pvalue)

    @given(draws=strategies.samples(2, 40), observed=st.integers(-7, 7), alternative=strategies.ALTERNATIVES)
    @settings(deadline=None, max_examples=60)
    def test_monte_carlo_test_percentile_and_z(
        self, draws: np.ndarray, observed: int, alternative: Alternative
    ) -> None:
        rest = iter(draws)
        theirs = stats.monte_carlo_test(
            [float(observed)],
            lambda size: np.full(size, next(rest)),
            lambda sample: sample[0],
            vectorized=False,
            n_resamples=len(draws),
            batch=1,
            alternative=alternative,
        )
        ours = compare_with_null(float(observed), draws, alternative)
        assert ours.p_value == pytest.approx(theirs.pvalue)
        assert ours.percentile == pytest.approx(stats.percentileofscore(draws, observed, kind="mean"))
        if np.ptp(draws) == 0:
            assert ours.z is None
        else:
            assert ours.z == pytest.approx(stats.zmap([observed], draws, ddof=1)[0])

    @given(data=st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=12))
    @settings(deadline=None, max_examples=30)
    def test_number_of_relabellings_of_types(self, data: list[tuple[int, bool]]) -> None:
        positions, labelled = np.array(data).T
        types = np.repeat(np.arange(len(data)), positions)
        relabellings = permute_types(labelled.astype(bool)[types], types, 2, np.random.default_rng(0))
        strata = np.floor(np.log2(positions))
        expected = sum(
            np.log10(special.comb((strata == s).sum(), labelled[strata == s].sum())) for s in set(strata)
        )
        assert relabellings.log10_distinct == pytest.approx(expected, abs=1e-9)


class TestPairs:
    @pytest.mark.parametrize("case", values.read("inference", "paired"))
    def test_stored(self, case: values.Case) -> None:
        a, b = np.array(case["a"]), np.array(case["b"])
        interval = of_mean(a - b, 0.9)
        centre = (interval.low + interval.high) / 2
        p = t_p_value(centre, interval.standard_error, interval.degrees_of_freedom)
        assert p == pytest.approx(case["p_value"])
        assert equivalence_p(interval, (-case["bound"], case["bound"])) == pytest.approx(case["tost"])
        assert equivalence_p(interval, tuple(case["margin"])) == pytest.approx(case["ttost"])
        effect = paired_standardized_difference(a, b, case["level"])
        assert effect is not None
        assert effect.value == pytest.approx(case["cohen_dz"])
        assert (effect.low, effect.high) == pytest.approx(tuple(case["interval"]), abs=1e-6)
        assert cliffs_delta(a, b) == pytest.approx(case["somers_d"])

    @given(
        pair=strategies.pairs(), low=st.floats(-2, -0.1), high=st.floats(0.1, 2), level=st.floats(0.8, 0.99)
    )
    @settings(deadline=None, max_examples=40)
    def test_equivalence_of_random_pairs(
        self, pair: tuple[np.ndarray, np.ndarray], low: float, high: float, level: float
    ) -> None:
        difference = pair[0] - pair[1]
        interval = of_mean(difference, level)
        limits = DescrStatsW(difference).tconfint_mean(alpha=1 - level)
        assert (interval.low, interval.high) == pytest.approx(limits)
        tost = pg.tost(*pair, bound=high, paired=True).loc["TOST", "pval"]
        assert equivalence_p(interval, (-high, high)) == pytest.approx(tost)
        assert equivalence_p(interval, (low, high)) == pytest.approx(ttost_paired(*pair, low, high)[0])
        p = t_p_value(difference.mean(), interval.standard_error, interval.degrees_of_freedom)
        assert p == pytest.approx(stats.ttest_rel(*pair).pvalue)
        # What would just have been significant.
        shifted = difference - difference.mean() + smallest_effect(interval, 1 - level)
        assert stats.ttest_1samp(shifted, 0).pvalue == pytest.approx(1 - level)

    @given(pair=strategies.pairs(size=(2, 30)))
    @settings(deadline=None, max_examples=40)
    def test_standardized_difference(self, pair: tuple[np.ndarray, np.ndarray]) -> None:
        effect = paired_standardized_difference(*pair)
        assert effect is not None
        assert effect.value == pytest.approx(pg.compute_effsize(*pair, paired=True, eftype="cohen_dz"))

    @given(a=strategies.samples(), b=strategies.samples())
    @settings(deadline=None, max_examples=40)
    def test_cliffs_delta_is_somers_d(self, a: np.ndarray, b: np.ndarray) -> None:
        sample = np.repeat([1, 0], [a.size, b.size])
        pooled = np.concatenate([a, b])
        assume(np.ptp(pooled) > 0)
        assert cliffs_delta(a, b) == pytest.approx(stats.somersd(sample, pooled).statistic)

    @given(seed=strategies.SEEDS, low=st.floats(-2, 0), high=st.floats(0, 2))
    @settings(deadline=None, max_examples=25)
    def test_ceiling_is_a_difference_of_the_empirical_distribution(
        self, seed: int, low: float, high: float
    ) -> None:
        draws = np.random.default_rng(seed).normal(3, 1, 40)
        below = stats.ecdf(draws - draws.mean()).cdf.evaluate([low, high])
        assert equivalence_ceiling(draws, (low, high)) == pytest.approx(below[1] - below[0])


class TestMultiplicity:
    @pytest.mark.parametrize("case", values.read("inference", "multiplicity"))
    def test_stored(self, case: values.Case) -> None:
        p = case["p"]
        assert adjust(p, len(p)) == pytest.approx(case["bonferroni"])
        assert adjust(p, len(p), "holm") == pytest.approx(case["holm"])
        assert benjamini_yekutieli(p) == pytest.approx(case["fdr_by"])

    @given(p=strategies.P_VALUES)
    @settings(deadline=None, max_examples=60)
    def test_other_libraries_than_statsmodels(self, p: list[float]) -> None:
        assert adjust(p, len(p)) == pytest.approx(pg.multicomp(p, method="bonf")[1])
        assert adjust(p, len(p), "holm") == pytest.approx(pg.multicomp(p, method="holm")[1])
        assert benjamini_yekutieli(p) == pytest.approx(stats.false_discovery_control(p, method="by"))
