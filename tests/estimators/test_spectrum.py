from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators import spectrum


def of_eigenvalues(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.diag(values), np.arange(len(values))[None]


def test_gram_equals_eq_9() -> None:
    weights = np.random.default_rng(0).normal(size=(6, 10)).astype(np.float32)
    expected = weights.astype(np.float64) @ weights.astype(np.float64).T / 10
    np.testing.assert_allclose(spectrum.gram(weights), expected, rtol=1e-12)
    group = np.array([1, 4])
    singular = np.linalg.svd(weights[group].astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(spectrum.gram(weights)[np.ix_(group, group)])[::-1], singular**2 / 10
    )


def test_by_hand() -> None:
    # e^5, e^3, e^2 | e^1, e^0: five eigenvalues, tail of 5 - 2 = 3; sum (5-2) + (3-2) + 0 = 4
    matrix, group = of_eigenvalues(np.exp([1.0, 5, 0, 2, 3]))
    assert spectrum.hill_alpha(matrix, group)[0] == pytest.approx(3 / 4)
    assert spectrum.hill_alpha_unbiased(matrix, group)[0] == pytest.approx(1 / 4)


def test_zeros_are_dropped() -> None:
    # Nonzero: e^3, e^1, e^0, tail of 3 - 1 = 2: 2 / (3 - 1)
    matrix, group = of_eigenvalues(np.array([0.0, np.exp(3), 0, 1, np.e, 0, 1e-18]))
    assert spectrum.hill_alpha(matrix, group)[0] == pytest.approx(1.0)


def test_rank_deficient_groups_use_the_singular_values_that_exist() -> None:
    weights = np.random.default_rng(1).normal(size=(30, 8))
    eigenvalues = np.linalg.svd(weights, compute_uv=False) ** 2 / 8
    upper = np.log(eigenvalues[:4])
    expected = 4 / np.sum(upper - upper[-1])
    result = spectrum.hill_alpha(spectrum.gram(weights), np.arange(30)[None])
    assert result[0] == pytest.approx(expected)


@pytest.mark.parametrize("alpha", [0.8, 2.0, 4.0])
def test_pareto_samples_recover_alpha(alpha: float) -> None:
    rng = np.random.default_rng(2)
    # A diagonal Gram matrix of 20 blocks, each block a group with its own 40 eigenvalues.
    groups = np.arange(800).reshape(20, 40)
    matrices = [np.diag(1 + rng.pareto(alpha, 800)) for _ in range(20)]
    values = [
        np.concatenate([measure(matrix, groups) for matrix in matrices])
        for measure in (spectrum.hill_alpha_unbiased, spectrum.hill_alpha)
    ]
    # Tail k = 20: relative SD 1/sqrt(17) = 0.24, over 400 samples 0.012; 4 SE. Literal: 20/18 of
    # it.
    assert np.mean(values[0]) == pytest.approx(alpha, rel=0.05)
    assert np.mean(values[1]) == pytest.approx(alpha * 20 / 18, rel=0.05)


def test_fix_finger_starts_at_the_peak() -> None:
    # log lambda: a cluster of five about 2, scattered others; range 0..10 in 100 bins of 0.1.
    logs = np.array([0.0, 0.55, 1.33, 2.01, 2.02, 2.03, 2.04, 2.05, 4.4, 7.7, 10.0])
    matrix, group = of_eigenvalues(np.exp(logs))
    tail = logs[logs >= 2]
    expected = len(tail) / np.sum(tail - tail[0])
    assert spectrum.hill_alpha(matrix, group, "fix_finger")[0] == pytest.approx(expected)


def test_fix_finger_recovers_alpha_of_a_large_pareto_sample() -> None:
    rng = np.random.default_rng(3)
    matrix, group = of_eigenvalues(1 + rng.pareto(2.0, 600))
    # The density of a Pareto peaks at its minimum, so nearly all 600 are tail: SE 2 / sqrt(600).
    assert spectrum.hill_alpha(matrix, group, "fix_finger")[0] == pytest.approx(2.0, abs=0.33)


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 1000),
    scale=st.floats(1e-3, 1e3),
    tail=st.sampled_from(["median", "fix_finger"]),
)
def test_scale_rotation_and_order_do_not_matter(seed: int, scale: float, tail: spectrum.Tail) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.standard_t(3, size=(12, 20))
    rotation = np.linalg.qr(rng.normal(size=(20, 20)))[0]
    value = spectrum.hill_alpha(spectrum.gram(weights), np.arange(12)[None], tail)
    moved = spectrum.hill_alpha(spectrum.gram(scale * weights @ rotation), rng.permutation(12)[None], tail)
    assert value[0] > 0
    assert moved[0] == pytest.approx(value[0], rel=1e-6)


@pytest.mark.parametrize("tail", ["median", "fix_finger"])
def test_no_tail_is_undefined(tail: spectrum.Tail) -> None:
    for values in (np.zeros(5), np.ones(5), np.array([3.0]), np.array([3.0, 0, 0])):
        assert np.isnan(spectrum.hill_alpha(*of_eigenvalues(values), tail)[0])
        assert np.isnan(spectrum.hill_alpha_unbiased(*of_eigenvalues(values), tail)[0])


def test_refusals() -> None:
    with pytest.raises(ValueError, match="tail"):
        spectrum.hill_alpha(np.eye(3), np.array([[0, 1]]), "peak")
    with pytest.raises(ValueError, match="finite"):
        spectrum.gram(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="n_neurons, d"):
        spectrum.gram(np.ones(3))
