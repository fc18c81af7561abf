"""Tables for a terminal: side by side where there is room, one line per number where there is not."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

NARROWEST = 72
"""Columns of a terminal; below it rich breaks numbers in two to make columns fit."""


class ConsoleTable(Table):
    """A rich table that in a narrow terminal becomes a list: a row is its name, then ``column: value``.

    Cells and headers must be `Text` or plain words, as everything that hypotest prints is.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render for the width at hand."""
        if options.max_width >= NARROWEST:
            yield from super().__rich_console__(console, options)
            return
        if self.title:
            yield Text(str(self.title), style="bold")
        rows = [list(column.cells) for column in self.columns]
        heads = [_lines(column.header) if self.show_header else [] for column in self.columns]
        for first, *others in zip(*rows, strict=True):
            yield from _lines(first)
            for head, cell in zip(heads[1:], others, strict=True):
                yield from _named(head, _lines(cell))


def _lines(cell: object) -> list[Text]:
    text = cell if isinstance(cell, Text) else Text(str(cell))
    return list(text.split("\n", allow_blank=True)) if text.plain.strip() else []


def _named(head: list[Text], cell: list[Text]) -> Iterator[Text]:
    """Values under their names: line by line where both have as many lines, else all in one."""
    if not cell:
        return
    if len(head) != len(cell):
        joined = Text(" ").join(line.copy() for line in cell)
        head, cell = [Text(" ").join(line.copy() for line in head)] if head else [], [joined]
    for place, value in enumerate(cell):
        value = value.copy()
        indent = len(value.plain) - len(value.plain.lstrip())
        if value.plain.strip():
            name = head[place].plain.strip() if head else ""
            yield Text.assemble(f"  {name}: " if name else "  ", value[indent:])
