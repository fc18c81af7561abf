"""Effect sizes: by hand, against pingouin, and the coverage of the interval."""

from __future__ import annotations

import numpy as np
import pingouin as pg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hypotest.inference.effect_size import cliffs_delta, paired_standardized_difference

INTEGERS = st.lists(st.integers(-5, 5), min_size=1, max_size=25)


class TestPairedStandardizedDifference:
    def test_by_hand(self) -> None:
        # Differences 1, 2, 3: mean 2, SD 1.
        effect = paired_standardized_difference(np.array([2.0, 4, 6]), np.array([1.0, 2, 3]))
        assert effect is not None
        assert effect.value == pytest.approx(2.0)
        assert effect.level == 0.95

    def test_agrees_with_pingouin(self) -> None:
        rng = np.random.default_rng(0)
        a = rng.normal(size=300)
        b = a + rng.normal(0.4, 0.9, 300)
        effect = paired_standardized_difference(a, b, 0.90)
        assert effect is not None
        assert effect.value == pytest.approx(pg.compute_effsize(a, b, paired=True, eftype="cohen_dz"))
        approximate = pg.compute_esci(
            effect.value, 300, 300, paired=True, eftype="cohen", confidence=0.90, decimals=8
        )
        assert (effect.low, effect.high) == pytest.approx(tuple(approximate), abs=0.002)

    @pytest.mark.parametrize(("n", "shift"), [(5, 1.2), (20, -0.8), (40, 0.0), (200, 3.0)])
    def test_limits_put_the_observed_t_in_their_tails(self, n: int, shift: float) -> None:
        # scipy's noncentral t distribution comes from another library than the solver.
        a = np.random.default_rng(n).normal(shift, 1, n)
        effect = paired_standardized_difference(a, np.zeros(n), 0.90)
        assert effect is not None
        t, root = effect.value * np.sqrt(n), np.sqrt(n)
        assert stats.nct.sf(t, n - 1, effect.low * root) == pytest.approx(0.05, abs=2e-5)
        assert stats.nct.cdf(t, n - 1, effect.high * root) == pytest.approx(0.05, abs=2e-5)
        # Zero lies inside exactly when the t test is not significant.
        significant = stats.ttest_1samp(a, 0.0).pvalue <= 0.10
        assert significant == (not effect.low <= 0 <= effect.high)

    def test_coverage(self) -> None:
        rng = np.random.default_rng(5)
        n_simulations, delta, covered = 1500, 1.0, 0
        for _ in range(n_simulations):
            effect = paired_standardized_difference(rng.normal(2 * delta, 2, 12), np.zeros(12), 0.90)
            covered += effect is not None and effect.low <= delta <= effect.high
        low, high = stats.binom.ppf([0.0005, 0.9995], n_simulations, 0.90)
        assert low <= covered <= high

    @given(values=st.lists(st.tuples(*[st.floats(-100, 100)] * 2), min_size=2, max_size=20))
    @settings(deadline=None, max_examples=50)
    def test_invariants(self, values: list[tuple[float, float]]) -> None:
        a, b = np.array(values).T
        effect, swapped = paired_standardized_difference(a, b), paired_standardized_difference(b, a)
        if effect is None:
            assert swapped is None
            return
        assert swapped is not None
        assert effect.low <= effect.value <= effect.high
        mirrored = (-effect.value, -effect.high, -effect.low)
        assert (swapped.value, swapped.low, swapped.high) == pytest.approx(mirrored, rel=1e-6, abs=1e-12)

    def test_differences_that_do_not_vary(self) -> None:
        a = np.array([0.1, 0.2, 0.3])
        assert paired_standardized_difference(a, a) is None
        assert paired_standardized_difference(a + 0.7, a) is None  # equal but for rounding

    def test_differences_that_hardly_vary(self) -> None:
        # The solver's side of t = 1,000 and the other agree: limits are proportional to t there.
        rng = np.random.default_rng(1)
        noise = rng.normal(size=20)
        noise = (noise - noise.mean()) / noise.std(ddof=1)
        below, above, far = (
            paired_standardized_difference(noise + d, np.zeros(20)) for d in (220.0, 230.0, 1e9)
        )
        assert below is not None and above is not None and far is not None
        for limit in ("low", "high"):
            ratios = [getattr(item, limit) / item.value for item in (below, above, far)]
            assert ratios == pytest.approx([ratios[0]] * 3, rel=2e-4)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="found 2 and 3"):
            paired_standardized_difference(np.ones(2), np.ones(3))
        with pytest.raises(ValueError, match="at least 2"):
            paired_standardized_difference(np.ones(1), np.ones(1))
        with pytest.raises(ValueError, match="finite"):
            paired_standardized_difference(np.array([1.0, np.nan]), np.ones(2))
        with pytest.raises(ValueError, match="level"):
            paired_standardized_difference(np.ones(2), np.ones(2), 95.0)


class TestCliffsDelta:
    def test_by_hand(self) -> None:
        # (1, 2, 3) against (2, 2): above 2 (the 3), below 2 (the 1), ties 2, of 6.
        assert cliffs_delta(np.array([1.0, 2, 3]), np.array([2.0, 2])) == 0.0
        assert cliffs_delta(np.array([3.0, 4]), np.array([1.0, 2, 2])) == 1.0
        assert cliffs_delta(np.array([0.0]), np.array([1.0])) == -1.0

    @given(a=INTEGERS, b=INTEGERS)
    @settings(deadline=None, max_examples=50)
    def test_all_pairs_and_the_mann_whitney_statistic(self, a: list[int], b: list[int]) -> None:
        x, y = np.array(a, dtype=float), np.array(b, dtype=float)
        delta = cliffs_delta(x, y)
        assert delta == pytest.approx(np.sign(np.subtract.outer(x, y)).mean())
        # U counts pairs above, ties half: delta = 2 U / (n m) - 1; pingouin calls U / (n m) CLES.
        u = stats.mannwhitneyu(x, y, method="asymptotic").statistic
        assert delta == pytest.approx(2 * u / (x.size * y.size) - 1)
        assert delta == pytest.approx(2 * pg.compute_effsize(x, y, eftype="cles") - 1)
        assert cliffs_delta(y, x) == -delta
        # Only the order counts.
        assert cliffs_delta(np.exp(x), np.exp(y)) == delta

    def test_refuses(self) -> None:
        for wrong in (np.array([]), np.ones((2, 2)), np.array([np.inf])):
            with pytest.raises(ValueError, match="finite, non-empty"):
                cliffs_delta(wrong, np.ones(2))
            with pytest.raises(ValueError, match="finite, non-empty"):
                cliffs_delta(np.ones(2), wrong)
