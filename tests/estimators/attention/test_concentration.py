from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators.attention.concentration import gini


def test_by_hand() -> None:
    # sorted 0.1, 0.2, 0.7: 3*0.1 + 2*0.2 + 0.7 = 1.4; (1 + 1/3 - 2/3*1.4) * 3/2 = 0.6
    # literal: 1 - 2/3*1.4 = 1/15
    row = np.array([0.2, 0.7, 0.1, 9.0])
    assert gini(row, 3) == pytest.approx(0.6)
    assert gini(row, 3, literal=True) == pytest.approx(1 / 15)


def test_equals_half_the_relative_mean_absolute_difference() -> None:
    rows = np.random.default_rng(0).dirichlet(np.full(17, 0.3), size=50)
    difference = np.abs(rows[:, :, None] - rows[:, None, :]).sum(axis=(1, 2))
    # Over the n (n - 1) pairs of different keys, halved and relative to the mean 1/n.
    np.testing.assert_allclose(gini(rows, 17), difference * 17 / (2 * 17 * 16), atol=1e-12)


@pytest.mark.parametrize("n", [2, 5, 64])
def test_uniform_and_one_hot(n: int) -> None:
    uniform, single = np.full(64, 1.0), np.eye(64)[0]
    assert gini(uniform, n) == pytest.approx(0, abs=1e-12)
    assert gini(single, n) == pytest.approx(1)
    assert gini(uniform, n, literal=True) == pytest.approx(-1 / n)
    assert gini(single, n, literal=True) == pytest.approx(1 - 2 / n)


def test_rows_of_different_length_equal_rows_alone() -> None:
    rng = np.random.default_rng(1)
    attention = rng.exponential(size=(20, 3, 16)).astype(np.float32)
    n = rng.integers(2, 17, 20)
    together = gini(attention, n[:, None])
    assert together.shape == (20, 3) and together.dtype == np.float64
    for row in range(20):
        alone = gini(attention[row, :, : n[row]], int(n[row]))
        np.testing.assert_allclose(together[row], alone, rtol=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-6, 1e6), n=st.integers(2, 30))
def test_bounds_scale_and_order(seed: int, scale: float, n: int) -> None:
    rng = np.random.default_rng(seed)
    row = rng.exponential(size=n) ** 3
    value = float(gini(row, n))
    assert -1e-12 <= value <= 1 + 1e-12
    assert float(gini(rng.permutation(row) * scale, n)) == pytest.approx(value, abs=1e-9)


def test_undefined_rows() -> None:
    assert np.isnan(gini(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([1, 2]))).all()
    assert np.isnan(gini(np.array([1.0, 0.0]), 1, literal=True))


@pytest.mark.parametrize(
    ("row", "n", "message"),
    [
        (np.array([0.5, -0.5]), 2, "negative"),
        (np.array([0.5, np.nan]), 2, "finite"),
        (np.array([0.5, 0.5]), 3, "from 1 to 2"),
        (np.array([0.5, 0.5]), 0, "from 1 to 2"),
        (np.array([]), 1, "context"),
    ],
)
def test_refusals(row: np.ndarray, n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gini(row, n)


def test_a_window_of_keys_counts_as_if_it_were_all() -> None:
    # Over keys 2 and 3: 0.5, as in the docstring; over all: (1 + 1/4 - (2/4)(2 * 0.25 + 0.75)) 4/3.
    row = np.array([0.0, 0.0, 0.75, 0.25])
    assert gini(row, 2, first=2) == pytest.approx(0.5)
    assert gini(row, 4) == pytest.approx((1.25 - 0.625) * 4 / 3)
    assert gini(np.array([[9.0, 1.0, 1.0], [1.0, 1.0, 9.0]]), 2, first=np.array([1, 0])).tolist() == [0, 0]
    with pytest.raises(ValueError, match="first"):
        gini(row, 2, first=3)
