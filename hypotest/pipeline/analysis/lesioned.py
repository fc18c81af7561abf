"""Which groups are lesioned at once for an analysis: they follow from the selection split alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.session import Session
from hypotest.groups.live import without_dead
from hypotest.groups.nulls import random_groups
from hypotest.measures.registry import measure_of
from hypotest.pipeline.analysis.splits import redivide
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.lesions import most_selective
from hypotest.testing.selection import select
from hypotest.testing.undefined import NO_VALUE

RANDOM_GROUPS = 20
"""Groups of as many random neurons that are ablated at once beside a selected one."""
Group = NDArray[np.int64]


def reads_lesions(protocol: Protocol) -> bool:
    """Whether one of a protocol's measures reads lesions of whole groups."""
    return any(Channel.LESIONS in measure_of(item).needs for item in protocol.predictions)


def groups_to_lesion(
    protocol: Protocol, evidence: Evidence, session: Session | None = None
) -> tuple[tuple[Group, ...], NDArray[np.bool_]]:
    """The groups whose lesions `analyse` reads: selected on either condition, and as many other neurons.

    The others are those that are most selective for the condition, and random ones.

    Whoever makes evidence elsewhere lesions these, and hands the changes over as
    `hypotest.records.evidence.lesions.Lesions` of the evaluation split. Nothing of that split is looked at
    here, but where ``protocol.splits`` asks for other divisions of the documents.

    Args:
        protocol: A valid protocol.
        evidence: Both splits.
        session: Random streams; by default those of the protocol's seed.

    Returns:
        The groups, as ascending numbers in the layer, no two alike; and which of them are random.

    Raises:
        EvidenceError: If no group can be selected.
    """
    session = session or Session.start(protocol.seed)
    live = without_dead(evidence)
    selection = select(protocol, live, session.streams)
    split, own = live.selection, live.selection.first
    selected = (selection.group, selection.second)
    furthest = [
        most_selective(split, rows, group.size) for rows, group in zip((own, ~own), selected, strict=True)
    ]
    candidates = [(group, False) for group in (*selected, *furthest)]
    for size in sorted({group.size for group, _ in candidates}):
        drawn = random_groups(live.n_neurons, size, RANDOM_GROUPS, session.streams("groups ablated at once"))
        candidates += [(group, True) for group in drawn]
    groups: dict[tuple[int, ...], bool] = {}
    for group, is_random in candidates:
        groups.setdefault(tuple(live.layer_numbers(group).tolist()), is_random)
    for neurons in _of_other_divisions(protocol, evidence, session):
        groups.setdefault(neurons, False)
    return (
        tuple(np.array(neurons, dtype=np.int64) for neurons in groups),
        np.array(list(groups.values()), dtype=bool),
    )


def _of_other_divisions(
    protocol: Protocol, evidence: Evidence, session: Session
) -> Iterator[tuple[int, ...]]:
    """Selected on either condition where the documents are divided otherwise."""
    for number in range(1, protocol.splits):
        divided = redivide(evidence, protocol.split.selection, session.streams("split", str(number)))
        try:
            live = without_dead(divided)
            selection = select(protocol, live, session.streams)
        except NO_VALUE:  # that division has no outcome
            continue
        for group in (selection.group, selection.second):
            yield tuple(live.layer_numbers(group).tolist())
