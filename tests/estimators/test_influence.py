from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators import influence


def test_influence_by_hand_with_mask_and_indices() -> None:
    delta = np.array([[1.0, -2.0], [-3.0, 0.0], [9.0, 9.0]], dtype=np.float32)
    mask = np.array([True, True, False])
    assert influence.influence(delta, mask).tolist() == [2.0, 1.0]
    # Row 1 twice, row 0 once: (1 + 3 + 3) / 3, (2 + 0 + 0) / 3
    np.testing.assert_allclose(influence.influence(delta, np.array([0, 1, 1])), [7 / 3, 2 / 3])
    assert np.isnan(influence.influence(delta, np.zeros(3, dtype=bool))).all()


def test_selectivity_by_hand() -> None:
    # (3-1)/4 = 0.5; (1-1)/2 = 0; (0-2)/2 = -1; 0/0 counts as 0
    rare, common = np.array([3.0, 1, 0, 0]), np.array([1.0, 1, 2, 0])
    groups = np.array([[0, 1], [0, 2], [0, 3]])
    assert influence.selectivity(rare, common, groups).tolist() == [0.25, -0.25, 0.25]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
def test_selectivity_is_antisymmetric_bounded_and_scale_free(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    rare, common = rng.exponential(size=(2, 12))
    groups = np.array([rng.choice(12, 5, replace=False) for _ in range(4)])
    value = influence.selectivity(rare, common, groups)
    np.testing.assert_allclose(influence.selectivity(common, rare, groups), -value, atol=1e-15)
    np.testing.assert_allclose(influence.selectivity(rare * scale, common * scale, groups), value)
    assert np.all(np.abs(value) <= 1)


@settings(deadline=None, max_examples=30)
@given(n_neurons=st.integers(2, 5000), n_points=st.integers(2, 80))
def test_grid_is_distinct_and_spans_the_layer(n_neurons: int, n_points: int) -> None:
    grid = influence.rank_grid(n_neurons, n_points)
    assert grid.size == min(n_points, n_neurons)
    assert grid[0] == 1 and grid[-1] == n_neurons
    assert np.all(np.diff(grid) > 0)


def test_grid_is_even_where_whole_numbers_allow() -> None:
    grid = influence.rank_grid(4096)
    steps = np.diff(np.log(grid[grid > 100]))
    assert steps.max() < 1.15 * steps.min()


def test_curve_by_hand() -> None:
    # Order by the first: neurons 2, 0, 3, 1, 4, read 5, 1, 4, 2, 0. Grid 1, 2, 5: the cut between 2
    # and 5 lies at sqrt(10) = 3.16, so ranks 1 | 2, 3 | 4, 5.
    ranking = np.array([8.0, 2.0, 9.0, 7.0, 1.0])
    read = np.array([1.0, 2.0, 5.0, 4.0, 0.0])
    grid = np.array([1, 2, 5])
    assert influence.rank_curve(ranking, read, grid).tolist() == [5.0, 2.5, 1.0]


def test_every_neuron_is_read_once() -> None:
    rng = np.random.default_rng(0)
    ranking, read = rng.exponential(size=(2, 7, 300))
    grid = influence.rank_grid(300, 40)
    # Weighted by bin sizes, points add up to all that was read; a curve of ones shows the bins.
    cuts = np.concatenate(([0], np.floor(np.sqrt(grid[:-1] * grid[1:])).astype(int), [300]))
    curve = influence.rank_curve(ranking, read, grid)
    assert curve.shape == (7, 40)
    np.testing.assert_allclose(curve @ np.diff(cuts), read.sum(axis=1))
    assert np.all((cuts[:-1] < grid) & (grid <= cuts[1:]))


def test_reading_other_documents_undoes_the_bend_of_sorted_noise() -> None:
    rng = np.random.default_rng(1)
    # Equal neurons: all rank structure is noise.
    first, second = rng.exponential(size=(2, 200, 500))
    grid = influence.rank_grid(500, 30)
    same = np.log(influence.rank_curve(first, first, grid).mean(axis=0))
    other = np.log(influence.rank_curve(first, second, grid).mean(axis=0))
    assert same[0] - same[-1] > 3
    assert np.abs(other).max() < 0.3  # SD of a single point 1/sqrt(200) = 0.07


def test_zeros_become_the_smallest_positive_value() -> None:
    grid = np.array([1, 2, 3])
    curve = influence.rank_curve(np.array([3.0, 2, 1]), np.array([0.0, 4, 2]), grid)
    assert curve.tolist() == [2.0, 4.0, 2.0]
    assert np.isnan(influence.rank_curve(np.ones(3), np.zeros(3), grid)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: influence.influence(np.ones(3), np.array([0])), "n_positions"),
        (lambda: influence.selectivity(np.ones(3), np.ones(2), np.array([[0]])), "one shape"),
        (lambda: influence.selectivity(-np.ones(3), np.ones(3), np.array([[0]])), "negative"),
        (lambda: influence.rank_grid(1), "two neurons"),
        (lambda: influence.rank_curve(np.ones(3), np.ones(4), np.array([1])), "one shape"),
        (lambda: influence.rank_curve(np.ones(3), np.ones(3), np.array([1, 4])), "ascend"),
        (lambda: influence.rank_curve(np.ones(3), np.ones(3), np.array([2, 2])), "ascend"),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
