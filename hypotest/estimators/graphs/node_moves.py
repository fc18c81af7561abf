"""What nodes and communities of a dense graph do in one level of Louvain and Leiden, compiled.

Links between every node and every community are kept while nodes move: a visit looks at the occupied
communities alone, and a move adds and takes away one row of the graph. Space is the caller's, larger than a
level may need: of every array the first `n_nodes` entries count.

What calls these functions is kept compiled until its own file changes: after a change here, change
`hypotest.estimators.graphs.louvain` too, or delete ``__pycache__``.

References:
    Random numbers: splitmix64, Steele et al. (2014), doi:10.1145/2660193.2660195.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.compiled import compiled

Reals = NDArray[np.float64]
Labels = NDArray[np.int64]
State = NDArray[np.uint64]
"""Of the random numbers, one number."""
Work = tuple[Reals, Reals, Labels, NDArray[np.uint32]]
"""Space for `move_nodes`, shapes (k, k), (k,), (3, k) and (k,)."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""What each random number adds to their state."""
_MIX = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GAIN = 1e-12
"""A move has to gain so much of its node's strength: less is the rounding of sums of thousands of links."""


@compiled
def move_nodes(
    graph: Reals,
    strength: Reals,
    n_nodes: int,
    community: Labels,
    resolution: float,
    random: State,
    work: Work,
) -> bool:
    """Move each node where Q gains most, in random order, until none moves; `community` is changed.

    Returns:
        Whether any moved.
    """
    links, total = work[0], work[1]  # weight between a community and a node; strength of each community
    members, order, slot_of = work[2]
    slots = work[3]
    for node in range(n_nodes):
        total[node] = 0.0
        members[node] = 0
        for other in range(n_nodes):
            links[node, other] = 0.0
    for node in range(n_nodes):
        own = community[node]
        members[own] += 1
        total[own] += strength[node]
        for other in range(n_nodes):
            links[own, other] += graph[node, other]
    # The first n_occupied entries are the communities with members, the others are free.
    n_occupied = 0
    for label in range(n_nodes):
        slot_of[label] = n_occupied if members[label] else n_nodes + n_occupied - label - 1  # from the end
        slots[slot_of[label]] = label
        n_occupied += 1 if members[label] else 0
    shuffle(order, n_nodes, random)
    moved, turn, n_stayed = False, 0, 0
    while n_stayed < n_nodes:  # seen since the last move: the others would stay as well
        node = order[turn]
        turn = turn + 1 if turn + 1 < n_nodes else 0
        n_stayed += 1
        own = community[node]
        expected = resolution * strength[node]
        staying = links[own, node] - expected * (total[own] - strength[node])
        smallest = _GAIN * strength[node]
        # Alone a node gains 0. A community to join has to offer more, which takes links to it.
        best, gained = own, max(staying, 0.0) + smallest
        total_own, total[own] = total[own], np.inf  # it is no community to join
        for slot in range(n_occupied):
            label = slots[slot]
            gain = links[label, node] - expected * total[label]
            better = gain > gained  # without a branch, which would be guessed wrongly
            best = np.int64(label) if better else best
            gained = gain if better else gained
        total[own] = total_own
        if best == own and staying < -smallest and members[own] > 1:
            best = np.int64(slots[n_occupied])  # a free one
        if best == own:
            continue
        if members[best] == 0:
            links[best, :n_nodes] = 0.0
            total[best] = 0.0
            n_occupied += 1
        members[own] -= 1
        members[best] += 1
        total[own] -= strength[node]
        total[best] += strength[node]
        for other in range(n_nodes):
            links[own, other] -= graph[node, other]
        for other in range(n_nodes):
            links[best, other] += graph[node, other]
        community[node] = best
        if members[own] == 0:
            n_occupied -= 1
            last, slot = slots[n_occupied], slot_of[own]
            slots[slot], slots[n_occupied] = last, own
            slot_of[last], slot_of[own] = slot, n_occupied
        moved, n_stayed = True, 0
    return moved


@compiled
def split_communities(
    graph: Reals, strength: Reals, n_nodes: int, community: Labels, resolution: float, random: State
) -> Labels:
    """Leiden's refinement: parts of each community, in which every merge was one of well connected parts."""
    part, order = np.arange(n_nodes), np.empty(n_nodes, dtype=np.int64)
    alone = np.ones(n_nodes, dtype=np.bool_)
    total = strength[:n_nodes].copy()  # of each part
    whole = np.zeros(n_nodes)  # of each community
    outward = np.zeros(n_nodes)  # weight between a part and the rest of its community
    for one in range(n_nodes):
        whole[community[one]] += strength[one]
        for other in range(n_nodes):
            if other != one and community[other] == community[one]:
                outward[one] += graph[one, other]
    links = np.zeros(n_nodes)
    shuffle(order, n_nodes, random)
    for place in range(n_nodes):
        node = int(order[place])
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
def total_of(row: Reals) -> float:
    """Sum, one entry after the other."""
    total = 0.0
    for place in range(len(row)):
        total += row[place]
    return total


@compiled
def renumber(labels: Labels, n_nodes: int, new: Labels) -> int:
    """Number the nodes' labels in the order of their first node, in space for as many; the highest plus 1."""
    new[:n_nodes] = -1
    n_labels = 0
    for node in range(n_nodes):
        if new[labels[node]] < 0:
            new[labels[node]] = n_labels
            n_labels += 1
        labels[node] = new[labels[node]]
    return n_labels


@compiled
def row_of(labels: Labels, known: Labels, n_known: int) -> int:
    """The row with these labels; the number of rows if there is none."""
    for row in range(n_known):
        same = True
        for node in range(len(labels)):
            if known[row, node] != labels[node]:
                same = False
                break
        if same:
            return row
    return n_known


@compiled
def shuffle(order: Labels, n_nodes: int, random: State) -> None:
    """A random order of the nodes (Fisher and Yates)."""
    for node in range(n_nodes):
        order[node] = node
    for last in range(n_nodes - 1, 0, -1):
        random[0] += GOLDEN
        bits = random[0]
        bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
        bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
        bits ^= bits >> np.uint64(31)
        place = np.int64(((bits >> np.uint64(32)) * np.uint64(last + 1)) >> np.uint64(32))
        order[last], order[place] = order[place], order[last]
