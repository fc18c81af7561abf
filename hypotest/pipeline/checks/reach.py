"""Can this plan reach its corrected level on this text and layer? Asked before anything is collected.

One check for every command: `corpus check`, `power`, `register`, `multiverse` and `run`.
"""

from __future__ import annotations

from pathlib import Path

from hypotest.errors import Problem, ProtocolError
from hypotest.ladder.distinct import Distinct, count_distinct
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS
from hypotest.pipeline.checks.remedies import Drawn, find_remedies, largest_sample
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words


def check_reach(protocol: Protocol, drawn: Drawn, n_neurons: int | None, path: Path) -> None:
    """Refuse a plan that has too few distinct relabellings or groups for its level.

    Args:
        protocol: A valid protocol.
        drawn: Its text and positions.
        n_neurons: Neurons in the layer; None where they are not known yet.
        path: The protocol's file, for the message.

    Raises:
        ProtocolError: With one problem per null; names the changes that would do, with their numbers.
    """
    counted = count_distinct(protocol, drawn.sampled.positions, n_neurons)
    said = material_words(protocol).said
    problems = tuple(
        Problem(str(path), f"nulls.{item.null}", said(_message(protocol, drawn, n_neurons, item)))
        for item in counted
        if not item.is_enough
    )
    if problems:
        raise ProtocolError(problems)


def _message(protocol: Protocol, drawn: Drawn, n_neurons: int | None, short: Distinct) -> str:
    level = f"{protocol.decision.level:g}" + (f" / {short.n_tests}" if short.n_tests > 1 else "")
    problem = (
        f"needs at least {short.needed:,} distinct {short.what} for a two-sided p-value to reach "
        f"{level}; this text and layer have {short.number}. "
    )
    remedies = find_remedies(protocol, drawn, n_neurons, short)
    if NULLS[short.null].form is Form.LABELS and not any(_is_of_positions(item.changes) for item in remedies):
        largest = largest_sample(protocol, drawn, short.null)
        problem += (
            "This text has no more positions. "
            if largest is None
            else f"More positions do not do: all {largest[0]:,} of this text give {largest[1]}. "
        )
    if not remedies:
        return f"{problem}Nothing that was tried on this text does: take another text"
    ways = [f"({number}) {item.words}" for number, item in enumerate(remedies, start=1)]
    return f"{problem}What does, tried on this text: {'; or '.join(ways)}"


def _is_of_positions(changes: tuple[tuple[str, object], ...]) -> bool:
    return any(key == "sample.positions" for key, _ in changes)
