from __future__ import annotations

import igraph
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators.graphs import modularity

METHODS = ("louvain", "leiden")


def karate(weight: str | None = None) -> np.ndarray:
    return nx.to_numpy_array(nx.karate_club_graph(), weight=weight)


def weights(seed: int, n_neurons: int = 20) -> np.ndarray:
    matrix = np.random.default_rng(seed).exponential(size=(n_neurons, n_neurons))
    matrix = np.triu(matrix, 1)
    return matrix + matrix.T


@pytest.mark.parametrize("method", METHODS)
def test_karate_club(method: modularity.Method) -> None:
    # 0.4198 is the proven maximum (Brandes et al. 2008, doi:10.1109/TKDE.2007.190689): 4
    # communities.
    communities = modularity.communities(
        karate(),
        np.arange(34)[None],
        method=method,
        restarts=20,
        rng=np.random.default_rng(0),
    )
    assert communities.modularity[0] == pytest.approx(0.4198, abs=5e-5)
    assert communities.n_communities[0] == 4
    assert communities.mean_size[0] == 34 / 4


def test_weights_are_used() -> None:
    # The weighted club: networkx' own Louvain reaches the same maximum.
    graph = nx.karate_club_graph()
    theirs = max(
        nx.community.modularity(graph, nx.community.louvain_communities(graph, seed=seed))
        for seed in range(20)
    )
    communities = modularity.communities(
        karate("weight"), np.arange(34)[None], restarts=20, rng=np.random.default_rng(0)
    )
    assert communities.modularity[0] == pytest.approx(theirs, abs=1e-9)
    assert abs(theirs - 0.4198) > 0.01


def test_leiden_is_as_good_as_its_authors_library() -> None:
    leidenalg = pytest.importorskip("leidenalg")
    matrix = weights(1)
    upper = np.triu_indices(20, 1)
    theirs = max(
        leidenalg.find_partition(
            igraph.Graph.Full(20),
            leidenalg.ModularityVertexPartition,
            weights=matrix[upper].tolist(),
            seed=seed,
        ).quality()
        for seed in range(10)
    )
    ours = modularity.communities(
        matrix, np.arange(20)[None], method="leiden", restarts=10, rng=np.random.default_rng(0)
    )
    assert ours.modularity[0] == pytest.approx(theirs, abs=0.005)


def test_planted_modules_are_found() -> None:
    # Four separate cliques of five: Q = 1 - 1/4.
    matrix = np.kron(np.eye(4), np.ones((5, 5)))
    order = np.random.default_rng(2).permutation(20)
    for method in METHODS:
        communities = modularity.communities(matrix, order[None], method=method, rng=np.random.default_rng(0))
        assert communities.modularity[0] == pytest.approx(0.75)
        assert (communities.n_communities[0], communities.mean_size[0]) == (4, 5.0)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-6, 1e6), method=st.sampled_from(METHODS))
def test_bounds_scale_and_reproducibility(seed: int, scale: float, method: modularity.Method) -> None:
    matrix = weights(seed, 12)
    groups = np.array([np.arange(8), np.arange(4, 12)])

    def detect(factor: float) -> modularity.Communities:
        rng = np.random.default_rng(seed)
        return modularity.communities(matrix * factor, groups, method=method, rng=rng)

    communities = detect(1.0)
    assert np.all((communities.modularity >= -1e-12) & (communities.modularity < 1))
    assert np.all(communities.restart_spread >= 0)
    np.testing.assert_array_equal(communities.modularity, detect(1.0).modularity)
    np.testing.assert_allclose(communities.modularity, detect(scale).modularity, atol=1e-9)


def test_chunks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = weights(3)
    groups = np.array([np.random.default_rng(i).choice(20, 9, replace=False) for i in range(12)])
    whole = modularity.communities(matrix, groups, rng=np.random.default_rng(0))
    monkeypatch.setattr("hypotest.estimators.submatrices._GATHER_BYTES", 8 * 81 * 5)
    parts = modularity.communities(matrix, groups, rng=np.random.default_rng(0))
    np.testing.assert_allclose(whole.modularity, parts.modularity)


def test_a_graph_without_weight() -> None:
    communities = modularity.communities(
        np.zeros((5, 5)), np.array([[0, 1, 2]]), rng=np.random.default_rng(0)
    )
    assert np.isnan(communities.modularity[0]) and np.isnan(communities.restart_spread[0])
    assert (communities.n_communities[0], communities.mean_size[0]) == (3, 1.0)


