from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators.graphs.random_directions import Factors, factors_of, with_random_directions


def two_factors(communalities: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(communalities.size, 2))
    loadings *= np.sqrt(communalities)[:, None] / np.linalg.norm(loadings, axis=1, keepdims=True)
    correlations = loadings @ loadings.T
    np.fill_diagonal(correlations, 1)
    return correlations


def test_the_factor_model_is_found():
    communalities = np.tile([0.8, 0.5, 0.2], 10)
    factors = factors_of(two_factors(communalities), 4096)
    assert factors.strengths.size == 2
    np.testing.assert_allclose(factors.communalities, communalities, atol=1e-3)
    assert factors.strengths.sum() == pytest.approx(communalities.sum(), rel=1e-3)


def test_one_factor_by_hand():
    # r = h2 = 0.5 for all pairs: eigenvalue 1 + 9 * 0.5, of which 10 * 0.5 is shared
    factors = factors_of(np.full((10, 10), 0.5) + 0.5 * np.eye(10), 1000)
    np.testing.assert_allclose(factors.communalities, 0.5, atol=1e-6)
    np.testing.assert_allclose(factors.strengths, [5.0], atol=1e-5)


def test_unrelated_neurons_have_no_factor_and_samples_of_noise():
    factors = factors_of(np.eye(6), 100)
    assert factors.strengths.size == 0
    drawn = with_random_directions(factors, 100, 2000, np.random.default_rng(1))
    pairs = drawn[:, *np.triu_indices(6, 1)]
    # a correlation of n unrelated rows has mean 0 and variance 1 / (n - 1)
    assert abs(pairs.mean()) < 4 / np.sqrt(99 * pairs.size)
    assert pairs.var() == pytest.approx(1 / 99, rel=0.05)


@pytest.mark.parametrize("n_rows", [12, 200])
def test_samples_are_correlations_of_so_many_rows(n_rows: int):
    factors = Factors(np.array([0.9, 0.9, 0.3] * 5), np.array([4.0, 1.0]))
    drawn = with_random_directions(factors, n_rows, 40, np.random.default_rng(2))
    np.testing.assert_allclose(drawn, drawn.transpose(0, 2, 1))
    np.testing.assert_allclose(np.einsum("gii->gi", drawn), 1)
    spectrum = np.linalg.eigvalsh(drawn)
    assert spectrum.min() > -1e-9
    rank = np.count_nonzero(spectrum > 1e-9, axis=1)
    assert (rank == min(15, n_rows - 1)).all()


def test_communalities_stay_and_directions_do_not():
    factors = Factors(np.array([0.8] * 60 + [0.1] * 60), np.array([18.0, 18.0, 18.0]))
    drawn = with_random_directions(factors, 100_000, 50, np.random.default_rng(3))
    squares = (drawn**2).mean(axis=0)
    # directions uniform in three dimensions: the cosine's square has mean 1/3
    strong, weak, mixed = squares[0, 1:60].mean(), squares[60, 61:].mean(), squares[:60, 60:].mean()
    np.testing.assert_allclose([strong, weak, mixed], [0.64 / 3, 0.01 / 3, 0.08 / 3], rtol=0.08)
    assert abs(drawn[:, 0, 1].mean()) < 0.3  # neither sign is preferred


def test_factors_keep_their_strengths_in_every_draw():
    # One factor of strength 4, two of 1: the eigenvalues of 12 neurons that share half of their variance.
    factors = Factors(np.full(12, 0.5), np.array([1.0, 1.0, 4.0]))
    drawn = with_random_directions(factors, 1_000_000, 50, np.random.default_rng(4))
    largest = np.linalg.eigvalsh(drawn)[:, -3:]
    np.testing.assert_allclose(largest, np.broadcast_to([1.5, 1.5, 4.5], largest.shape), atol=0.05)


def test_draws_follow_the_seed():
    factors = factors_of(two_factors(np.full(8, 0.5)), 500)
    one, two = (with_random_directions(factors, 500, 3, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
