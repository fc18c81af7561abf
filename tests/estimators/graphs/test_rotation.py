from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hypotest.estimators.graphs.rotation import rotated_correlations, rotations, unit_diagonal


def correlated(size: int, seed: int, n: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.corrcoef(
        rng.normal(size=(n, 3)) @ rng.normal(size=(3, size)) + rng.normal(size=(n, size)), rowvar=False
    )


def test_rotations_are_orthogonal_and_uniform():
    drawn = rotations(4, 2000, np.random.default_rng(0))
    np.testing.assert_allclose(
        drawn @ drawn.transpose(0, 2, 1), np.broadcast_to(np.eye(4), drawn.shape), atol=1e-12
    )
    # a coordinate of a uniform point on the sphere in 4 dimensions: (x + 1) / 2 is Beta(3/2, 3/2)
    for row, column in ((0, 0), (0, 3), (3, 1)):
        assert stats.kstest((drawn[:, row, column] + 1) / 2, stats.beta(1.5, 1.5).cdf).pvalue > 0.001
    determinants = np.linalg.det(drawn)  # both turns and mirror images
    assert abs(np.mean(determinants > 0) - 0.5) < 0.06


def test_two_neurons_by_hand():
    # C = [[1, r], [r, 1]] turned by t: variances 1 + r sin 2t and 1 - r sin 2t, covariance r cos 2t
    rng, again = np.random.default_rng(1), np.random.default_rng(1)
    r = 0.6
    rotated = rotated_correlations(np.array([[1, r], [r, 1]]), 50, rng)
    turned = rotations(2, 50, again)
    sine = 2 * turned[:, 0, 0] * turned[:, 0, 1]
    np.testing.assert_allclose(
        np.abs(rotated[:, 0, 1]), r * np.sqrt(1 - sine**2) / np.sqrt(1 - (r * sine) ** 2)
    )


def test_a_rotation_keeps_what_the_neurons_share_and_forgets_who_shares_it():
    modules = np.kron(np.eye(4), np.full((6, 6), 0.5)) + 0.5 * np.eye(24)
    drawn = rotated_correlations(modules, 100, np.random.default_rng(2))
    np.testing.assert_allclose(drawn, drawn.transpose(0, 2, 1))
    np.testing.assert_allclose(np.einsum("gii->gi", drawn), 1)
    spectrum = np.linalg.eigvalsh(drawn)  # of the modules: 3.5 four times, else 0.5; rescaled, nearly so
    assert spectrum[:, -4:].min() > 2
    assert spectrum[:, :-4].max() < 1.2
    pairs = drawn[:, *np.triu_indices(24, 1)] ** 2
    inside = modules[np.triu_indices(24, 1)] > 0
    assert pairs[:, inside].mean() == pytest.approx(pairs[:, ~inside].mean(), rel=0.1)


def test_unrelated_neurons_stay_unrelated_and_draws_follow_the_seed():
    np.testing.assert_allclose(
        rotated_correlations(np.eye(5), 3, np.random.default_rng(3)), [np.eye(5)] * 3, atol=1e-12
    )
    matrix = correlated(7, 4)
    one, two = (rotated_correlations(matrix, 3, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_correlations_of_covariances():
    np.testing.assert_allclose(unit_diagonal(np.array([[[4.0, 3.0], [3.0, 9.0]]])), [[[1, 0.5], [0.5, 1]]])
