"""Variances over two crossed factors: by hand, combinations, degrees of freedom, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hypotest.inference.crossed import (
    MINIMUM_UNITS,
    Component,
    Variances,
    crossed_interval,
    jackknife_bias,
    jackknife_variance,
)
from hypotest.inference.equivalence import equivalence_p, t_p_value


def variances(
    documents: float = 1.0, types: tuple[float, ...] = (2.0,), cells: float = 0.5, units: float = 50.0
) -> Variances:
    return Variances(Component(documents, units), tuple(Component(item, units) for item in types), cells)


class TestJackknife:
    def test_variance_of_a_mean_is_its_squared_standard_error(self) -> None:
        x = np.random.default_rng(0).exponential(size=40)
        left_out = (x.sum() - x) / 39
        assert jackknife_variance(left_out) == pytest.approx(x.var(ddof=1) / 40)
        assert jackknife_bias(float(x.mean()), left_out) == pytest.approx(0.0, abs=1e-12)

    def test_bias_of_the_variance_with_denominator_n(self) -> None:
        # The plug-in variance has bias -s^2 / n, which the jackknife estimates exactly.
        x = np.random.default_rng(1).normal(size=30)
        left_out = np.array([np.delete(x, place).var() for place in range(30)])
        assert jackknife_bias(float(x.var()), left_out) == pytest.approx(-x.var(ddof=1) / 30)

    @pytest.mark.parametrize("values", [np.array([1.0]), np.array([1.0, np.nan]), np.ones((2, 2))])
    def test_refuses_what_it_cannot_use(self, values: np.ndarray) -> None:
        with pytest.raises(ValueError, match="jackknife needs a finite value"):
            jackknife_variance(values)


class TestTotal:
    def test_by_hand(self) -> None:
        assert variances().total == 2.5  # 1 + 2 - 0.5
        assert variances(types=(2.0, 4.0), cells=3.0).total == 6.0  # 1 + 6 - 3 < 6
        assert variances(documents=9.0, types=(1.0,), cells=8.0).total == 9.0

    def test_documents_alone_where_labels_belong_to_them(self) -> None:
        alone = variances(types=(), cells=0.7)
        assert alone.total == 1.0
        assert alone.degrees_of_freedom == 49

    @given(*[st.floats(0, 1e6)] * 3)
    def test_lies_between_the_larger_and_the_sum(self, d: float, t: float, c: float) -> None:
        assert max(d, t) <= variances(d, (t,), c).total <= d + t


class TestDegreesOfFreedom:
    def test_satterthwaite_by_hand(self) -> None:
        # (3 + 1)^2 / (9/29 + 1/9) = 16 / 0.421456 = 37.96, rounded down; documents have 199.
        item = Variances(Component(1.0, 200), (Component(3.0, 30), Component(1.0, 10)))
        assert item.degrees_of_freedom == 37

    def test_documents_limit_them(self) -> None:
        item = Variances(Component(1.0, 25.5), (Component(3.0, 100), Component(1.0, 100)))
        assert item.degrees_of_freedom == 24

    def test_without_any_variance_over_types(self) -> None:
        item = Variances(Component(1.0, 500), (Component(0.0, 41), Component(0.0, 41)))
        assert item.degrees_of_freedom == 80

    def test_as_welch_has_them_for_two_means(self) -> None:
        rng = np.random.default_rng(3)
        x, y = rng.normal(size=25), 3 * rng.normal(size=40)
        item = Variances(
            Component(0.0, 1e9), (Component(x.var(ddof=1) / 25, 25), Component(y.var(ddof=1) / 40, 40))
        )
        theirs = stats.ttest_ind(x, y, equal_var=False).df
        assert item.degrees_of_freedom == int(theirs)


class TestTooFew:
    def test_names_what_is_short(self) -> None:
        item = Variances(Component(1.0, 19.4), (Component(1.0, 40), Component(1.0, 3.2)))
        reason = item.too_few()
        assert "19 documents" in reason
        assert "3 second types" in reason
        assert "first" not in reason
        with pytest.raises(ValueError, match="effectively only 19 documents and 3 second types"):
            crossed_interval(0.0, item, 0.9)

    def test_the_smallest_number_is_enough(self) -> None:
        units = MINIMUM_UNITS - 1e-12  # as rounding leaves 1 / sum p^2 of 20 equal units
        item = Variances(Component(1.0, units), (Component(1.0, units),))
        assert item.too_few() == ""
        assert item.degrees_of_freedom == MINIMUM_UNITS - 1


class TestInterval:
    def test_by_hand(self) -> None:
        interval = crossed_interval(1.0, variances(), 0.90, extra_variance=1.5)
        assert interval.standard_error == 2.0
        assert interval.degrees_of_freedom == 49
        assert interval.high == pytest.approx(1 + 1.6766 * 2, abs=1e-3)  # t(0.95; 49)
        assert interval.low == pytest.approx(1 - 1.6766 * 2, abs=1e-3)

    @given(st.floats(-8, 8), st.floats(0.001, 0.3))
    def test_p_and_equivalence_come_from_the_same_t(self, centre: float, level: float) -> None:
        two_sided = crossed_interval(centre, variances(), 1 - level)
        p = t_p_value(centre, two_sided.standard_error, two_sided.degrees_of_freedom)
        if abs(p - level) > 1e-9:
            assert (p < level) == (two_sided.low > 0 or two_sided.high < 0)
        inner = crossed_interval(centre, variances(), 1 - 2 * level)
        equivalence = equivalence_p(inner, (-5.0, 5.0))
        if abs(equivalence - level) > 1e-9:
            assert (equivalence < level) == (inner.low > -5 and inner.high < 5)

    @pytest.mark.parametrize(("centre", "extra", "level"), [(np.nan, 0, 0.9), (0, -1, 0.9), (0, 0, 1.0)])
    def test_refuses_impossible_numbers(self, centre: float, extra: float, level: float) -> None:
        with pytest.raises(ValueError, match="must"):
            crossed_interval(centre, variances(), level, extra_variance=extra)
