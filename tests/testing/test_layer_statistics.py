"""Matrices of a layer: computed once, for as long as their evidence is there."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from hypotest.estimators import covariances
from hypotest.testing import layer_statistics
from hypotest.testing.layer_statistics import first_rows, layer_statistic, second_moments
from tests.pipeline.planted import make_evidence


def counted(calls: list[str], name: str):
    def compute() -> np.ndarray:
        calls.append(name)
        return np.eye(2)

    return compute


def test_each_is_computed_once_and_cannot_be_written_to() -> None:
    calls: list[str] = []
    mine, other = make_evidence(0), make_evidence(1)
    first = layer_statistic(mine, "a", counted(calls, "a"))
    assert layer_statistic(mine, "a", counted(calls, "a")) is first
    layer_statistic(other, "a", counted(calls, "other's"))
    assert calls == ["a", "other's"]
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 2.0


def test_the_last_used_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_statistics, "KEPT", 2)
    calls: list[str] = []
    mine = make_evidence(0)
    for name in ("a", "b", "a", "c", "a", "b"):  # c displaces b, not a
        layer_statistic(mine, name, counted(calls, name))
    assert calls == ["a", "b", "c", "b"]


def test_they_go_with_their_evidence() -> None:
    mine = make_evidence(0)
    matrix = weakref.ref(layer_statistic(mine, "a", lambda: np.eye(2)))
    assert matrix() is not None
    del mine
    gc.collect()
    assert matrix() is None


def test_second_moments_are_those_of_the_first_rows() -> None:
    mine = make_evidence(0)
    expected = covariances.covariance(first_rows(mine))
    assert np.array_equal(second_moments(mine, "covariance"), expected)
    assert np.array_equal(second_moments(mine, "correlation"), covariances.correlation(expected))
