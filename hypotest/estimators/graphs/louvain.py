"""Louvain and Leiden over many small dense graphs, compiled.

A group's graph is complete, so that libraries made for large sparse graphs spend their time on edge lists.
Here links are kept in place of them (`.node_moves`), in space that is made once. Restarts
mostly end in a few partitions: that no community of one moves, and its Q, is found once.

A call is a loop over graphs without Python's lock and without state of its own: split over threads, or in any
chunks, the same seeds give the same partitions. Additions are never reordered, so that a platform or a number
of threads changes nothing either.

References:
    Louvain: Blondel et al. (2008), arXiv:0803.0476. Leiden: Traag et al. (2019), arXiv:1810.08473; its
    refinement takes the best merge, not a random one in proportion to exp(gain).
"""

from __future__ import annotations

import numpy as np

from hypotest.estimators.compiled import compiled
from hypotest.estimators.graphs.node_moves import (
    GOLDEN,
    Labels,
    Reals,
    State,
    Work,
    move_nodes,
    renumber,
    row_of,
    split_communities,
    total_of,
)

_LEIDEN_ITERATIONS = 2
"""Each starts from the partition before; until stable can mean for ever on nearly random graphs."""


@compiled
def best_partitions(
    stack: Reals, seeds: State, restarts: int, resolution: float, refined: bool
) -> tuple[Labels, Reals]:
    """The partition with the largest Q among several restarts, of each graph.

    Args:
        stack: Weights, shape (n_graphs, k, k); each symmetric, not negative, with zero diagonal. Not checked.
        seeds: One per graph.
        restarts: Each visits nodes in a random order of its own.
        resolution: Of Q.
        refined: Leiden instead of Louvain.

    Returns:
        Community of each node, numbered in the order of its first node, shape (n_graphs, k); and Q of every
        restart, shape (n_graphs, restarts), all NaN and every node alone for a graph without weight.
    """
    n_graphs, size = stack.shape[0], stack.shape[1]
    memberships = np.empty((n_graphs, size), dtype=np.int64)
    values = np.full((n_graphs, restarts), np.nan)
    random = np.empty(1, dtype=np.uint64)
    strength = np.empty(size)
    levels = np.empty((2, size, size)), np.empty((2, size))
    work = (
        np.empty((size, size)),
        np.empty(size),
        np.empty((3, size), dtype=np.int64),
        np.empty(size, dtype=np.uint32),
    )
    # Distinct partitions of a graph, with what `_partition` returned.
    known, known_values = np.empty((restarts, size), dtype=np.int64), np.empty(restarts)
    unmoved, membership = np.empty(restarts, dtype=np.int64), np.empty(size, dtype=np.int64)
    for place in range(n_graphs):
        weights = stack[place]
        memberships[place] = np.arange(size)
        twice_m = 0.0
        for node in range(size):
            twice_m += total_of(weights[node])
        if not twice_m > 0:
            continue
        # Shares of the whole: no gain depends on the unit of the weights.
        shares = weights / twice_m
        for node in range(size):
            strength[node] = total_of(shares[node])
        random[0] = seeds[place]
        best, n_known = -np.inf, 0
        for restart in range(restarts):
            for node in range(size):
                membership[node] = node
            steps = -1
            for _ in range(_LEIDEN_ITERATIONS if refined else 1):
                before = known, unmoved, n_known
                steps = _partition(
                    (shares, strength), membership, resolution, refined, random, before, levels, work
                )
            entry = row_of(membership, known, n_known)
            if entry == n_known:
                known[entry] = membership
                known_values[entry] = quality(weights, membership, resolution)
                unmoved[entry] = steps
                n_known += 1
            elif steps >= 0:
                unmoved[entry] = steps
            value = known_values[entry]
            values[place, restart] = value
            if value > best:
                best = value
                memberships[place] = membership
    return memberships, values


@compiled
def quality(weights: Reals, membership: Labels, resolution: float) -> float:
    """Q of a given partition.

    Args:
        weights: Shape (k, k); symmetric, with zero diagonal.
        membership: Community of each node, 0 to k - 1, shape (k,).
        resolution: Of Q.

    Returns:
        Sum over communities of the share of weight inside, less resolution (share of strength)^2.
    """
    size = len(weights)
    strength = np.zeros(size)
    inside, twice_m = 0.0, 0.0
    for node in range(size):
        for other in range(node):
            weight = weights[node, other]
            twice_m += 2 * weight
            strength[membership[node]] += weight
            strength[membership[other]] += weight
            if membership[node] == membership[other]:
                inside += weight
    expected = 0.0
    for community in range(size):
        expected += (strength[community] / twice_m) ** 2
    return 2 * inside / twice_m - resolution * expected


@compiled
def _partition(
    whole: tuple[Reals, Reals],
    membership: Labels,
    resolution: float,
    refined: bool,
    random: State,
    before: tuple[Labels, Labels, int],
    levels: tuple[Reals, Reals],
    work: Work,
) -> int:
    """Move nodes, then whole communities as nodes, until nothing moves.

    Args:
        whole: Weights that sum to 1, shape (k, k), with zero diagonal; and strengths, shape (k,).
        membership: Community of each node, from which to start; is changed.
        resolution: Of Q.
        refined: Communities are split into parts before these become nodes.
        random: State of the random numbers, advanced.
        before: Partitions of the same graph, what was returned with each, and how many there are.
        levels: Space for the graphs and strengths of two further levels.
        work: Space for `move_nodes`.

    Returns:
        How many random numbers a second level took that moved nothing, and will take again; else -1.
    """
    graph, strength = whole
    known, unmoved, n_known = before
    size = n_nodes = len(graph)
    # community of each node of the present level; node to which each original node belongs
    community, node_of = membership, membership
    level = 0
    while True:
        moved = move_nodes(graph, strength, n_nodes, community, resolution, random, work)
        n_communities = renumber(community, n_nodes, work[2][0])
        if not moved and not refined:
            break
        if level == 0 and not refined:
            # Whether any community moves does not depend on the order in which they are visited.
            entry = row_of(community, known, n_known)
            if entry < n_known and unmoved[entry] >= 0:
                random[0] += GOLDEN * np.uint64(unmoved[entry])
                return int(unmoved[entry])
        parts, n_parts = community, n_communities
        if refined:
            parts = split_communities(graph, strength, n_nodes, community, resolution, random)
            n_parts = renumber(parts, n_nodes, work[2][0])
        if n_parts == n_nodes or n_communities == n_nodes:
            break
        merged, strengths = levels[0][level % 2], levels[1][level % 2]
        merged[:n_parts, :n_parts] = 0.0
        strengths[:n_parts] = 0.0
        above = np.empty(n_parts, dtype=np.int64)
        for node in range(n_nodes):
            part = parts[node]
            strengths[part] += strength[node]
            above[part] = community[node]
            for other in range(node):
                if part != parts[other]:
                    merged[part, parts[other]] += graph[node, other]
        for part in range(n_parts):
            for other in range(part):
                merged[part, other] += merged[other, part]
                merged[other, part] = merged[part, other]
        node_of = parts[node_of] if level else parts.copy()
        graph, strength, n_nodes, community = merged, strengths, n_parts, above
        level += 1
    if level:
        membership[:] = community[node_of]
    renumber(membership, size, work[2][0])
    if refined or level > 1 or (level == 1 and moved):
        return -1
    return max(0, n_nodes - 1) if level == 1 else 0
