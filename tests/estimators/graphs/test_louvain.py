"""Compiled Louvain and Leiden against igraph, networkx and plain Python."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import igraph
import networkx as nx
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from hypotest.estimators.graphs.louvain import best_partitions, quality
from hypotest.estimators.graphs.node_moves import shuffle

KINDS = ("shared factors", "random", "planted", "sparse", "heavy tails", "nearly empty")


def symmetric(matrix: np.ndarray) -> np.ndarray:
    upper = np.triu(matrix, 1)
    return upper + upper.T


def graph(kind: str, size: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "shared factors":
        values = rng.normal(size=(400, 8)) @ rng.normal(size=(8, size)) + rng.normal(size=(400, size))
        return symmetric(-0.5 * np.log1p(-(np.corrcoef(values.T) ** 2).clip(0, 0.999)))
    if kind == "random":
        return symmetric(rng.exponential(size=(size, size)))
    if kind == "planted":
        block = rng.integers(4, size=size)
        return symmetric(rng.exponential(size=(size, size)) * (1 + 2 * (block[:, None] == block)))
    if kind == "sparse":
        return symmetric((rng.random((size, size)) < 0.08).astype(float))
    if kind == "heavy tails":
        return symmetric(rng.pareto(1.2, size=(size, size)))
    return symmetric((rng.random((size, size)) < 1 / size) * rng.random((size, size)))


def graphs(kind: str, n: int, size: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([graph(kind, size, rng) for _ in range(n)])


def seeds(n: int) -> np.ndarray:
    return np.random.default_rng(9).integers(2**64, size=n, dtype=np.uint64)


def partitions(stack: np.ndarray, restarts: int = 3, resolution: float = 1.0, refined: bool = False):
    return best_partitions(stack, seeds(len(stack)), restarts, resolution, refined)


def of_igraph(weights: np.ndarray, restarts: int, refined: bool) -> float:
    """The largest Q of some runs; 0 without weight."""
    size = len(weights)
    edges = weights[np.triu_indices(size, 1)]
    if not edges.sum() > 0:
        return 0.0
    full, edges = igraph.Graph.Full(size), edges / edges.mean()
    strength = full.strength(weights=edges.tolist())
    best = -np.inf
    for _ in range(restarts):
        partition = (
            full.community_leiden(
                weights=edges.tolist(), node_weights=strength, resolution=1 / sum(strength), n_iterations=2
            )
            if refined
            else full.community_multilevel(weights=edges.tolist())
        )
        best = max(best, full.modularity(partition.membership, weights=edges.tolist()))
    return best


@pytest.fixture(autouse=True)
def seeded_igraph() -> None:
    random.seed(3)


@pytest.mark.parametrize("refined", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_q_is_no_lower_on_average_than_igraphs(kind: str, refined: bool) -> None:
    stack = graphs(kind, 60, 24)
    ours = np.nan_to_num(partitions(stack, refined=refined)[1].max(axis=1))
    theirs = np.array([of_igraph(one, 3, refined) for one in stack])
    difference = ours - theirs
    assert difference.mean() > -3 * difference.std(ddof=1) / np.sqrt(len(stack)) - 1e-9
    assert np.abs(difference).max() < 0.05


@pytest.mark.parametrize("refined", [False, True])
@pytest.mark.parametrize("resolution", [0.5, 1.0, 2.0])
def test_q_is_networkx_q_of_the_membership(resolution: float, refined: bool) -> None:
    for kind in KINDS:
        stack = graphs(kind, 4, 15)
        membership, values = partitions(stack, 3, resolution, refined)
        for weights, labels, best in zip(stack, membership, values.max(axis=1), strict=True):
            if not weights.any():
                continue
            parts = [set(np.flatnonzero(labels == part).tolist()) for part in range(labels.max() + 1)]
            theirs = nx.community.modularity(nx.from_numpy_array(weights), parts, resolution=resolution)
            assert best == pytest.approx(theirs, abs=1e-12)


def test_quality_of_any_partition_is_networkx_modularity() -> None:
    rng = np.random.default_rng(1)
    weights = graph("heavy tails", 20, rng)
    membership = rng.permutation(np.arange(20) % 4 + 11)  # names need not start at 0
    parts = [set(np.flatnonzero(membership == part).tolist()) for part in np.unique(membership)]
    theirs = nx.community.modularity(nx.from_numpy_array(weights), parts, resolution=1.3)
    assert quality(weights, membership, 1.3) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("refined", [False, True])
def test_planted_communities_are_found(refined: bool) -> None:
    rng = np.random.default_rng(2)
    block = rng.integers(4, size=48)
    weights = symmetric(rng.exponential(size=(48, 48)) * (1 + 6 * (block[:, None] == block)))
    membership, _ = partitions(weights[None], refined=refined)
    assert adjusted_rand_score(block, membership[0]) == 1.0
    assert membership[0][0] == 0  # numbered in the order of the first node


@pytest.mark.parametrize("refined", [False, True])
def test_no_node_gains_by_moving_after_a_pass(refined: bool) -> None:
    # Of a partition of nodes, before communities are moved: two cliques that a single link joins stay apart.
    weights = np.kron(np.eye(2), np.ones((6, 6))) - np.eye(12)
    weights[0, 6] = weights[6, 0] = 1.0
    (membership,), ((value,),) = partitions(weights[None], 1, refined=refined)
    assert membership.tolist() == [0] * 6 + [1] * 6
    for node in range(12):
        moved = membership.copy()
        moved[node] = 1 - moved[node]
        assert quality(weights, moved, 1.0) < value


def test_leidens_communities_are_connected() -> None:
    stack = graphs("sparse", 80, 40)
    membership, values = partitions(stack, 1, refined=True)
    for weights, labels in zip(stack, membership, strict=True):
        whole = nx.from_numpy_array(weights)
        for part in range(labels.max() + 1):
            assert nx.is_connected(whole.subgraph(np.flatnonzero(labels == part).tolist()))
    louvain = partitions(stack, 1)[1]
    assert values.mean() > louvain.mean()  # what the refinement is for


def test_threads_and_chunks_change_nothing() -> None:
    stack = graphs("random", 64, 20)
    membership, values = partitions(stack)
    chunks = [slice(start, start + 5) for start in range(0, 64, 5)]
    with ThreadPoolExecutor(4) as pool:
        parts = list(
            pool.map(lambda rows: best_partitions(stack[rows], seeds(64)[rows], 3, 1.0, False), chunks)
        )
    np.testing.assert_array_equal(membership, np.concatenate([part[0] for part in parts]))
    np.testing.assert_array_equal(values, np.concatenate([part[1] for part in parts]))


def test_the_same_partitions_on_every_platform() -> None:
    # Additions in a fixed order, none fused or reordered. Found on x86-64.
    rng = np.random.default_rng(4)
    stack = np.stack([symmetric(rng.integers(0, 1024, size=(30, 30)).astype(float)) for _ in range(40)])
    digests = {
        refined: sha256(partitions(stack, refined=refined)[0].astype("<i8").tobytes()).hexdigest()[:16]
        for refined in (False, True)
    }
    assert digests == {False: "a6309d4c8b25eb4e", True: "36ec451873cb7e22"}


def _order(n_nodes: int, state: np.ndarray) -> np.ndarray:
    order = np.empty(n_nodes, dtype=np.int64)
    shuffle(order, n_nodes, state)
    return order


def test_orders_are_those_of_splitmix64() -> None:
    def plain(n_nodes: int, state: int) -> list[int]:
        order, mask = list(range(n_nodes)), 2**64 - 1
        for last in range(n_nodes - 1, 0, -1):
            state = (state + 0x9E3779B97F4A7C15) & mask
            bits = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
            bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & mask
            bits ^= bits >> 31
            place = ((bits >> 32) * (last + 1)) >> 32
            order[last], order[place] = order[place], order[last]
        return order

    for seed in (0, 1234567, 2**64 - 1):
        assert _order(17, np.array([seed], dtype=np.uint64)).tolist() == plain(17, seed)


def test_orders_are_uniform() -> None:
    state = np.array([5], dtype=np.uint64)
    counts = np.zeros((6, 6))
    for _ in range(6000):
        counts[np.arange(6), _order(6, state)] += 1
    assert ((counts - 1000) ** 2 / 1000).sum() < 60  # chi-squared with 25 degrees of freedom: p 1e-4


@pytest.mark.parametrize("refined", [False, True])
def test_graphs_without_weight_or_of_one_node(refined: bool) -> None:
    membership, values = partitions(np.zeros((2, 5, 5)), refined=refined)
    assert membership.tolist() == [[0, 1, 2, 3, 4]] * 2
    assert np.isnan(values).all()
    assert partitions(np.zeros((1, 1, 1)), refined=refined)[0].tolist() == [[0]]
    membership, _ = partitions(np.zeros((0, 4, 4)), refined=refined)
    assert membership.shape == (0, 4)


def test_isolated_nodes_stay_alone() -> None:
    weights = np.zeros((5, 5))
    weights[0, 1] = weights[1, 0] = 1.0
    for refined in (False, True):
        (membership,), _ = partitions(weights[None], refined=refined)
        assert membership.tolist() == [0, 0, 1, 2, 3]


def test_tiny_and_huge_weights() -> None:
    stack = graphs("planted", 5, 18)
    expected = partitions(stack)[0]
    for factor in (1e-290, 1e290):
        np.testing.assert_array_equal(partitions(stack * factor)[0], expected)
