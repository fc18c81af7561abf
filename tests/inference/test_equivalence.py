"""Equivalence and outcomes: by hand, against pingouin, and the decision table."""

from __future__ import annotations

import numpy as np
import pingouin as pg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hypotest.inference.equivalence import (
    beyond_p,
    classify,
    direction_of,
    equivalence_p,
    smallest_effect,
    t_p_value,
)
from hypotest.inference.margins import diluted, equivalence_ceiling, resolve_margin
from hypotest.inference.randomization import compare_with_null
from hypotest.records.protocol.prediction import Margin
from hypotest.records.results.prediction_result import Interval


def around(centre: float, standard_error: float, df: int = 30, level: float = 0.90) -> Interval:
    half = float(stats.t.ppf((1 + level) / 2, df)) * standard_error
    return Interval(centre - half, centre + half, level, standard_error, df)


def margin(**kind: float) -> Margin:
    return Margin.model_validate(kind)


class TestResolveMargin:
    def test_three_kinds(self) -> None:
        assert resolve_margin(margin(raw=0.05)) == (-0.05, 0.05)
        assert resolve_margin(margin(ratio=0.1), null_mean=-30.0) == pytest.approx((-3.0, 3.0))
        assert resolve_margin(margin(null_sd=2), 30.0, 0.4) == (-0.8, 0.8)
        assert resolve_margin(margin(null_sd=2), 30.0, 0.0) == (0.0, 0.0)

    def test_it_is_as_narrow_as_what_a_null_can_show(self) -> None:
        assert resolve_margin(margin(raw=0.05), exchanged=0.2) == pytest.approx((-0.01, 0.01))
        assert resolve_margin(margin(ratio=0.1), -30.0, exchanged=0.5) == pytest.approx((-1.5, 1.5))
        assert resolve_margin(margin(null_sd=2), 30.0, 0.4, 0.25) == pytest.approx((-0.2, 0.2))

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="ratio needs the mean of the null, found None"):
            resolve_margin(margin(ratio=0.1), null_sd=1.0)
        with pytest.raises(ValueError, match="null_sd needs the SD of random groups, found nan"):
            resolve_margin(margin(null_sd=2), 1.0, float("nan"))


class TestDiluted:
    def test_of_a_mean_it_is_what_is_left(self) -> None:
        """Members that differ by 1 from all others, among groups that keep 6 of 8 of them."""
        values = np.r_[np.ones(8), np.zeros(92)]
        rng = np.random.default_rng(0)
        groups = np.array([np.r_[rng.choice(8, 6, False), 8 + rng.choice(92, 2, False)] for _ in range(50)])
        assert 1 - values[groups].mean() == pytest.approx(diluted(6 / 8, 0.0) * 1.0)

    def test_of_random_groups_nothing_is_lost(self) -> None:
        assert diluted(0.25, 0.25) == 1.0
        assert diluted(0.2, 0.25) == 1.0
        assert diluted(1.0, 0.0) == 0.0
        assert diluted(1.0, 1.0) == 1.0


class TestCeiling:
    def test_by_hand(self) -> None:
        draws = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
        # Mean 4: effects -3, -2, -1, 0, 6.
        assert equivalence_ceiling(draws, (-2.0, 2.0)) == pytest.approx(3 / 5)
        # Given mean 2: -1, 0, 1, 2, 8.
        assert equivalence_ceiling(draws, (-2.0, 2.0), 2.0) == pytest.approx(4 / 5)
        # Undefined draws lie outside, and are no part of the mean.
        assert equivalence_ceiling(np.append(draws, np.nan), (-2.0, 2.0)) == pytest.approx(3 / 6)

    def test_two_sd_of_a_normal_null(self) -> None:
        draws = np.random.default_rng(0).normal(3, 0.5, 20_000)
        assert equivalence_ceiling(draws, (-1.0, 1.0)) == pytest.approx(0.9545, abs=0.006)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            equivalence_ceiling(np.array([]), (-1.0, 1.0), 0.0)
        with pytest.raises(ValueError, match="at least one"):
            equivalence_ceiling(np.array([np.nan]), (-1.0, 1.0))


