"""What a page says, whatever it is written in: a document of blocks, with text of typed spans.

Authors put plain text where it belongs, also text that others wrote; what a character means in Markdown,
in HTML or to a terminal is the renderer's to know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hypotest.pages.inline import Inline, Span, plain, spans

INTERFACE = 2
"""Version of what a page format is handed, and of what it must have; raised when either changes."""

ColumnKind = Literal["text", "number", "sign"]
NoteKind = Literal["note", "warning", "caution"]
PART = "part-"
"""Begins the id of each group of a figure's SVG that a span may open by itself."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Begins a section."""

    text: Inline
    level: int = 2
    """1 for the title of the page."""
    id: str = ""
    """What links to the section end in; from its text where it is empty."""
    folds: bool = False
    """Whether what follows, up to the next heading, is for those who open it, where a format can fold."""
    copies: bool = False
    """Whether readers may want to take the section's text along, where a format can offer that."""

    @property
    def anchor(self) -> str:
        """The id, or what follows from the text: ``the-ladder-of-nulls``."""
        return self.id or re.sub(r"[^a-z0-9_]+", "-", plain(self.text).lower()).strip("-") or "section"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: Inline


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Inline, ...]
    depths: tuple[int, ...] = ()
    """How far each item is set in, 0 for not at all; empty for none."""
    marked: bool = True
    """Whether each begins with a mark, where a format can do without."""

    @property
    def at_depth(self) -> Iterator[tuple[int, Inline]]:
        """Items with their depths."""
        return zip(self.depths or (0,) * len(self.items), self.items, strict=True)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: Inline
    kind: ColumnKind = "text"
    whole: int = 0
    """So many characters of a line stay together, in a page of given width."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows.

    Raises:
        ValueError: If a row has not as many cells as there are columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Inline, ...], ...]
    narrow: Block | None = None
    """What says the same in fewer characters, for pages of a width that this does not fit."""
    sorts: bool = False
    """Whether a reader may order its rows by any column, where a format can offer that."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a table of {len(self.columns)} columns has a row of {len(row)}: {row}")

    @property
    def has_head(self) -> bool:
        """Whether any column has a name."""
        return any(plain(column.name) for column in self.columns)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that lies beside the page, as ``<path>.svg`` and ``<path>.png``."""

    path: str
    """Relative to the page, without ending, with forward slashes."""
    caption: str
    alternative: str = ""
    """What it shows, for those who cannot see it; the caption where it is empty."""


@dataclass(frozen=True, slots=True)
class Code:
    """Lines as they are, such as a protocol."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader should hear first."""

    kind: NoteKind
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Details:
    """What a reader opens who wants it."""

    summary: Inline
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Blocks that belong together, such as a table and its legend; nothing comes between them."""

    blocks: tuple[Block, ...]


Block: TypeAlias = Heading | Paragraph | Items | Table | Figure | Code | Note | Details | Together
Part: TypeAlias = Block | Inline
"""What an author gives: a block, or text, which is a paragraph."""


@dataclass(frozen=True, slots=True)
class Document:
    """A page."""

    blocks: tuple[Block, ...]
    terms: Mapping[str, str] = field(default_factory=dict)
    """Words that a format may explain wherever they occur -> what they mean, in a sentence or two."""
    ordinary: frozenset[str] = frozenset()
    """Those of them that sentences use in other senses as well: explained only where one stands by itself, as
    a whole cell or a marked span."""

    @property
    def title(self) -> str:
        """The first heading of level 1; empty where there is none."""
        headings = (item for item in self.blocks if isinstance(item, Heading) and item.level == 1)
        return next((plain(item.text) for item in headings), "")


def blocks(parts: Iterable[Part]) -> tuple[Block, ...]:
    """Text alone becomes a paragraph; what is empty is left out."""
    laid_out: list[Block] = []
    for part in parts:
        if not isinstance(part, str | Span | Sequence):
            laid_out.append(part)
        elif spans(part):
            laid_out.append(Paragraph(part))
    return tuple(laid_out)


def table(
    head: Sequence[Inline],
    rows: Iterable[Sequence[Inline]],
    numeric: Sequence[int] = (),
    whole: int = 0,
    sorts: bool = False,
) -> Table:
    """A table.

    Args:
        head: Names of the columns.
        rows: Cells, as many per row as there are columns.
        numeric: Columns of numbers.
        whole: So many characters of the first column stay together.
        sorts: Whether a reader may order the rows.
    """
    columns = (
        Column(name, "number" if place in numeric else "text", 0 if place else whole)
        for place, name in enumerate(head)
    )
    return Table(tuple(columns), tuple(tuple(row) for row in rows), sorts=sorts)


def document(
    parts: Iterable[Part], terms: Mapping[str, str] | None = None, ordinary: Iterable[str] = ()
) -> Document:
    """A page of what an author gives one after the other.

    Args:
        parts: Of the page.
        terms: Words that a format may explain -> what they mean.
        ordinary: Those of them that are explained only where they stand by themselves.
    """
    return Document(blocks(parts), dict(terms or {}), frozenset(ordinary))


def together(*parts: Part) -> Together:
    """Blocks that belong together."""
    return Together(blocks(parts))
