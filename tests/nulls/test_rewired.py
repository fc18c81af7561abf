"""The group's own network with its edges exchanged: strengths stay, and what lies between whom does not."""

from __future__ import annotations

import numpy as np

from tests.nulls.kept import Kept, drawn, graph, graph_task, within
from tests.nulls.tasks import compared

NAME = "rewired"


def test_every_neuron_keeps_its_strength():
    weights, _ = drawn(NAME)
    np.testing.assert_allclose(weights.sum(axis=2), np.tile(graph(None).sum(axis=1), (60, 1)), rtol=1e-9)


def test_the_modules_go():
    """Of the two planted ones most draws keep less than there was, and edges differ from draw to draw."""
    weights, rung = drawn(NAME)
    assert np.quantile(within(weights), 0.9) < within(graph(None))
    assert (np.ptp(weights, axis=0)[~np.eye(6, dtype=bool)] > 0).all()
    assert rung.comparison.p_value == 2 / 61 and rung.comparison.descriptive


def test_it_needs_weights_alone():
    assert len(compared(graph_task(NAME), NAME, Kept().measure(known=None)).draws) == 60