class TestPValues:
    def test_t_p_value_agrees_with_scipy(self) -> None:
        x = np.random.default_rng(0).normal(0.3, 1, 25)
        reference = stats.ttest_1samp(x, 0.1)
        error = float(x.std(ddof=1) / 5)
        assert t_p_value(float(x.mean()) - 0.1, error, 24) == pytest.approx(reference.pvalue)

    def test_t_p_value_without_error(self) -> None:
        assert (t_p_value(0.0, 0.0, 9), t_p_value(-1.0, 0.0, 9), t_p_value(0.0, 1.0, 9)) == (
            1,
            0,
            1,
        )
        with pytest.raises(ValueError, match="negative"):
            t_p_value(1.0, -1.0, 9)

    @pytest.mark.parametrize("shift", [-0.3, 0.0, 0.1, 0.9])
    def test_agrees_with_pingouins_tost_on_pairs(self, shift: float) -> None:
        rng = np.random.default_rng(2)
        a = rng.normal(size=30)
        b = a + rng.normal(-shift, 0.8, 30)
        d = a - b
        interval = around(float(d.mean()), float(d.std(ddof=1) / np.sqrt(30)), df=29)
        reference = pg.tost(a, b, bound=0.4, paired=True).loc["TOST", "pval"]
        assert equivalence_p(interval, (-0.4, 0.4)) == pytest.approx(float(reference))

    def test_asymmetric_by_hand(self) -> None:
        # Distances 3 and 1, error 1: the nearer limit decides, P(t_30 > 1).
        p = equivalence_p(around(1.0, 1.0), (-2.0, 2.0))
        assert p == pytest.approx(float(stats.t.sf(1.0, 30)))
        assert p == equivalence_p(around(-1.0, 1.0, level=0.95), (-2.0, 2.0))

    def test_without_error_the_point_decides(self) -> None:
        assert equivalence_p(around(0.5, 0.0), (-1.0, 1.0)) == 0.0
        assert equivalence_p(around(1.0, 0.0), (-1.0, 1.0)) == 1.0
        assert equivalence_p(around(0.0, 0.0), (0.0, 0.0)) == 1.0

    @given(
        centre=st.floats(-3, 3),
        error=st.floats(0.01, 2),
        df=st.integers(19, 500),
        half_width=st.floats(0.01, 5),
        level=st.floats(0.001, 0.2),
    )
    @settings(deadline=None, max_examples=100)
    def test_p_within_the_level_means_interval_within_the_margin(
        self, centre: float, error: float, df: int, half_width: float, level: float
    ) -> None:
        interval = around(centre, error, df, 1 - 2 * level)
        room = min(interval.low + half_width, half_width - interval.high)
        p = equivalence_p(interval, (-half_width, half_width))
        if abs(room) > 1e-6:
            assert (p <= level) == (room > 0)
        assert 0 <= p <= 1
        # Wider margins are easier.
        assert equivalence_p(interval, (-2 * half_width, 2 * half_width)) <= p


