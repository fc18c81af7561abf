"""A page about examples, or about heads, from one that is written for running text and neurons."""

from __future__ import annotations

from dataclasses import replace

from hypotest.pages.document import (
    Block,
    Code,
    Column,
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
from hypotest.pages.inline import Inline, Span, plain
from hypotest.records.protocol.wording import MaterialWords

_KEPT = ("code", "path", "quote", "match")
"""Spans that are no prose of ours."""
_TOKEN = "␣"
"""A paragraph that shows tokens, unless it quotes them, is left as it is."""


def reworded(page: Document, words: MaterialWords) -> Document:
    """The page with the nouns of what was looked at; titles, code and paths as they are.

    Args:
        page: Written for running text and neurons.
        words: Of the protocol; those of a text whose neurons are tested change nothing.
    """
    if words.are_usual:
        return page
    terms = {name: words.said(text) for name, text in page.terms.items()}
    return Document(tuple(_block(block, words) for block in page.blocks), terms, page.ordinary)


def _block(block: Block, words: MaterialWords) -> Block:
    match block:
        case Heading():
            return block if block.level == 1 else replace(block, text=_inline(block.text, words))
        case Paragraph():
            return Paragraph(_inline(block.text, words))
        case Items():
            return replace(block, items=tuple(_inline(item, words) for item in block.items))
        case Table():
            narrow = None if block.narrow is None else _block(block.narrow, words)
            columns = tuple(
                Column(_inline(item.name, words), item.kind, item.whole) for item in block.columns
            )
            rows = tuple(tuple(_inline(cell, words) for cell in row) for row in block.rows)
            return Table(columns, rows, narrow, block.sorts)
        case Figure():
            caption, alternative = words.said(block.caption), words.said(block.alternative)
            return replace(block, caption=caption, alternative=alternative)
        case Code():
            return block
        case Note() | Together():
            return replace(block, blocks=tuple(_block(item, words) for item in block.blocks))
        case Details():
            blocks = tuple(_block(item, words) for item in block.blocks)
            return Details(_inline(block.summary, words), blocks)


def _inline(text: Inline, words: MaterialWords) -> Inline:
    return text if _shows_token(text) else _said(text, words)


def _shows_token(text: Inline) -> bool:
    if isinstance(text, tuple):
        return any(_shows_token(item) for item in text)
    return _TOKEN in plain(text) and not (isinstance(text, Span) and text.kind in _KEPT)


def _said(text: Inline, words: MaterialWords) -> Inline:
    if isinstance(text, str):
        return words.said(text)
    if isinstance(text, Span):
        return text if text.kind in _KEPT else replace(text, text=words.said(text.text))
    return tuple(_said(item, words) for item in text)
