"""Groups of units that are left out in turn: what is in them, and that any weighted measure can use them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hypotest.estimators.covariances import correlation, covariance
from hypotest.estimators.dimension import effective_dimension, effective_dimension_resamples
from hypotest.inference.crossed import jackknife_variance
from hypotest.inference.crossed_means import mean_contrast
from hypotest.inference.left_out import LEFT_OUT, crossed_errors, crossed_left_out, evaluated, leave_out


def text(rng: np.random.Generator, n_documents: int, n_types: int) -> tuple[np.ndarray, ...]:
    """Documents, types and conditions (0 or 1) of rows, and the types' number."""
    documents = np.repeat(np.arange(n_documents), 10)
    conditions = np.arange(documents.size) % 2
    share = np.arange(1, n_types + 1) ** -0.5
    types = rng.choice(n_types, size=documents.size, p=share / share.sum()) + n_types * conditions
    return documents, types, conditions


class TestLeaveOut:
    @given(st.lists(st.integers(-3, 30), min_size=2, max_size=200), st.integers(2, 12), st.integers(0, 9))
    def test_units_stay_together_in_groups_of_like_size(
        self, units: list[int], n_groups: int, seed: int
    ) -> None:
        codes = np.array(units)
        distinct, counts = np.unique(codes, return_counts=True)
        if distinct.size < 2:
            return
        left_out = leave_out(codes, n_groups, np.random.default_rng(seed))
        groups = min(n_groups, distinct.size)
        assert set(left_out.units.tolist()) == set(range(groups))
        assert all(np.unique(left_out.units[codes == unit]).size == 1 for unit in distinct)
        assert np.array_equal(left_out.weights, 1 - np.eye(groups, dtype=int))
        sizes = np.bincount(left_out.units)
        assert sizes.max() - sizes.min() <= counts.max()

    def test_with_few_units_each_is_left_out_alone(self) -> None:
        left_out = leave_out(np.array([5, 5, 8, 9]), 32, np.random.default_rng(0))
        assert np.unique(left_out.units).size == 3
        assert left_out.units[0] == left_out.units[1]
        assert left_out.effective == pytest.approx(16 / 6)  # 1 / (1/4 + 1/16 + 1/16)

    def test_more_units_than_groups_count_as_the_groups(self) -> None:
        assert leave_out(np.arange(500), 32, np.random.default_rng(0)).effective == 32

    def test_rows_of_the_other_condition_always_stay(self) -> None:
        units, rows = np.arange(10), np.arange(10) < 6
        left_out = leave_out(units, 3, np.random.default_rng(0), rows)
        assert (left_out.units[6:] == 3).all()
        assert set(left_out.units[:6].tolist()) == {0, 1, 2}
        assert left_out.weights.tolist() == [[0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1]]

    def test_groups_are_random_and_seeded(self) -> None:
        units = np.arange(100)
        one, same, other = (leave_out(units, 4, np.random.default_rng(seed)).units for seed in (0, 0, 1))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)

    @pytest.mark.parametrize(("units", "groups"), [([1, 1, 1], 5), ([1, 2, 3], 1)])
    def test_refuses(self, units: list[int], groups: int) -> None:
        with pytest.raises(ValueError, match="two groups and two units"):
            leave_out(np.array(units), groups, np.random.default_rng(0))


