"""The group's correlations seen from other axes: as many dimensions, and no neuron that leads a module."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.testing.undefined import Undefined
from tests.nulls.kept import (
    SIZE,
    Kept,
    are_different_correlations,
    correlations,
    drawn_correlations,
    graph_task,
)
from tests.nulls.tasks import compared

NAME = "rotated_correlation"


def drawn(monkeypatch, **given) -> np.ndarray:
    return drawn_correlations(monkeypatch, NAME, **given)


def test_they_are_correlations(monkeypatch):
    are_different_correlations(drawn(monkeypatch), 60)


def test_what_they_share_is_that_of_mixtures_of_the_same_neurons(monkeypatch):
    """Eigenvalues stay under a rotation Q R Q', whose variances d have the mean 1; of its correlations
    det R' = det R / prod d, and prod d is at most 1."""
    matrices = drawn(monkeypatch)
    own = np.linalg.det(correlations(np.arange(SIZE)))
    assert (np.linalg.det(matrices) >= own - 1e-12).all()
    assert np.linalg.det(matrices).min() < 5 * own  # and they share nearly as much


def test_two_neurons_by_hand(monkeypatch):
    """Axes turned by t: r cos 2t / sqrt(1 - r^2 sin^2 2t), at most r, and every value up to it."""
    matrices = drawn(monkeypatch, known=lambda group: np.array([[1, 0.6], [0.6, 1]]))
    turned = np.abs(matrices[:, 0, 1])
    assert (turned <= 0.6 + 1e-12).all() and turned.max() > 0.55 and turned.min() < 0.1


def test_neurons_that_share_nothing_share_nothing_from_any_axes(monkeypatch):
    matrices = drawn(monkeypatch, known=lambda group: np.eye(SIZE))
    np.testing.assert_allclose(matrices, np.tile(np.eye(SIZE), (60, 1, 1)), atol=1e-9)


def test_a_seed_gives_its_draws(monkeypatch):
    assert np.array_equal(drawn(monkeypatch), drawn(monkeypatch))
    assert not np.array_equal(drawn(monkeypatch), drawn(monkeypatch, seed=1))


def test_graphs_that_are_not_made_of_correlations_have_none():
    with pytest.raises(Undefined, match="estimator: gaussian_copula"):
        compared(graph_task(NAME), NAME, Kept().measure(known=None))
