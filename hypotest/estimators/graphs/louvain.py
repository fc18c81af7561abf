"""Louvain and Leiden over many small dense graphs, compiled.

A group's graph is complete, so that libraries made for large sparse graphs spend their time on edge lists.
Here the links between every node and every community are kept while nodes move: a visit then looks at the
occupied communities alone, and a move adds and takes away one row of the graph.

A call is a loop over graphs without Python's lock and without state of its own: split over threads, or in any
chunks, the same seeds give the same partitions. Additions are never reordered, so that a platform or a number
of threads changes nothing either.

References:
    Louvain: Blondel et al. (2008), arXiv:0803.0476. Leiden: Traag et al. (2019), arXiv:1810.08473; its
    refinement takes the best merge, not a random one in proportion to exp(gain). Random numbers: splitmix64,
    Steele et al. (2014), doi:10.1145/2660193.2660195.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.compiled import compiled

_Reals = NDArray[np.float64]
_Labels = NDArray[np.int64]
_State = NDArray[np.uint64]

_LEIDEN_ITERATIONS = 2
"""Each starts from the partition before; until stable can mean for ever on nearly random graphs."""
_GAIN = 1e-12
"""A move has to gain so much of its node's strength: less is the rounding of sums of thousands of links."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@compiled
def best_partitions(
    stack: _Reals, seeds: _State, restarts: int, resolution: float, refined: bool
) -> tuple[_Labels, _Reals]:
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
    for place in range(n_graphs):
        weights = stack[place]
        memberships[place] = np.arange(size)
        twice_m = 0.0
        for node in range(size):
            twice_m += _sum(weights[node])
        if not twice_m > 0:
            continue
        # Shares of the whole: no gain depends on the unit of the weights.
        shares = weights / twice_m
        random[0] = seeds[place]
        best = -np.inf
        for restart in range(restarts):
            membership = np.arange(size)
            for _ in range(_LEIDEN_ITERATIONS if refined else 1):
                membership = _partition(shares, membership, resolution, refined, random)
            value = quality(weights, membership, resolution)
            values[place, restart] = value
            if value > best:
                best = value
                memberships[place] = membership
    return memberships, values


@compiled
def quality(weights: _Reals, membership: _Labels, resolution: float) -> float:
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
def _partition(shares: _Reals, start: _Labels, resolution: float, refined: bool, random: _State) -> _Labels:
    """Move nodes, then whole communities as nodes, until nothing moves; shape (k,).

    Args:
        shares: Weights that sum to 1, shape (k, k), with zero diagonal.
        start: Community of each node, from which to start; is changed.
        resolution: Of Q.
        refined: Communities are split into parts before these become nodes.
        random: State of the random numbers, advanced.
    """
    size = len(shares)
    node_of = np.arange(size)  # node of the present level to which each original node belongs
    strength = np.empty(size)
    for node in range(size):
        strength[node] = _sum(shares[node])
    graph, community = shares, start
    while True:
        n_nodes = len(graph)
        moved = _move(graph, strength, community, resolution, random)
        n_communities = _renumber(community)
        if not moved and not refined:
            break
        parts, n_parts = community, n_communities
        if refined:
            parts = _split(graph, strength, community, resolution, random)
            n_parts = _renumber(parts)
        if n_parts == n_nodes or n_communities == n_nodes:
            break
        merged, strengths = np.zeros((n_parts, n_parts)), np.zeros(n_parts)
        above = np.empty(n_parts, dtype=np.int64)
        for node in range(n_nodes):
            strengths[parts[node]] += strength[node]
            above[parts[node]] = community[node]
            for other in range(node):
                if parts[node] != parts[other]:
                    merged[parts[node], parts[other]] += graph[node, other]
        merged += merged.T.copy()
        for node in range(size):
            node_of[node] = parts[node_of[node]]
        graph, strength, community = merged, strengths, above
    result = community[node_of]
    _renumber(result)
    return result


