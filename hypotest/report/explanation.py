"""What ``hypotest explain`` and ``hypotest init`` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Document, Heading, Items, Part, document, table
from hypotest.pages.inline import Inline, path, strong
from hypotest.registration.explained.lines import Line, Section
from hypotest.registration.template import Started


def explanation(sections: Sequence[Section]) -> Document:
    """What a protocol means, section by section."""
    return document(_parts(sections))


def _parts(sections: Sequence[Section]) -> Iterator[Part]:
    for section in sections:
        yield Heading(section.heading)
        depths = tuple(line.depth for line in section.lines)
        yield Items(tuple(map(_line, section.lines)), depths, marked=False)


def _line(line: Line) -> Inline:
    return (strong(line.label), " " if line.text else "", line.text) if line.label else line.text


_SCHEMA_STATES = {
    "written": "lets editors complete and explain every key",
    "kept": "was there already, and is the right one",
    "differs": "was there already, differs, and stays: `hypotest schema` prints the right one",
}


def start_page(started: Started) -> Document:
    """What ``hypotest init`` has written, and what to do next."""
    state = _SCHEMA_STATES[started.schema_state]
    return document(
        [
            table(
                ("", ""),
                [
                    (path(started.protocol), "the protocol, ready to be changed"),
                    (path(started.schema_file), state),
                ],
            ),
            ("Next: hypotest explain ", path(started.protocol)),
        ]
    )
