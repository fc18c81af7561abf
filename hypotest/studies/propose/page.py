"""What ``hypotest init --model`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hypotest.studies.propose.record import ProposedChange


def proposal_lines(changes: Iterable[ProposedChange], notes: Iterable[str]) -> Iterator[str]:
    """What ``hypotest init --model`` has changed in a template, and why."""
    for item in changes:
        yield f"{item.key}: {_value(item.new)} (was {_value(item.old)}): {item.why}"
    yield from (f"note: {note}" for note in notes)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
