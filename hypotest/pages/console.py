"""A document on a terminal, or in a notebook: legible from 80 columns on, and without colour.

Everything is built from `Text` without markup, so that a title or a name can hold any character.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.text import Text

from hypotest.pages.console_table import ConsoleTable
from hypotest.pages.document import (
    INTERFACE,
    Block,
    Code,
    Column,
    ColumnKind,
    Details,
    Document,
    Figure,
    Heading,
    Items,
    Note,
    Paragraph,
    Table,
    Together,
)
from hypotest.pages.inline import INDENTED, Inline, Span, aside, path, spans, strong
from hypotest.pages.text import terminal_text

WIDTH = 80
_WIDEST_LIST = 88
"""Characters of a line that are still pleasant to read."""
_STEP = 2
_NARROWEST_WITH_WHOLE_NAMES = 78
_STYLES = {"strong": "bold", "match": "bold", "emphasis": "italic", "path": "underline", "aside": "dim"}
_TONES = {"good": "green", "bad": "red", "careful": "yellow", "alarm": "reverse red"}
_JUSTIFIED: dict[ColumnKind, Literal["left", "right", "center"]] = {
    "text": "left",
    "number": "right",
    "sign": "center",
}


class ConsolePage:
    """Plain text of 80 columns, as a terminal shows it."""

    name = "console"
    suffix = ".txt"
    interface = INTERFACE

    def render(self, document: Document, folder: Path | None = None) -> str:
        """Write it.

        Args:
            document: The page.
            folder: Where it will lie, which makes no difference.
        """
        console = Console(file=io.StringIO(), width=WIDTH, color_system=None, _environ={})
        with console.capture() as captured:
            console.print(ConsoleDocument(document))
        return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


PAGE = ConsolePage()


class ConsoleDocument:
    """A document that rich can print, for the width at hand."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render block by block, a line free between two; a heading stands on what it heads."""
        previous: Block | None = None
        for block in self._document.blocks:
            if previous is not None and not isinstance(previous, Heading):
                yield Text()
            yield from _rendered(block, console, options)
            previous = block


def shown(document: Document) -> ConsoleRenderable:
    """A document that rich can print."""
    return ConsoleDocument(document)


def _rendered(block: Block, console: Console, options: ConsoleOptions) -> Iterator[ConsoleRenderable]:
    match block:
        case Heading():
            yield text_of(block.text, "bold")
        case Paragraph():
            yield text_of(block.text)
        case Items():
            yield from _items(block, console, options)
        case Table():
            yield from _table(block, console, options)
        case Figure():
            yield text_of(("Figure: ", path(f"{block.path}.png"), " ", aside(block.caption)))
        case Code():
            for line in block.text.rstrip().splitlines():
                yield Padding(Text(terminal_text(line)), (0, 0, 0, _STEP), expand=False)
        case Note():
            yield text_of(strong(f"{block.kind.upper()}:", "careful"))
            yield from _all(block.blocks, console, options)
        case Details():
            yield text_of((block.summary, ":"), "bold")
            yield from _all(block.blocks, console, options)
        case Together():
            yield from _all(block.blocks, console, options)


def _all(blocks: tuple[Block, ...], console: Console, options: ConsoleOptions) -> Iterator[ConsoleRenderable]:
    for block in blocks:
        yield from _rendered(block, console, options)


def text_of(inline: Inline, style: str = "") -> Text:
    """A line of text."""
    parts = spans(inline)
    if parts and parts[0] == INDENTED:
        parts = (Span(INDENTED.text.removeprefix("\n")), *parts[1:])
    return Text.assemble(*((_shown(item), _style(item)) for item in parts), style=style)


def _shown(item: Span) -> str:
    if item.kind == "path":
        return terminal_text(item.text)
    return {"superscript": f"^{item.text}", "code": f"`{item.text}`"}.get(item.kind, item.text)


def _style(item: Span) -> str:
    tone = "" if item.tone is None else _TONES[item.tone]
    return f"{_STYLES.get(item.kind, '')} {tone}".strip()


def _items(block: Items, console: Console, options: ConsoleOptions) -> Iterator[ConsoleRenderable]:
    mark, step = ("- ", 0) if block.marked else ("", 1)
    width = min(options.max_width, _WIDEST_LIST)
    for depth, item in block.at_depth:
        indent = _STEP * (depth + step)
        text = Text.assemble(mark, text_of(item))
        for place, line in enumerate(text.wrap(console, max(20, width - indent - _STEP))):
            line.rstrip()
            yield Padding(line, (0, 0, 0, indent + (_STEP if place else 0)), expand=False)


def _table(block: Table, console: Console, options: ConsoleOptions) -> Iterator[ConsoleRenderable]:
    for spacing in (1, 0):
        table = _rich_table(block, spacing, options.max_width)
        needed = Measurement.get(console, options.update(width=10_000), table).maximum
        if options.overflow == "ignore":  # lines may be as long as they are
            table.width = needed
        if table.width or needed <= options.max_width:
            yield table
            return
    if block.narrow is None:
        yield table
    else:
        yield from _rendered(block.narrow, console, options)


def _rich_table(block: Table, spacing: int, width: int) -> ConsoleTable:
    table = ConsoleTable(
        box=box.SIMPLE_HEAD if block.has_head else None,  # the box itself puts one space between columns
        padding=(0, spacing if block.has_head else 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=block.has_head,
    )
    cells = [_row(row) for row in block.rows]
    for place, column in enumerate(block.columns):
        head = text_of(column.name)
        table.add_column(
            head,
            justify=_JUSTIFIED[column.kind],
            overflow="fold",
            min_width=_least_width(column, [head, *(row[place] for row in cells)], width),
        )
    for row in cells:
        table.add_row(*row)
    return table


def _least_width(column: Column, texts: list[Text], width: int) -> int | None:
    """Of a column in a page that is not all too narrow: numbers stay whole, and names as far as was asked."""
    if width < _NARROWEST_WITH_WHOLE_NAMES:
        return None
    longest = max(line.cell_len for text in texts for line in text.split("\n"))
    number = max((len(word) for text in texts for word in text.plain.split()), default=0)
    return max(min(column.whole, longest), number if column.kind == "number" else 0) or None


def _row(cells: tuple[Inline, ...]) -> list[Text]:
    """The cells of a row, without a second line where it is empty in all of them."""
    texts = [text_of(cell) for cell in cells]
    if all(not text.plain.partition("\n")[2].strip() for text in texts):
        texts = [text.split("\n", allow_blank=True)[0] if "\n" in text.plain else text for text in texts]
    return texts
