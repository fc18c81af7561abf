"""Modularity against proven optima and other searches, segregation against networkx."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators.graphs import modularity
from tests import strategies
from tests.reference import values

METHODS = ("louvain", "leiden")
GRAPHS = {case["graph"]: case for case in values.read("graphs")}


def weights_of(case: values.Case) -> np.ndarray:
    matrix = np.zeros((case["n_nodes"],) * 2)
    for a, b, weight in case["edges"]:
        matrix[a, b] = matrix[b, a] = weight
    return matrix


def partitions(nodes: list[int]) -> Iterator[list[set[int]]]:
    """All partitions of a set: 203 of six nodes."""
    if not nodes:
        yield []
        return
    for rest in partitions(nodes[1:]):
        yield [{nodes[0]}, *rest]
        for i in range(len(rest)):
            yield [*rest[:i], rest[i] | {nodes[0]}, *rest[i + 1 :]]


def test_the_karate_club_is_the_one_of_the_literature() -> None:
    # Brandes et al. (2008), doi:10.1109/TKDE.2007.190689: the proven maximum.
    assert GRAPHS["karate club"]["q"]["optimum"] == pytest.approx(0.4198, abs=5e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", GRAPHS)
def test_stored_graphs(name: str, method: modularity.Method) -> None:
    case = GRAPHS[name]
    communities = modularity.communities(
        weights_of(case),
        np.arange(case["n_nodes"])[None],
        method=method,
        restarts=20,
        rng=np.random.default_rng(0),
    )
    same_search = case["q"]["networkx" if method == "louvain" else "leidenalg"]
    best = max(case["q"].values())
    assert same_search - 1e-9 <= communities.modularity[0] <= best + 1e-9
    if communities.modularity[0] > best - 1e-9:
        assert communities.n_communities[0] == case["n_communities"]
        assert communities.mean_size[0] == pytest.approx(case["mean_size"])


@given(
    matrix=strategies.graphs(nodes=(2, 6)),
    resolution=st.floats(0.2, 3),
    method=st.sampled_from(METHODS),
)
@settings(deadline=None, max_examples=40)
def test_the_best_of_all_partitions(matrix: np.ndarray, resolution: float, method: modularity.Method) -> None:
    graph = nx.from_numpy_array(matrix)
    every = [
        nx.community.modularity(graph, parts, resolution=resolution)
        for parts in partitions(list(range(len(matrix))))
    ]
    best = modularity.communities(
        matrix,
        np.arange(len(matrix))[None],
        method=method,
        resolution=resolution,
        restarts=10,
        rng=np.random.default_rng(0),
    ).modularity[0]
    assert min(abs(best - q) for q in every) < 1e-9  # Q of some partition
    assert best >= max(every) - 0.03  # greedy searches end in a local maximum at times


@given(matrix=strategies.graphs(nodes=(3, 9)), data=st.data())
@settings(deadline=None, max_examples=60)
def test_segregation_is_the_mean_weight_inside_over_that_of_the_cut(
    matrix: np.ndarray, data: st.DataObject
) -> None:
    n, graph = len(matrix), nx.from_numpy_array(matrix)
    for group in data.draw(strategies.groups(n)):
        k, members = len(group), group.tolist()
        cut = nx.cut_size(graph, members, weight="weight") if k < n else 0
        ratio = modularity.segregation(matrix, group[None])[0]
        if k == 1 or cut == 0:
            assert np.isnan(ratio)
        else:
            inside = graph.subgraph(members).size(weight="weight") / (k * (k - 1) / 2)
            assert ratio == pytest.approx(inside / (cut / (k * (n - k))))
