"""Graphs in the place of a group's own, kept as they are drawn."""

from __future__ import annotations

import numpy as np

from hypotest.estimators.graphs.information import correlated_graphs
from hypotest.testing.group_measure import BoundMeasure, GroupGraph
from tests.nulls.tasks import compared, task_of

SIZE, N_ROWS = 6, 400
EDGES = {"rewired": "rewirings", "rotated_correlation": "rotations", "random_directions": "random_directions"}
CORRELATED = ("rotated_correlation", "random_directions")


def correlations(group: np.ndarray) -> np.ndarray:
    """Two modules of three under one factor, whatever the neurons are; the last ones share less."""
    same, loading = np.arange(SIZE) // 3, np.linspace(1.0, 0.8, SIZE)
    matrix = np.where(same[:, None] == same, 0.7, 0.1) * np.outer(loading, loading)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def graph(group: np.ndarray) -> np.ndarray:
    return correlated_graphs(correlations(group)[None], N_ROWS)[0]


def within(weights: np.ndarray) -> np.ndarray:
    """Share of the weight that lies within the two modules; shape (n_graphs,)."""
    module = np.arange(weights.shape[-1]) // 3
    same = (module[:, None] == module) & ~np.eye(module.size, dtype=bool)
    return weights[..., same].sum(axis=-1) / weights.sum(axis=(-2, -1))


class Kept:
    """A measure of graphs that keeps those that it was given."""

    def __init__(self, seed: int = 0) -> None:
        self.graphs: list[np.ndarray] = []
        self.seed = seed

    def values(self, null, groups, graphs, n_draws):
        rng = np.random.default_rng(self.seed)
        made = [graphs(group)(n_draws, rng) for group in groups]
        self.graphs.extend(made)
        return np.stack([within(item) for item in made])

    def measure(self, known=correlations) -> BoundMeasure:
        network = GroupGraph(graph=graph, values=self.values, n_rows=N_ROWS, correlations=known)
        return BoundMeasure(
            values=lambda groups: np.array([within(graph(one)) for one in groups]), network=network
        )


def graph_task(null: str, draws: int = 60):
    return task_of(null, draws=draws, select={"top": SIZE})


def drawn(null: str, seed: int = 0) -> tuple[np.ndarray, object]:
    kept = Kept(seed)
    rung = compared(graph_task(null), null, kept.measure())
    return kept.graphs[0], rung


def drawn_correlations(monkeypatch, name: str, known=correlations, seed: int = 0) -> np.ndarray:
    """The correlations behind a null's graphs, shape (n_draws, k, k)."""
    monkeypatch.setattr(
        "hypotest.estimators.graphs.information.correlated_graphs", lambda matrix, n_rows: matrix
    )
    kept = Kept(seed)
    compared(graph_task(name), name, kept.measure(known))
    return kept.graphs[0]


def are_different_correlations(matrices: np.ndarray, number: int) -> None:
    """Ones on the diagonal, symmetric, positive, and each draw another."""
    np.testing.assert_allclose(matrices[:, range(SIZE), range(SIZE)], 1)
    np.testing.assert_allclose(matrices, matrices.transpose(0, 2, 1), atol=1e-12)
    assert (np.linalg.eigvalsh(matrices) > 0).all()
    assert len({item.tobytes() for item in matrices}) == number
