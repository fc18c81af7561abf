"""Products of pairs: exact, symmetric, and the same whoever computes which block."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators import covariances, products, spectrum
from hypotest.estimators.graphs import information


def twice(block: np.ndarray, rows: slice, columns: slice) -> None:
    block *= 2


@pytest.mark.parametrize("size", [1, 4, 11])
def test_every_pair_is_finished_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "BLOCK", 4)
    vectors = np.random.default_rng(size).normal(size=(size, 7))
    matrix = products.products_of_pairs(vectors, twice)
    np.testing.assert_allclose(matrix, 2 * vectors @ vectors.T, rtol=1e-12, atol=1e-12)
    assert np.array_equal(matrix, matrix.T)


def test_finish_knows_its_rows_and_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "BLOCK", 2)
    scale = np.arange(1.0, 6.0)

    def scaled(block: np.ndarray, rows: slice, columns: slice) -> None:
        block *= np.outer(scale[rows], scale[columns])

    matrix = products.products_of_pairs(np.eye(5), scaled)
    assert matrix.tolist() == np.diag(scale**2).tolist()


@pytest.mark.parametrize(
    "statistic", [covariances.covariance, spectrum.gram, information.gaussian_copula_information]
)
def test_a_layer_has_the_same_bits_on_any_number_of_threads(statistic, monkeypatch) -> None:
    monkeypatch.setattr(products, "BLOCK", 64)
    values = np.random.default_rng(0).normal(size=(300, 200)).astype(np.float32)
    results = []
    for n_threads in (1, 2, 3, 8):
        monkeypatch.setattr(products, "blas_threads", lambda n_threads=n_threads: n_threads)
        results.append(statistic(values))
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_an_error_in_a_thread_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "BLOCK", 2)
    monkeypatch.setattr(products, "blas_threads", lambda: 2)

    def fail(block: np.ndarray, rows: slice, columns: slice) -> None:
        raise ArithmeticError("here")

    with pytest.raises(ArithmeticError, match="here"):
        products.products_of_pairs(np.eye(5), fail)
