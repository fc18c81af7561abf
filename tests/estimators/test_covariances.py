from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators.covariances import correlation, covariance, stacked_correlations


def correlated(seed: int, n: int = 300, n_neurons: int = 30) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_neurons, n_neurons)) * rng.exponential(size=n_neurons)
    return rng.normal(size=(n, n_neurons)) @ mixing + rng.normal(size=n_neurons)


def test_covariance_equals_numpy() -> None:
    activations = correlated(0)
    result = covariance(activations)
    np.testing.assert_allclose(result, np.cov(activations.T), rtol=1e-12)
    assert np.array_equal(result, result.T)


def test_float32_is_computed_in_float64() -> None:
    activations = (correlated(0) + 1000).astype(np.float32)
    result = covariance(activations)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, np.cov(activations.astype(np.float64).T), rtol=1e-12)


def test_correlation_equals_numpy_and_drops_constant_neurons() -> None:
    activations = correlated(4)
    np.testing.assert_allclose(
        correlation(covariance(activations)),
        np.corrcoef(activations.T),
        rtol=1e-10,
        atol=1e-12,
    )
    activations[:, 5] = 2.0
    result = correlation(covariance(activations))
    assert not result[5].any() and not result[:, 5].any()
    assert np.delete(np.diag(result), 5).tolist() == [1.0] * 29


def test_stacked_correlations_are_those_of_each_covariance() -> None:
    stack = np.stack([covariance(correlated(seed, n_neurons=7)) for seed in range(4)])
    stack[2, 3] = stack[2, :, 3] = 0.0  # a neuron that never varies there
    correlations = stacked_correlations(stack)
    for one, each in zip(correlations, stack, strict=True):
        np.testing.assert_allclose(one, correlation(each), rtol=1e-12, atol=1e-14)
    assert not correlations[2, 3].any() and not correlations[2, :, 3].any()
    assert np.diagonal(correlations, axis1=1, axis2=2).tolist() == [[1.0] * 7] * 2 + [
        [1.0] * 3 + [0.0] + [1.0] * 3
    ] + [[1.0] * 7]


def test_stacked_correlations_leave_out_what_varies_no_more_than_rounding() -> None:
    # variances 4 and 1e-9, covariance 1e-5: r = 1e-5 / (2 * sqrt(1e-9)) = 0.158
    stack = np.array([[[4.0, 1e-5], [1e-5, 1e-9]]])
    assert stacked_correlations(stack)[0, 0, 1] == pytest.approx(0.158114, rel=1e-5)
    assert stacked_correlations(stack, 1e-8)[0].tolist() == [[1.0, 0.0], [0.0, 0.0]]
    per_neuron = stacked_correlations(stack, np.array([5.0, 1e-10]))
    assert per_neuron[0].tolist() == [[0.0, 0.0], [0.0, 1.0]]
    # A difference of moments can be a little below zero; there is no root of it.
    negative = np.array([[[-1e-18, 0.0], [0.0, 1.0]]])
    assert stacked_correlations(negative)[0].tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_refused_activations() -> None:
    with pytest.raises(ValueError, match="two positions"):
        covariance(np.ones((1, 3)))
    with pytest.raises(ValueError, match="finite"):
        covariance(np.array([[1.0], [np.inf]]))
