"""The group's factor model with directions at random: communalities stay, and who goes with whom does not."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators.graphs.random_directions import factors_of
from hypotest.testing.undefined import Undefined
from tests.nulls.kept import (
    N_ROWS,
    SIZE,
    Kept,
    are_different_correlations,
    correlations,
    drawn_correlations,
    graph_task,
)
from tests.nulls.tasks import compared

NAME = "random_directions"


def drawn(monkeypatch, **given) -> np.ndarray:
    return drawn_correlations(monkeypatch, NAME, **given)


def test_they_are_correlations(monkeypatch):
    are_different_correlations(drawn(monkeypatch), 60)


def test_each_neuron_shares_as_much_with_the_others(monkeypatch):
    """Up to the error of samples of so many rows."""
    expected = factors_of(correlations(np.arange(SIZE)), N_ROWS).communalities
    of_draws = np.array([factors_of(item, N_ROWS).communalities for item in drawn(monkeypatch)])
    np.testing.assert_allclose(np.median(of_draws, axis=0), expected, atol=0.15)


def test_one_factor_has_two_directions(monkeypatch):
    """Of equal communality 0.5, each pair shares plus or minus 0.5, up to 2 / sqrt(400)."""
    one = np.where(np.eye(SIZE, dtype=bool), 1.0, 0.5)
    matrices = drawn(monkeypatch, known=lambda group: one)
    pairs = matrices[:, *np.triu_indices(SIZE, 1)]
    assert np.abs(np.abs(pairs) - 0.5).mean() < 0.06
    assert (pairs < 0).any() and (pairs > 0).any()


def test_the_modules_go(monkeypatch):
    """Within them 0.6 was shared and between them 0.1; now no pair shares more than another on average."""
    mean = np.abs(drawn(monkeypatch)).mean(axis=0)
    same = np.arange(SIZE) // 3
    inside = mean[(same[:, None] == same) & ~np.eye(SIZE, dtype=bool)]
    assert abs(inside.mean() - mean[same[:, None] != same].mean()) < 0.15


def test_a_seed_gives_its_draws(monkeypatch):
    assert np.array_equal(drawn(monkeypatch), drawn(monkeypatch))
    assert not np.array_equal(drawn(monkeypatch), drawn(monkeypatch, seed=1))


def test_graphs_that_are_not_made_of_correlations_have_none():
    with pytest.raises(Undefined, match="estimator: gaussian_copula"):
        compared(graph_task(NAME), NAME, Kept().measure(known=None))
