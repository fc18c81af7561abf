"""What a protocol does to doubt its own tests, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.nulls.registry import declared
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.sentences import sentence_list


def doubts(protocol: Protocol) -> Iterator[str]:
    """Placebos, and hidden causes: a paragraph each, where there are any."""
    selected = "selected and " if protocol.group.is_selected else ""
    if protocol.placebos:
        yield (
            f"The {protocol.names.second} positions are divided at random into two make-believe conditions, "
            f"{protocol.placebos:,} times, and once by loss; neurons are {selected}tested there in the same "
            "way. Where there is nothing to find, a test should find something in "
            f"{100 * protocol.decision.level:g} %. Placebos can reveal a fault, not exclude one, and "
            "never decide."
        )
    causes = [item.name for item in declared(protocol) if item.null.sensitivity is not None]
    if causes:
        yield (
            f"For what is significant against {sentence_list(causes)}, the report says how strong a "
            "hidden cause "
            "of membership in the group would have to be to overturn it."
        )