@compiled
def _move(graph: _Reals, strength: _Reals, community: _Labels, resolution: float, random: _State) -> bool:
    """Move each node where Q gains most, in random order, until none moves; `community` is changed.

    Returns:
        Whether any moved.
    """
    n_nodes = len(graph)
    total = np.zeros(n_nodes)  # strength of each community
    links = np.zeros((n_nodes, n_nodes))  # weight between a community and a node
    members = np.zeros(n_nodes, dtype=np.int64)
    for node in range(n_nodes):
        own = community[node]
        members[own] += 1
        total[own] += strength[node]
        _add(links[own], graph[node], 1.0)
    # The first n_occupied entries are the communities with members, the others are free.
    slots = np.empty(n_nodes, dtype=np.int64)
    n_occupied = 0
    for label in range(n_nodes):
        if members[label]:
            slots[n_occupied] = label
            n_occupied += 1
        else:
            slots[n_occupied - label - 1] = label  # from the end
    order = _shuffled(n_nodes, random)
    moved, moving = False, True
    while moving:
        moving = False
        for node in order:
            own = community[node]
            expected = resolution * strength[node]
            staying = links[own, node] - expected * (total[own] - strength[node])
            smallest = _GAIN * strength[node]
            # Alone a node gains 0. A community to join has to offer more, which takes links to it.
            best, gained = own, max(staying, 0.0) + smallest
            for slot in range(n_occupied):
                label = slots[slot]
                gain = links[label, node] - expected * total[label]
                if gain > gained and label != own:
                    best, gained = label, gain
            if best == own and staying < -smallest and members[own] > 1:
                best = slots[n_occupied]  # a free one
            if best == own:
                continue
            if members[best] == 0:
                links[best] = 0.0
                total[best] = 0.0
                n_occupied += 1
            members[own] -= 1
            members[best] += 1
            total[own] -= strength[node]
            total[best] += strength[node]
            _add(links[own], graph[node], -1.0)
            _add(links[best], graph[node], 1.0)
            community[node] = best
            if members[own] == 0:
                n_occupied -= 1
                for slot in range(n_occupied + 1):
                    if slots[slot] == own:
                        slots[slot] = slots[n_occupied]
                        slots[n_occupied] = own
                        break
            moved = moving = True
    return moved


@compiled
def _split(graph: _Reals, strength: _Reals, community: _Labels, resolution: float, random: _State) -> _Labels:
    """Leiden's refinement: parts of each community, in which every merge was one of well connected parts."""
    n_nodes = len(graph)
    part = np.arange(n_nodes)
    alone = np.ones(n_nodes, dtype=np.bool_)
    total = strength.copy()  # of each part
    whole = np.zeros(n_nodes)  # of each community
    outward = np.zeros(n_nodes)  # weight between a part and the rest of its community
    for node in range(n_nodes):
        whole[community[node]] += strength[node]
        for other in range(n_nodes):
            if other != node and community[other] == community[node]:
                outward[node] += graph[node, other]
    links = np.zeros(n_nodes)
    for node in _shuffled(n_nodes, random):
        around = whole[community[node]]
        if not alone[node] or outward[node] < resolution * strength[node] * (around - strength[node]):
            continue
        links[:] = 0.0
        for other in range(n_nodes):
            if other != node and community[other] == community[node]:
                links[part[other]] += graph[node, other]
        best, gained = node, _GAIN * strength[node]
        for label in range(n_nodes):
            # A part is named after its first node, so that a label of another community has no links.
            if links[label] > 0 and outward[label] >= resolution * total[label] * (around - total[label]):
                gain = links[label] - resolution * strength[node] * total[label]
                if gain > gained:
                    best, gained = label, gain
        if best != node:
            part[node] = best
            alone[best] = False
            total[best] += strength[node]
            outward[best] += outward[node] - 2 * links[best]
    return part


@compiled
def _add(into: _Reals, row: _Reals, sign: float) -> None:
    for place in range(len(row)):
        into[place] += sign * row[place]


@compiled
def _sum(row: _Reals) -> float:
    total = 0.0
    for place in range(len(row)):
        total += row[place]
    return total


@compiled
def _renumber(labels: _Labels) -> int:
    """Number labels in the order of their first node; how many there are."""
    new = np.full(len(labels), -1)
    n_labels = 0
    for node in range(len(labels)):
        if new[labels[node]] < 0:
            new[labels[node]] = n_labels
            n_labels += 1
        labels[node] = new[labels[node]]
    return n_labels


@compiled
def _shuffled(n_nodes: int, random: _State) -> _Labels:
    """A random order of the nodes (Fisher and Yates)."""
    order = np.arange(n_nodes)
    for last in range(n_nodes - 1, 0, -1):
        random[0] += _GOLDEN
        bits = random[0]
        bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
        bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
        bits ^= bits >> np.uint64(31)
        place = np.int64(((bits >> np.uint64(32)) * np.uint64(last + 1)) >> np.uint64(32))
        order[last], order[place] = order[place], order[last]
    return order
