"""A document as GitHub-flavoured Markdown, readable as it stands."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
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
from hypotest.pages.inline import Inline, Span, plain, spans

_SPECIAL = re.compile(r"[\\`>#~$@{}^]|(?<![\d\s])\*|\*(?!\s)|<(?![\d\s=])|\](?=\()")
_SPECIAL_IN_MARKS = re.compile(rf"{_SPECIAL.pattern}|\*")
_LONE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_FIRST = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=:[*])")
_LAST_STAR = re.compile(r"(?<=[\d ])\\\*$")
_MARKS = {"strong": "**", "match": "**", "emphasis": "*"}
_UNMARKED = ("plain", "aside", "term", "quote")
_UNSAFE = re.compile(r"[^\w/:#?&=%~.,;+@!'-]", re.ASCII)


class Markdown:
    """The format of every report."""

    name = "markdown"
    suffix = ".md"
    interface = INTERFACE

    def render(self, document: Document, folder: Path | None = None) -> str:
        """Write it.

        Args:
            document: The page.
            folder: Where it will lie; figures are referred to relative to it.
        """
        return markdown(*document.blocks) + "\n"


PAGE = Markdown()


def write_markdown(file: Path, document: Document) -> None:
    """Write a page that lies beside its figures."""
    file.write_text(PAGE.render(document, file.parent), encoding="utf-8", newline="\n")


def markdown(*blocks: Block) -> str:
    """Blocks one after the other."""
    return "\n\n".join(part for block in blocks for part in _parts(block) if part)


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f"{'#' * block.level} {_inline(block.text)}"
        case Paragraph():
            yield _inline(block.text, begins=True)
        case Items():
            yield "\n".join(f"{'  ' * depth}- {_inline(item, begins=True)}" for depth, item in block.at_depth)
        case Table():
            yield _table(block)
        case Figure():
            caption, image = _inline(block.caption), _address(block.path)
            yield f"![{_label(_inline(block.alternative) or caption)}]({image}.svg)"
            yield f"*{caption}* ([png]({image}.png))"
        case Code():
            fence = "`" * max(3, 1 + _longest_run(block.text))
            yield f"{fence}{block.language}\n{block.text.rstrip()}\n{fence}"
        case Note():
            text = f"[!{block.kind.upper()}]\n{markdown(*block.blocks)}"
            yield "\n".join(f"> {line}".rstrip() for line in text.splitlines())
        case Details():
            summary = html.escape(plain(block.summary), quote=False)
            yield f"<details><summary>{summary}</summary>\n\n{markdown(*block.blocks)}\n\n</details>"
        case Together():
            for each in block.blocks:
                yield from _parts(each)


def _table(table: Table) -> str:
    rules = ["---:" if column.kind == "number" else "---" for column in table.columns]
    head = [_inline(column.name, in_table=True) for column in table.columns]
    rows = [[_inline(cell, in_table=True) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rules, *rows))


def _inline(text: Inline, *, begins: bool = False, in_table: bool = False) -> str:
    """A line of text.

    Args:
        text: What it says.
        begins: Whether a number or a dash at its beginning would make it a list, and so on.
        in_table: Whether bars would end a cell.
    """
    parts = spans(text)
    shown = "".join(_span(item, in_table) for item in parts).removeprefix("<br>").removesuffix("<br>")
    shown = _LAST_STAR.sub("*", shown)  # nothing behind it that it could set apart
    if begins and parts and parts[0].kind in _UNMARKED and not parts[0].address:
        shown = _FIRST.sub(_escaped_marker, shown)
    return shown.replace("|", r"\|") if in_table else shown


def _span(item: Span, in_table: bool) -> str:
    if item.kind == "break":
        return "<br>"
    if item.kind in ("code", "path") and not (in_table and "|" in item.text):  # no code can hold a bar there
        return _code(plain(item.text))
    mark = _MARKS.get(item.kind, "")
    shown = _escaped(item.text, _SPECIAL_IN_MARKS if mark else _SPECIAL)
    if item.kind == "superscript":
        shown = f"<sup>{shown}</sup>"
    if item.address:
        shown = f"[{_label(shown)}]({_address(item.address)})"
    inner = shown.strip(" ")  # a mark beside a space is none
    return shown.replace(inner, f"{mark}{inner}{mark}") if inner and mark else shown


def _escaped(text: str, special: re.Pattern[str]) -> str:
    """Text that GitHub shows as it was written: no emphasis, links, HTML, mathematics.

    Underscores inside words, stars behind a number (outside of marks), brackets without an address, and what
    is smaller than a number stay as they are, since they mean nothing there.
    """
    text = special.sub(r"\\\g<0>", text.replace("&", "&amp;"))
    text = _LONE_UNDERSCORE.sub(r"\\_", text)
    return text.replace("://", r"\://").replace("www.", r"www\.")


def _label(shown: str) -> str:
    """Escaped text between the brackets of a link."""
    return re.sub(r"[][]", r"\\\g<0>", shown.replace(r"\](", "]("))


def _code(text: str) -> str:
    fence = "`" * (1 + _longest_run(text))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _address(address: str) -> str:
    return _UNSAFE.sub(lambda sign: "".join(f"%{byte:02X}" for byte in sign.group().encode()), address)


def _escaped_marker(match: re.Match[str]) -> str:
    number, stop, sign = match.groups()
    return f"{number}\\{stop}" if number else f"\\{sign}"
