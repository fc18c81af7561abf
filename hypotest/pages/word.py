"""A document that word processors open: HTML without script or style sheet, with tables as tables.

Word, LibreOffice and Google Docs read it as text of theirs, and a table copied from a browser stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from hypotest.pages.document import (
    INTERFACE,
    Block,
    Code,
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
from hypotest.pages.html_figures import InlineFigures
from hypotest.pages.html_text import HtmlText
from hypotest.pages.inline import Inline
from hypotest.pages.text import terminal_text

_CELL = "border-top: 1px solid #999; padding: 2px 6px; vertical-align: top"
_WIDTH = 600
"""Points that a figure is shown in."""


class Word:
    """What a manuscript in a word processor takes in."""

    name = "word"
    suffix = ".html"
    interface = INTERFACE

    def render(self, document: Document, folder: Path | None = None) -> str:
        """Write it.

        Args:
            document: The page.
            folder: Not looked at: figures are ``<path>.png`` beside the page.
        """
        body = "\n".join(_parts(document.blocks))
        head = f'<meta charset="utf-8"><title>{escape(document.title or "hypotest")}</title>'
        return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


PAGE = Word()


def _parts(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            level = min(block.level, 6)
            yield f"<h{level}>{_inline(block.text)}</h{level}>"
        case Paragraph():
            yield f"<p>{_inline(block.text)}</p>"
        case Items():
            for depth, item in block.at_depth:
                mark = "• " if block.marked else ""
                yield f'<p style="margin: 0 0 0 {2 * depth + 1}em">{mark}{_inline(item)}</p>'
        case Table():
            yield _table(block)
        case Figure():
            source, said = escape(f"{block.path}.png"), escape(block.alternative or block.caption)
            yield f'<p><img width="{_WIDTH}" src="{source}" alt="{said}"></p>'
            yield f"<p><em>{_inline(block.caption)}</em></p>"
        case Code():
            yield f"<pre>{escape(terminal_text(block.text.rstrip()))}</pre>"
        case Note():
            yield f"<p><strong>{block.kind.capitalize()}.</strong></p>"
            yield from _parts(block.blocks)
        case Details():
            yield f"<p><strong>{_inline(block.summary)}</strong></p>"
            yield from _parts(block.blocks)
        case Together():
            yield from _parts(block.blocks)


def _inline(text: Inline) -> str:
    return HtmlText(Document(()), InlineFigures({}, {})).inline(text)


def _table(table: Table) -> str:
    lines = ['<table style="border-collapse: collapse; font-size: 9pt">']
    if table.has_head:
        lines.append(_row("th", tuple(column.name for column in table.columns), table))
    lines += [_row("td", row, table) for row in table.rows]
    return "\n".join([*lines, "</table>"])


def _row(element: str, cells: tuple[Inline, ...], table: Table) -> str:
    aligned = ("right" if column.kind == "number" else "left" for column in table.columns)
    shown = (
        f'<{element} align="{side}" style="{_CELL}">{_inline(cell)}</{element}>'
        for side, cell in zip(aligned, cells, strict=True)
    )
    return f"<tr>{''.join(shown)}</tr>"