class TestClassify:
    # Effect, p, standard error, margin; level 0.05. t(0.95; 30) = 1.697.
    @pytest.mark.parametrize(
        ("effect", "p", "error", "margin", "expected"),
        [
            (0.0, 0.80, 0.1, (-1.0, 1.0), "equivalent"),  # 0 +- 0.17
            (0.0, 0.80, 0.7, (-1.0, 1.0), "inconclusive"),  # 0 +- 1.19
            (0.0, 0.80, 0.1, None, "inconclusive"),
            (0.5, 0.01, 0.1, (-1.0, 1.0), "equivalent"),  # significant and small
            (0.9, 0.01, 0.1, (-1.0, 1.0), "greater"),  # 0.9 + 0.17
            (-0.9, 0.01, 0.1, (-1.0, 1.0), "less"),
            (-3.0, 0.01, 0.1, (-1.0, 1.0), "less"),
            (3.0, 0.05, 0.1, None, "greater"),  # p = level
            (3.0, 0.051, 0.1, None, "inconclusive"),
            (3.0, 0.20, 0.1, (-1.0, 1.0), "inconclusive"),
        ],
    )
    def test_table(
        self,
        effect: float,
        p: float,
        error: float,
        margin: tuple[float, float] | None,
        expected: str,
    ) -> None:
        outcome, notes = classify(
            effect=effect, p_value=p, interval=around(effect, error), margin=margin, level=0.05
        )
        assert outcome == expected
        assert any("too small to matter" in note for note in notes) == (
            expected == "equivalent" and p <= 0.05
        )

    def test_the_level_of_the_interval_does_not_matter(self) -> None:
        for level in (0.5, 0.90, 0.95):
            interval = around(0.0, 0.55, level=level)  # +- 0.93 at 90 %, +- 1.12 at 95 %
            outcome, _ = classify(effect=0.0, p_value=0.9, interval=interval, margin=(-1.0, 1.0), level=0.05)
            assert outcome == "equivalent"

    @pytest.mark.parametrize(("p", "expected"), [(0.5, "inconclusive"), (0.01, "greater")])
    def test_a_low_ceiling_forbids_equivalence(self, p: float, expected: str) -> None:
        def outcome(ceiling: float) -> tuple[str, tuple[str, ...]]:
            return classify(
                effect=0.1, p_value=p, interval=around(0.1, 0.1), margin=(-1.0, 1.0), level=0.05,
                ceiling=ceiling,
            )  # fmt: skip

        classified, notes = outcome(0.89)
        assert classified == expected
        assert "89%" in notes[0]
        assert outcome(0.90)[0] == "equivalent"

    def test_a_low_ceiling_is_no_news_outside_the_margin(self) -> None:
        _, notes = classify(
            effect=5.0,
            p_value=0.5,
            interval=around(5.0, 0.1),
            margin=(-1.0, 1.0),
            level=0.05,
            ceiling=0.1,
        )
        assert notes == ()

    @pytest.mark.parametrize("effect", [0.0, 0.5, 1.1])
    @pytest.mark.parametrize("p", [0.6, 0.051, None])
    def test_a_value_without_an_interval_is_never_equivalent(self, effect: float, p: float | None) -> None:
        outcome, notes = classify(effect=effect, p_value=p, interval=None, margin=(-1.0, 1.0), level=0.05)
        assert outcome == "inconclusive"
        assert "without an interval, a value inside the margin proves nothing" in notes[0]

    def test_a_difference_needs_no_interval(self) -> None:
        assert classify(
            effect=-1.1, p_value=0.01, interval=None, margin=(-1.0, 1.0), level=0.05, percentile=0.5
        ) == ("less", ())

    def test_the_sign_is_that_of_the_centre_to_which_p_belongs(self) -> None:
        # the plain effect is negative; corrected for bias it is 0.02, and p is that of 0.02
        interval = Interval(0.01, 0.03, 0.90, 0.01 / 1.697, 30)
        p = t_p_value(0.02, interval.standard_error, 30)
        assert classify(effect=-1e-3, p_value=p, interval=interval, margin=None, level=0.05)[0] == "greater"
        assert (
            classify(effect=-1e-3, p_value=0.01, interval=interval, margin=None, level=0.05)[0] == "greater"
        )

    def test_beyond_the_margin_is_asked_on_the_side_of_the_outcome(self) -> None:
        interval = around(0.5, 0.1)  # 3 SE beyond a margin of 0.2, while the plain effect is -0.01
        side = direction_of(-0.01, interval, None)
        assert beyond_p(interval, (-0.2, 0.2), side) == pytest.approx(float(stats.t.sf(3.0, 30)))
        assert beyond_p(interval, (-0.2, 0.2), direction_of(-0.01, interval, 1.0)) > 0.99
        assert beyond_p(interval, (-0.2, 0.2), 0.0) == 1.0

    @given(
        effect=st.floats(-3, 3),
        centre=st.floats(-3, 3),
        error=st.floats(0.01, 2),
        percentile=st.one_of(st.none(), st.floats(0, 100)),
        p=st.floats(0.0001, 1),
        half_width=st.one_of(st.none(), st.floats(0.01, 5)),
    )
    @settings(deadline=None, max_examples=200)
    def test_no_outcome_against_its_own_interval(
        self,
        effect: float,
        centre: float,
        error: float,
        percentile: float | None,
        p: float,
        half_width: float | None,
    ) -> None:
        """Whatever the plain effect: the direction never contradicts the draws, nor the whole interval."""
        interval = around(centre, error)
        p = p if percentile is not None else t_p_value(centre, error, 30)
        limits = None if half_width is None else (-half_width, half_width)
        outcome, notes = classify(
            effect=effect, p_value=p, interval=interval, margin=limits, level=0.05, percentile=percentile
        )
        if outcome == "greater":
            assert interval.high >= 0 and (centre > 0 if percentile is None else percentile > 50)
        elif outcome == "less":
            assert interval.low <= 0 and (centre < 0 if percentile is None else percentile < 50)
        elif p <= 0.05 and outcome == "inconclusive" and (percentile or centre) not in (0, 50):
            assert "nothing is concluded" in notes[-1]

    def test_direction_is_relative_to_the_median_of_the_null(self) -> None:
        # Half of the draws are 0, and a few so large that their mean exceeds an extreme observed
        # value.
        draws = np.concatenate([np.zeros(990), np.full(9, 1e4)])
        comparison = compare_with_null(50.0, draws)
        assert comparison.p_value <= 0.05
        effect = comparison.observed - comparison.mean
        assert effect < 0
        outcome, _ = classify(
            effect=effect, p_value=comparison.p_value, interval=None, margin=None, level=0.05,
            percentile=comparison.percentile,
        )  # fmt: skip
        assert outcome == "greater"

    def test_no_direction_no_outcome(self) -> None:
        outcome, _ = classify(effect=0.0, p_value=0.01, interval=None, margin=None, level=0.05)
        assert outcome == "inconclusive"


