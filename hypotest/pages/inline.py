"""Text of typed spans, as authors write it and as renderers read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from hypotest.pages.text import visible

Kind = Literal[
    "plain", "strong", "emphasis", "code", "path", "aside", "superscript", "term", "quote", "match", "break"
]
"""``aside``: what qualifies the rest; ``path``: a file or folder, shown whole; ``term``: a word of the
glossary, which a page may explain; ``quote``: what others wrote, word for word; ``match``: what is meant in
it."""
Tone = Literal["good", "bad", "careful", "alarm"]
"""What colour says again; never the only one to say it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text."""

    text: str
    kind: Kind = "plain"
    tone: Tone | None = None
    address: str = ""
    """Where it leads: relative to the page, or a URL; empty for no link."""
    opens: str = ""
    """What shows it closer, where a format can open that: a figure of the page, ``figures/<name>``, or a part
    of it, ``figures/<name>#<group of the SVG>``."""


Inline: TypeAlias = str | Span | Sequence["Inline"]
"""Text as authors write it: plain strings, spans, and any nesting of the two."""

BREAK = Span("\n", "break")
INDENTED = Span("\n  ", "break")
"""A new line that belongs to the one above it; at the beginning of a text it only sets that in."""


def strong(text: object, tone: Tone | None = None) -> Span:
    """What must not be overlooked."""
    return Span(str(text), "strong", tone)


def emphasis(text: object) -> Span:
    """What is set apart."""
    return Span(str(text), "emphasis")


def code(text: object) -> Span:
    """What is to be typed, or read by a machine."""
    return Span(str(text), "code")


def path(text: object) -> Span:
    """A file or folder, of which no character may be lost."""
    return Span(str(text), "path")


def aside(text: object) -> Span:
    """What qualifies the rest, and may be overlooked."""
    return Span(str(text), "aside")


def term(text: object) -> Span:
    """A word of the glossary."""
    return Span(str(text), "term")


def quote(text: object) -> Span:
    """What others wrote, word for word."""
    return Span(str(text), "quote")


def match(text: object) -> Span:
    """What is meant within a quote."""
    return Span(str(text), "match")


def link(text: object, address: str) -> Span:
    """Text that leads somewhere."""
    return Span(str(text), address=address)


_KINDS: tuple[Kind, ...] = ("strong", "emphasis", "code")
_MARKED = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`|\{\}")


def prose(template: str, *values: Inline) -> Inline:
    """Text of a page's author, with marks for spans and places for values.

    Args:
        template: Written word for word, with ``**strong**``, ``*emphasis*``, code in backticks, and ``{}``
            for each value, of which none may be part of it.
        values: What others wrote; characters in it mean nothing.

    Examples:
        >>> plain(prose("the rule *{}*: {}, in `results.json`", "a*b", strong("c")))
        'the rule a*b: c, in results.json'
    """
    left = iter(values)
    parts: list[Inline] = []
    end = 0
    for mark in _MARKED.finditer(template):
        parts.append(template[end : mark.start()])
        end = mark.end()
        for kind, text in zip(_KINDS, mark.groups(), strict=True):
            if text is not None:
                filled = re.sub(r"\{\}", lambda _: plain(next(left)), text)
                parts.append(Span(filled, kind))
        if mark.group() == "{}":
            parts.append(next(left))
    return (*parts, template[end:])


def with_code(text: str) -> Inline:
    """A sentence that others wrote, with what it has between backticks as code.

    Examples:
        >>> with_code("`bin:` shows it")[1].kind
        'code'
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return text
    return tuple(code(part) if place % 2 else part for place, part in enumerate(parts))


def lines(first: Inline, second: object, indented: bool = False) -> Inline:
    """Two lines of a cell, the second of which qualifies the first."""
    return (first, INDENTED if indented else BREAK, aside(second))


def joined(separator: Inline, items: Iterable[Inline]) -> Inline:
    """Pieces of text with something between them."""
    parts: list[Inline] = []
    for item in items:
        parts += [separator, item] if parts else [item]
    return tuple(parts)


def listed(items: Iterable[Inline]) -> Inline:
    """Pieces of text joined as in a sentence: ``a, b and c``."""
    *others, last = tuple(items) or ("",)
    return (joined(", ", others), " and ", last) if others else last


def spans(text: Inline) -> tuple[Span, ...]:
    r"""The spans of a text, neighbours of one kind as one, without what is not visible.

    White space is single spaces, none at the ends of a line. Paths stay as they are.

    Examples:
        >>> [item.text for item in spans(("a ", ("\x1bb ", " c "), strong(" d")))]
        ['a b c ', 'd']
    """
    trimmed: list[Span] = []
    spaced = True  # a space here would be a second one, or stand at the beginning of a line
    for item in _flat(text):
        if item.kind in ("break", "path"):
            _trim(trimmed, item.kind == "break")
            trimmed.append(item)
            spaced = item.kind == "break"
            continue
        shown = visible(item.text)
        shown = shown.removeprefix(" ") if spaced else shown
        if not shown:
            continue
        spaced = shown.endswith(" ")
        last = trimmed[-1] if trimmed else None
        if last is not None and replace(last, text="") == replace(item, text=""):
            trimmed[-1] = replace(last, text=last.text + shown)
        else:
            trimmed.append(replace(item, text=shown))
    _trim(trimmed, True)
    return tuple(trimmed)


def _trim(spans: list[Span], at_end: bool) -> None:
    while at_end and spans and spans[-1].kind not in ("break", "path"):
        last = spans.pop()
        shown = last.text.rstrip(" ")
        if shown:
            spans.append(replace(last, text=shown))
            return


def _flat(text: Inline) -> Iterator[Span]:
    if isinstance(text, Span):
        yield text
    elif isinstance(text, str):
        yield Span(text)
    else:
        for item in text:
            yield from _flat(item)


def plain(text: Inline) -> str:
    """The characters of a text alone, in one line."""
    return "".join(" " if item.kind == "break" else item.text for item in spans(text)).strip()
