"""The largest modularity: proven by igraph's integer program, and found by three other searches.

Run from the root of the repository: python -m tests.reference.make_graphs
"""

from __future__ import annotations

import igraph
import leidenalg
import networkx as nx
import numpy as np

from tests.reference import values

LIBRARIES = ("igraph", "leidenalg", "networkx", "numpy")
RESTARTS = 20


def of_graph(name: str, weights: np.ndarray, proven: bool = True) -> values.Case:
    """Q of a graph by every search, and the partition behind the best."""
    graph = nx.from_numpy_array(weights)
    same = igraph.Graph.Weighted_Adjacency(weights, mode="undirected", loops=False)
    searches = {
        "networkx": [nx.community.louvain_communities(graph, seed=seed) for seed in range(RESTARTS)],
        "leidenalg": [
            list(
                leidenalg.find_partition(
                    same, leidenalg.ModularityVertexPartition, weights="weight", seed=seed
                )
            )
            for seed in range(RESTARTS)
        ],
    }
    if proven:
        searches["optimum"] = [list(same.community_optimal_modularity(weights="weight"))]
    q = {
        search: max(nx.community.modularity(graph, parts) for parts in partitions)
        for search, partitions in searches.items()
    }
    every = [parts for partitions in searches.values() for parts in partitions]
    best = max(every, key=lambda parts: nx.community.modularity(graph, parts))
    return {
        "kind": "modularity",
        "graph": name,
        "n_nodes": len(weights),
        "edges": list(graph.edges(data="weight")),
        "q": q,
        "n_communities": len(best),
        "mean_size": len(weights) / len(best),
    }


def information_like(rng: np.random.Generator, n: int) -> np.ndarray:
    """Weights as mutual information has them: complete, skewed, with two weak modules."""
    module = np.arange(n) < n // 2
    weights = rng.exponential(size=(n, n)) * np.where(module[:, None] == module, 1.5, 1.0)
    return np.round(np.triu(weights, 1) + np.triu(weights, 1).T, 3)


def cases() -> list[values.Case]:
    """Graphs that everyone knows, and complete ones such as those of mutual information."""
    rng = np.random.default_rng(12)
    karate = nx.karate_club_graph()
    return [
        of_graph("karate club", nx.to_numpy_array(karate, weight=None)),
        of_graph("karate club, weighted", nx.to_numpy_array(karate)),
        of_graph("Florentine families", nx.to_numpy_array(nx.florentine_families_graph())),
        *(
            of_graph(name, nx.to_numpy_array(graph, weight=None), proven=False)  # takes too long
            for name, graph in [
                ("Southern women", nx.davis_southern_women_graph()),
                ("Les Miserables", nx.les_miserables_graph()),
            ]
        ),
        *(of_graph(f"complete, {n} nodes", information_like(rng, n)) for n in (9, 14, 18)),
    ]


if __name__ == "__main__":
    values.write("graphs", LIBRARIES, cases)
