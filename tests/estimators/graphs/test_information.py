from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mutual_info_score

from hypotest.estimators import products
from hypotest.estimators.graphs import information


def dependent(seed: int, n: int = 200, k: int = 6, ties: bool = False) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 1)) + rng.normal(size=(n, k))
    return np.maximum(values, 0.3).round(1) if ties else values


@pytest.mark.parametrize("ties", [False, True])
def test_copula_equals_scipy_ranks_and_numpy_correlation(ties: bool) -> None:
    values = dependent(0, ties=ties)
    scores = stats.norm.ppf((stats.rankdata(values, axis=0) - 0.5) / len(values))
    r = np.corrcoef(scores.T)
    expected = -0.5 * np.log1p(-(np.where(np.eye(6, dtype=bool), 0, r) ** 2))
    result = information.gaussian_copula_information(values)
    np.testing.assert_allclose(result, expected, atol=1e-12)
    assert np.array_equal(result, result.T) and not np.diag(result).any()


def pairwise_copula(values: np.ndarray) -> np.ndarray:
    """One pair after the other: mid-ranks by counting, their scores, the correlation, the information."""
    n, k = values.shape
    matrix = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            if i == j:
                continue
            scores = []
            for column in (values[:, i], values[:, j]):
                below = (column[None, :] < column[:, None]).sum(axis=1)
                equal = (column[None, :] == column[:, None]).sum(axis=1)
                scores.append(stats.norm.ppf((below + equal / 2) / n))
            if np.ptp(scores[0]) > 0 and np.ptp(scores[1]) > 0:
                r = np.corrcoef(*scores)[0, 1]
                matrix[i, j] = -0.5 * np.log1p(-min(r**2, 1 - n**-2.0))
    return matrix


@pytest.mark.parametrize("order", ["C", "F"])
def test_copula_of_a_layer_in_blocks_equals_one_pair_after_the_other(
    order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # blocks of 3 neurons to be ranked and of 4 to be multiplied; columns with no, some and only equal values
    monkeypatch.setattr(information, "NEURON_BLOCK", 3)
    monkeypatch.setattr(products, "BLOCK", 4)
    values = dependent(7, n=60, k=11)
    values[:, 2:5] = np.maximum(values[:, 2:5], 0.3).round(1)
    values[:, 6], values[:, 8] = values[:, 5], 1.5
    values = np.asarray(values.astype(np.float32), order=order)
    before = values.copy()
    matrix = information.gaussian_copula_information(values)
    np.testing.assert_allclose(matrix, pairwise_copula(values), atol=1e-12)
    assert np.array_equal(matrix, matrix.T) and not np.diag(matrix).any()
    assert np.array_equal(values, before)


def test_copula_by_hand() -> None:
    # n = 3: scores are Phi^-1(1/6), 0, Phi^-1(5/6) = -a, 0, a. x: (-a, 0, a), y: (-a, a, 0):
    # r = a^2 / 2 a^2 = 1/2, I = -1/2 log(3/4)
    result = information.gaussian_copula_information(np.array([[1.0, 1], [2, 3], [3, 2]]))
    assert result[0, 1] == pytest.approx(-0.5 * np.log(0.75))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("fractional", [False, True])
def test_weights_equal_repeated_rows(ties: bool, fractional: bool) -> None:
    values = dependent(1, ties=ties)
    weights = np.random.default_rng(1).poisson(1, len(values))
    repeated = information.gaussian_copula_information(np.repeat(values, 2 * weights, axis=0))
    # Doubled by hand, or as fractions that add up to the same: the ranks' shares are equal.
    scaled = weights * 2 + (1e-12 if fractional else 0)
    result = information.gaussian_copula_information(values, scaled)
    np.testing.assert_allclose(result, repeated, atol=1e-9)


def test_copula_recovers_the_information_of_a_gaussian_pair() -> None:
    rng = np.random.default_rng(2)
    values = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=20_000)
    result = information.gaussian_copula_information(np.exp(values))[0, 1]
    # Truth -1/2 log(1 - 0.36) = 0.2231; SE of I is |r| / sqrt(n) = 0.0042
    assert result == pytest.approx(0.2231, abs=0.017)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_copula_is_invariant_under_monotone_maps_and_row_order(seed: int, ties: bool) -> None:
    values = dependent(seed, n=40, k=4, ties=ties)
    rng = np.random.default_rng(seed)
    moved = np.exp(values[rng.permutation(40)]) * np.array([1, -2, 3, -4])
    np.testing.assert_allclose(
        information.gaussian_copula_information(moved),
        information.gaussian_copula_information(values),
        atol=1e-10,
    )


def test_duplicates_are_finite_and_constants_share_nothing() -> None:
    x = np.random.default_rng(3).normal(size=50)
    result = information.gaussian_copula_information(np.stack([x, x, -x, np.ones(50)], axis=1))
    np.testing.assert_allclose(result[0, 1:3], np.log(50))
    assert not result[3].any()


@pytest.mark.parametrize("ties", [False, True])
def test_uncorrected_bins_equal_sklearn(ties: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(information, "NEURON_BLOCK", 16)
    values = dependent(4, k=7, ties=ties)
    bins = information.equal_frequency_bins(values, 5)
    result = information.binned_information(values, 5, miller_madow=False)
    for i in range(7):
        for j in range(i):
            expected = mutual_info_score(bins[:, i], bins[:, j])
            assert result[i, j] == pytest.approx(expected, abs=1e-12)
    assert np.array_equal(result, result.T) and not np.diag(result).any()


def test_bins_hold_equal_numbers_and_keep_ties_together() -> None:
    values = np.random.default_rng(5).permutation(80).astype(float)[:, None]
    assert np.bincount(information.equal_frequency_bins(values, 8).ravel()).tolist() == [10] * 8
    tied = np.array([[0.0]] * 6 + [[1.0], [2.0]])
    # The six zeros have mid-rank 3.5: (3.5 - 0.5) / 8 * 4 = 1.5, bin 1.
    assert information.equal_frequency_bins(tied, 4).ravel().tolist() == [1] * 6 + [3, 3]


def test_miller_madow_by_hand() -> None:
    # x = y = (0, 0, 1, 1) in two bins: H = log 2 for x, y and the pair, so I = log 2;
    # occupied bins 2, 2 and 2: + (2 + 2 - 2 - 1) / 8 = 0.125
    values = np.array([[1.0, 5], [2, 6], [3, 7], [4, 8]])
    assert information.binned_information(values, 2)[0, 1] == pytest.approx(np.log(2) + 0.125)


def test_miller_madow_removes_most_of_the_bias() -> None:
    values = np.random.default_rng(6).normal(size=(500, 30))
    upper = np.triu_indices(30, 1)
    raw = information.binned_information(values, 8, miller_madow=False)[upper].mean()
    corrected = information.binned_information(values, 8)[upper].mean()
    # Bias (8 - 1)^2 / (2 * 500) = 0.049; what is left comes from setting negatives to zero.
    assert raw == pytest.approx(0.049, abs=0.005)
    assert 0 <= corrected < raw / 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: information.gaussian_copula_information(np.ones((1, 2))), "two positions"),
        (lambda: information.gaussian_copula_information(np.array([[1.0], [np.nan]])), "finite"),
        (lambda: information.gaussian_copula_information(np.eye(3), np.ones(2)), "shape"),
        (lambda: information.gaussian_copula_information(np.eye(3), np.zeros(3)), "all zero"),
        (lambda: information.binned_information(np.eye(3), 1), "at least 2"),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
