"""Pages as one HTML file each, figures inside, without script or style; an example of a page format."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape
from pathlib import Path

from hypotest.pages.document import (
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
from hypotest.pages.inline import Inline, Span, spans

_ELEMENTS = {
    "strong": "strong",
    "emphasis": "em",
    "code": "code",
    "path": "code",
    "aside": "small",
    "superscript": "sup",
    "term": "dfn",
}


class PlainHtml:
    """What `hypotest report RUN --format plainhtml` writes."""

    name = "plainhtml"
    suffix = ".html"
    interface = 2

    def render(self, document: Document, folder: Path | None = None) -> str:
        """Write it; figures that lie in the folder are part of it."""
        body = "\n".join(_html(block, folder) for block in document.blocks)
        head = f'<meta charset="utf-8"><title>{escape(document.title)}</title>'
        return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _html(block: Block, folder: Path | None) -> str:
    match block:
        case Heading():
            return f'<h{block.level} id="{escape(block.anchor)}">{_text(block.text)}</h{block.level}>'
        case Paragraph():
            return f"<p>{_text(block.text)}</p>"
        case Items():
            return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in block.items)}</ul>"
        case Table():
            head = "".join(f"<th>{_text(column.name)}</th>" for column in block.columns)
            rows = "".join(f"<tr>{''.join(_cells(block, row))}</tr>" for row in block.rows)
            return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        case Figure():
            image = f'<img alt="{escape(block.alternative or block.caption)}" src="{_source(block, folder)}">'
            return f"<figure>{image}<figcaption>{escape(block.caption)}</figcaption></figure>"
        case Code():
            return f"<pre>{escape(block.text)}</pre>"
        case Note():
            return f'<aside class="{block.kind}">{_all(block.blocks, folder)}</aside>'
        case Details():
            summary = f"<summary>{_text(block.summary)}</summary>"
            return f"<details>{summary}{_all(block.blocks, folder)}</details>"
        case Together():
            return f"<div>{_all(block.blocks, folder)}</div>"


def _all(blocks: tuple[Block, ...], folder: Path | None) -> str:
    return "".join(_html(block, folder) for block in blocks)


def _cells(table: Table, row: tuple[Inline, ...]) -> Iterator[str]:
    for column, cell in zip(table.columns, row, strict=True):
        align = ' align="right"' if column.kind == "number" else ""
        yield f"<td{align}>{_text(cell)}</td>"


def _source(figure: Figure, folder: Path | None) -> str:
    file = None if folder is None else folder / f"{figure.path}.png"
    if file is None or not file.is_file():
        return escape(f"{figure.path}.png")
    return f"data:image/png;base64,{b64encode(file.read_bytes()).decode('ascii')}"


def _text(text: Inline) -> str:
    return "".join(map(_span, spans(text)))


def _span(item: Span) -> str:
    if item.kind == "break":
        return "<br>"
    shown = escape(item.text)
    element = _ELEMENTS.get(item.kind)
    shown = f"<{element}>{shown}</{element}>" if element else shown
    return f'<a href="{escape(item.address)}">{shown}</a>' if item.address else shown


PAGE = PlainHtml()