def test_segregation_by_hand_and_undefined() -> None:
    # inside: 3; to the rest: (1 + 2) / 2 = 1.5
    matrix = np.array([[0, 3, 1], [3, 0, 2], [1, 2, 0]], dtype=float)
    assert modularity.segregation(matrix, np.array([[0, 1]]))[0] == pytest.approx(2.0)
    assert np.isnan(modularity.segregation(matrix, np.array([[0, 1, 2]]))[0])
    assert np.isnan(modularity.segregation(matrix, np.array([[0]]))[0])
    separate = np.kron(np.eye(2), np.ones((3, 3)))
    assert np.isnan(modularity.segregation(separate, np.array([[0, 1, 2]]))[0])
    assert modularity.segregation(np.ones((9, 9)), np.array([[0, 4, 5]]))[0] == pytest.approx(1)


@pytest.mark.parametrize("ties", [False, True])
def test_resamples_equal_repeated_rows(ties: bool) -> None:
    rng = np.random.default_rng(5)
    # Two strong modules, so that every restart finds the same partition.
    activations = rng.normal(size=(90, 2)).repeat(4, axis=1) * 2 + rng.normal(size=(90, 8))
    if ties:
        activations = np.maximum(activations, 0).round(1)
    documents = rng.choice([5, -2, 40, 11, 6, 7], 90)
    drawn = rng.multinomial(6, np.full(6, 1 / 6), size=5)
    values = modularity.modularity_resamples(activations, documents, drawn, rng=np.random.default_rng(0))
    for row, value in zip(drawn, values, strict=True):
        counts = row[np.unique(documents, return_inverse=True)[1]]
        repeated = np.repeat(activations, counts, axis=0)
        communities = modularity.communities(
            modularity.gaussian_copula_information(repeated),
            np.arange(8)[None],
            restarts=5,
            rng=np.random.default_rng(0),
        )
        assert value == pytest.approx(communities.modularity[0], abs=1e-9)


def test_resamples_of_each_document_once_are_the_estimate() -> None:
    rng = np.random.default_rng(6)
    activations = rng.normal(size=(60, 2)).repeat(3, axis=1) * 2 + rng.normal(size=(60, 6))
    values = modularity.modularity_resamples(
        activations, np.arange(60), np.array([[1.0] * 60, [2.0] * 60, [0.0] * 60]), rng=rng
    )
    assert values[0] == pytest.approx(values[1], rel=0.02)
    assert np.isnan(values[2])
    with pytest.raises(ValueError, match="whole numbers"):
        modularity.modularity_resamples(activations, np.arange(60), np.full((1, 60), 0.5), rng=rng)


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (-np.ones((3, 3)), {}, "negative"),
        (np.ones((3, 3)), {"method": "walktrap"}, "louvain"),
        (np.ones((3, 3)), {"restarts": 0}, "restarts"),
        (np.ones((3, 3)), {"resolution": 0.0}, "resolution"),
    ],
)
def test_refusals(matrix: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        modularity.communities(matrix, np.array([[0, 1]]), rng=np.random.default_rng(0), **options)


@pytest.mark.parametrize("method", METHODS)
def test_separate_graphs_are_treated_as_groups_are(method: modularity.Method) -> None:
    matrix = weights(8)
    groups = np.array([np.arange(9), np.arange(9, 18)])
    stack = np.stack([matrix[np.ix_(group, group)] for group in groups])
    ours = modularity.graph_communities(stack, method=method, rng=np.random.default_rng(0))
    theirs = modularity.communities(matrix, groups, method=method, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(ours.modularity, theirs.modularity)
    np.testing.assert_array_equal(ours.mean_size, theirs.mean_size)
    np.testing.assert_array_equal(ours.restart_spread, theirs.restart_spread)


@pytest.mark.parametrize(
    ("graphs", "message"),
    [
        (np.zeros((3, 3)), "shape"),
        (np.ones((1, 3, 3)), "diagonal"),
        (np.eye(3)[None] - 1, "negative"),
    ],
)
def test_refused_graphs(graphs: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        modularity.graph_communities(graphs, rng=np.random.default_rng(0))