class TestSmallestEffect:
    def test_by_hand(self) -> None:
        # 99 draws, level 0.05: 2 (b + 1)/100 <= 0.05 allows b = 1. Sorted 1..99, mean 50: beyond
        # all but one means above 98 or below 2, distance 48.
        assert smallest_effect(np.arange(1.0, 100.0), 0.05) == pytest.approx(48.0)
        # Skewed, mean 51.4: beyond all but one is below 3 (48.4 away) or above 99 (47.6 away).
        skewed = np.arange(1.0, 100.0)
        skewed[0] = 141.0
        assert smallest_effect(skewed, 0.05) == pytest.approx(4950 / 99 + 140 / 99 - 3)
        # 19 draws: 2/20 = 0.1 cannot reach 0.05, but 0.1.
        assert smallest_effect(np.arange(19.0), 0.05) is None
        assert smallest_effect(np.arange(19.0), 0.1) == pytest.approx(9.0)
        # One undefined draw uses up the one that was allowed; two leave none.
        draws = np.arange(1.0, 100.0)
        draws[0] = np.nan
        assert smallest_effect(draws, 0.05) == pytest.approx(50.5 - 2)  # 2..99, mean 50.5
        draws[1] = np.nan
        assert smallest_effect(draws, 0.05) is None
        assert smallest_effect(np.full(99, np.nan), 0.05) is None

    def test_on_an_interval(self) -> None:
        # t(0.975; 30) = 2.0423.
        assert smallest_effect(around(7.0, 0.5), 0.05) == pytest.approx(1.02115, abs=1e-4)
        critical = smallest_effect(around(0.0, 0.5), 0.05)
        assert critical is not None
        assert t_p_value(critical, 0.5, 30) == pytest.approx(0.05)

    @given(
        draws=st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=120),
        level=st.sampled_from([0.01, 0.05, 0.1, 0.2]),
        undefined=st.integers(0, 2),
    )
    @settings(deadline=None, max_examples=100)
    def test_larger_effects_are_significant_in_both_directions(
        self, draws: list[float], level: float, undefined: int
    ) -> None:
        values = np.array([*draws, *[np.nan] * undefined])
        size, mean = smallest_effect(values, level), float(np.mean(draws))
        if size is None:
            assert compare_with_null(1e6, values).p_value > level
            return
        for sign in (-1, 1):
            assert compare_with_null(mean + sign * (size + 1e-6), values).p_value <= level
        inside = [compare_with_null(mean + sign * (size - 1e-6), values).p_value for sign in (-1, 1)]
        assert max(inside) > level
