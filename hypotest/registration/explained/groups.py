"""Which neurons a protocol tests, in words; the same for explain, methods and registration."""

from __future__ import annotations

from hypotest.records.protocol.group import INFLUENCE, SELECTIVITY
from hypotest.records.protocol.protocol import Protocol

_NAMED = 12
"""Neurons that a sentence names; the rest are counted."""


def ranked_by(protocol: Protocol) -> str:
    """What the neurons of a selected group lead in: ``influence on rare targets``."""
    first, second = protocol.names
    if protocol.group.by == INFLUENCE:
        return f"influence on {first} targets"
    if protocol.group.by == SELECTIVITY:
        return (
            f"selectivity of their influence, (influence on {first} - influence on {second} targets) / "
            "(their sum)"
        )
    return f"Welch's t of their activation, {first} minus {second} positions"


def given_words(protocol: Protocol) -> str:
    """A group that is not selected: ``the whole layer``, ``the 2 neurons that the protocol names (1, 5)``."""
    ids = protocol.group.ids
    if not ids:
        return "the whole layer"
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    what = "the neuron" if len(ids) == 1 else f"the {len(ids):,} neurons"
    return f"{what} that the protocol names ({', '.join(map(str, ids[:_NAMED]))}{more})"


def selection_step(protocol: Protocol) -> str:
    """How the group comes about, for a reader who knows the question and not the statistics."""
    group = protocol.group
    if not group.is_selected:
        return (
            f"The group under test is {given_words(protocol)}. No text selects it here; what it was chosen "
            "by elsewhere, and on which text, this protocol does not know."
        )
    leading = (
        f"with the most {ranked_by(protocol)}"
        if group.by == INFLUENCE
        else f"that lead in {ranked_by(protocol)},"
    )
    best = f"The neurons {leading} become the group under test: "
    if not group.size_varies and group.declared is not None:
        return f"{best}{group.declared.words} of the layer."
    otherwise = f"; if it has no plateau, {group.otherwise.words} of the layer" if group.otherwise else ""
    return f"{best}those on the plateau at the top of the influence curve, before it falls{otherwise}."


def group_was(protocol: Protocol) -> str:
    """What the group was, for a paper: continues "the group was"."""
    group = protocol.group
    if not group.is_selected:
        return f"{given_words(protocol)}, tested without any selection"
    if not group.size_varies and group.declared is not None:
        of_layer = "" if group.declared.key == "top" else " of the neurons"
        by = "for" if group.by == INFLUENCE else "by"
        leading = f"{protocol.names.first} targets" if group.by == INFLUENCE else ranked_by(protocol)
        comma = "," if group.by == INFLUENCE else ""
        return f"{group.declared.words}{of_layer}{comma} {by} {leading}"
    otherwise = (
        f" (declared for the case of no plateau: {group.otherwise.words})"
        if group.otherwise is not None
        else ""
    )
    return (
        f"the neurons left of the power law of the rank-influence curve{otherwise}, for "
        f"{protocol.names.first} targets"
    )
