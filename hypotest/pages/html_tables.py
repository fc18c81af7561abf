"""What an HTML page says of a table beside its cells: its name, and whether it needs a wide sheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from hypotest.pages.document import Block, Details, Document, Heading, Note, Table, Together
from hypotest.pages.html_text import WHOLE
from hypotest.pages.inline import plain
from hypotest.pages.text import untaken

_UPRIGHT = 110
"""Letters that stand side by side on an upright sheet of A4, in the size of a printed table."""
_BETWEEN = 1
"""Letters that fit between two columns."""
_SENTENCE = 60
"""Letters of a cell that is no name or number."""
_UNBROKEN = re.compile(r"[^\s_-]+[_-]?")
"""What stays on one line of a cell."""


def table_names(document: Document) -> Callable[[Table], str]:
    """What names each table to who hears the page: what it stands under, and what its rows are.

    No two have one name, so that a list of them leads to each.
    """
    by_place: dict[int, str] = {}
    taken: set[str] = set()
    for under, table in _tables(document.blocks, document.title):
        wanted = f"{under}, by {rows}" if (rows := _rows_of(table)) else under
        by_place[id(table)] = untaken(wanted, taken, "{} ({})")
    return lambda table: by_place[id(table)]


def is_wide(table: Table) -> bool:
    """Whether the longest words of its columns, side by side, are wider than an upright sheet."""
    columns = zip(*([column.name for column in table.columns], *table.rows), strict=True)
    widths = (
        max((min(len(word), WHOLE) for cell in cells for word in _UNBROKEN.findall(plain(cell))), default=0)
        for cells in columns
    )
    return sum(width + _BETWEEN for width in widths) > _UPRIGHT


def is_prose(table: Table) -> bool:
    """Whether cells are sentences, which a phone shows beneath each other: else they have a word a line."""
    long = [sum(len(plain(cell)) > _SENTENCE for cell in cells) for cells in zip(*table.rows, strict=True)]
    return sum(2 * count > len(table.rows) for count in long) > 1


def _tables(blocks: Sequence[Block], under: str) -> Iterator[tuple[str, Table]]:
    """Each with the heading, or what is opened, that it stands under."""
    for block in blocks:
        match block:
            case Heading():
                under = plain(block.text)
            case Table():
                yield under or "table", block
            case Details():
                yield from _tables(block.blocks, plain(block.summary))
            case Note() | Together():
                yield from _tables(block.blocks, under)


def _rows_of(table: Table) -> str:
    return plain(table.columns[0].name) if table.columns else ""