class TestCrossedErrors:
    def test_of_one_unit_at_a_time_it_is_the_contrast_of_means(self) -> None:
        rng = np.random.default_rng(0)
        documents, types, conditions = text(rng, 40, 30)
        values = rng.normal(size=documents.size) + 0.4 * rng.normal(size=60)[types]
        first = conditions == 0

        def evaluate(units: np.ndarray, weights: np.ndarray) -> np.ndarray:
            kept = weights[:, units].astype(float)
            return (kept * first) @ values / (kept @ first) - (kept * ~first) @ values / (kept @ ~first)

        expected = mean_contrast(values, first, documents, types)
        left_out = crossed_left_out(documents, types, conditions, rng, n_groups=10_000)
        errors = crossed_errors(evaluated(evaluate, left_out), left_out)
        ours, theirs = errors.variances, expected.variances
        assert ours.documents.variance == pytest.approx(theirs.documents.variance)
        assert ours.documents.units == pytest.approx(theirs.documents.units)
        assert [item.variance for item in ours.types] == pytest.approx([x.variance for x in theirs.types])
        assert [item.units for item in ours.types] == pytest.approx([x.units for x in theirs.types])
        assert ours.cells == pytest.approx(theirs.cells)
        assert ours.degrees_of_freedom == theirs.degrees_of_freedom

    def test_a_dimension_without_types_is_that_of_the_rows_left(self) -> None:
        rng = np.random.default_rng(1)
        documents, types, conditions = text(rng, 30, 25)
        activations = rng.normal(size=(documents.size, 6)) @ rng.normal(size=(6, 6))
        left_out = crossed_left_out(documents, types, np.zeros_like(conditions), rng, n_groups=8)
        group = np.arange(6)[None]
        for item in left_out.each():
            ours = effective_dimension_resamples(activations, item.units, item.weights, 0.9, "correlation")
            theirs = [
                effective_dimension(correlation(covariance(activations[item.units != number])), group, 0.9)[0]
                for number in range(8)
            ]
            assert ours == pytest.approx(theirs)

    def test_groups_are_as_good_as_single_units(self) -> None:
        """Mean over data of the variance of a mean, over types, in 32 groups and one at a time."""
        grouped, single = [], []
        for seed in range(60):
            rng = np.random.default_rng(seed)
            _, types, conditions = text(rng, 60, 150)
            values = rng.normal(size=300)[types] + rng.normal(size=types.size)
            of_rows = conditions == 0
            for variances, number in ((grouped, LEFT_OUT), (single, 10_000)):
                item = leave_out(types, number, rng, of_rows)
                kept = item.weights[:, item.units] * of_rows
                variances.append(jackknife_variance(kept @ values / kept.sum(axis=1)))
        assert np.mean(grouped) == pytest.approx(np.mean(single), rel=0.15)
        assert np.std(grouped) < 3 * np.std(single)

    def test_coverage_of_a_ratio_over_new_documents_and_types(self) -> None:
        """A nonlinear measure, the root of a ratio of sums; 90 % intervals by the floored formula."""
        covered, alone, n = 0, 0, 300
        for seed in range(n):
            rng = np.random.default_rng((21, seed))
            documents, types, conditions = text(rng, 60, 60)
            level = 0.5 * rng.normal(size=120)[types] + 0.3 * rng.normal(size=60)[documents]
            change = 0.25 * np.exp(level + 0.3 * rng.normal(size=types.size) - 0.215)  # mean 0.25
            whole = 1 + 0.2 * rng.normal(size=types.size)

            def evaluate(
                units: np.ndarray, weights: np.ndarray, parts: tuple[np.ndarray, ...] = (change, whole)
            ) -> np.ndarray:
                kept = weights[:, units]
                return np.sqrt((kept @ parts[0]) / (kept @ parts[1]))

            estimate = float(np.sqrt(change.sum() / whole.sum()))
            left_out = crossed_left_out(documents, types, 0 * conditions, rng)
            variances = crossed_errors(evaluated(evaluate, left_out), left_out).variances
            t = abs(estimate - 0.5)
            critical = stats.t.ppf(0.95, variances.degrees_of_freedom)
            covered += bool(t <= critical * np.sqrt(variances.total))
            alone += bool(t <= stats.t.ppf(0.95, 31) * np.sqrt(variances.documents.variance))
        # 99.9 % binomial bounds around 0.90 of 300: 251 to 286.
        assert 251 <= covered <= 290
        assert alone < 245
