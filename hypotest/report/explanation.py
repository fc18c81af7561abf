"""What ``hypotest explain`` and ``hypotest init`` print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text

from hypotest.records.proposal import Change
from hypotest.registration import Section, Started
from hypotest.report.text import printable

_STEP = 2
_WIDEST = 88
"""Characters of a line that are still pleasant to read."""


class Explanation:
    """Sections of paragraphs, wrapped to the width at hand."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = sections

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render heading by heading."""
        width = min(options.max_width, _WIDEST)
        for number, section in enumerate(self._sections):
            yield Text(("\n" if number else "") + printable(section.heading), style="bold underline")
            for line in section.lines:
                text = Text(printable(line.text))
                if line.label:
                    text = Text.assemble((printable(line.label), "bold"), " " if line.text else "", text)
                indent = _STEP * (line.depth + 1)
                for place, wrapped in enumerate(text.wrap(console, max(20, width - indent - _STEP))):
                    wrapped.rstrip()
                    yield Padding(wrapped, (0, 0, 0, indent + (_STEP if place else 0)), expand=False)


_SCHEMA_STATES = {
    "written": "lets editors complete and explain every key",
    "kept": "was there already, and is the right one",
    "differs": "was there already, differs, and stays: `hypotest schema` prints the right one",
}


def start_text(started: Started) -> Text:
    """What ``hypotest init`` has written, and what to do next."""
    protocol, schema = printable(started.protocol), printable(started.schema_file)
    width = max(len(protocol), len(schema))
    return Text(
        f"{protocol:<{width}}  the protocol, ready to be changed\n"
        f"{schema:<{width}}  {_SCHEMA_STATES[started.schema_state]}\n"
        f"Next: hypotest explain {protocol}"
    )


def proposal_lines(changes: Iterable[Change], notes: Iterable[str]) -> Iterator[str]:
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
