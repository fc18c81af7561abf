"""A document as one HTML file that needs nothing beside it: figures, style and script are inside.

No request leaves the page: its own policy forbids any. It follows the reader's choice of light or dark,
prints, and says the same without its script, which only folds, sorts, opens and explains.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypotest.pages.document import INTERFACE, Block, Details, Document, Figure, Heading, Note, Together
from hypotest.pages.html_figures import InlineFigures
from hypotest.pages.html_tables import is_prose, is_wide, table_names
from hypotest.pages.html_text import HtmlText
from hypotest.pages.text import untaken

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = Path(__file__).with_name("templates")


class Html:
    """One file that opens from disk."""

    name = "html"
    suffix = ".html"
    interface = INTERFACE

    def render(self, document: Document, folder: Path | None = None) -> str:
        """Write it.

        Args:
            document: The page.
            folder: Where its figures lie, which become part of it; a figure that is not there is named.
        """
        from markupsafe import Markup

        figures = InlineFigures.of(tuple(_figures(document.blocks)), folder)
        script = _asset("page.js")
        parts = list(_parts(document.blocks))
        return _template().render(
            title=document.title or "hypotest",
            style=Markup(_asset("page.css")),
            script=Markup(script),
            script_hash=_digest(script),
            sections=[part.heading for part in parts if part.heading and part.heading.level == 2],
            parts=parts,
            figures=figures,
            text=HtmlText(document, figures),
            anchor=_anchors(document),
            name_of=table_names(document),
            is_prose=is_prose,
            is_wide=is_wide,
            kind=lambda block: type(block).__name__.lower(),
        )


PAGE = Html()


@dataclass(frozen=True, slots=True)
class PagePart:
    """A heading with what stands beneath it; deeper headings lie inside."""

    heading: Heading | None
    blocks: tuple[Block, ...]
    inner: tuple[PagePart, ...] = ()


def _parts(blocks: Sequence[Block]) -> Iterator[PagePart]:
    """What stands before the first heading, then heading by heading."""
    runs: list[tuple[Heading | None, list[Block]]] = [(None, [])]
    for block in blocks:
        if isinstance(block, Heading):
            runs.append((block, []))
        else:
            runs[-1][1].append(block)
    yield from _nested([PagePart(heading, tuple(own)) for heading, own in runs if heading or own])


def _nested(parts: list[PagePart]) -> Iterator[PagePart]:
    """Deeper headings inside those that they stand beneath; the title stands above all, and holds none."""
    place = 0
    while place < len(parts):
        part, start = parts[place], place + 1
        place = start
        if part.heading is not None and part.heading.level > 1:
            level = part.heading.level
            while place < len(parts) and (other := parts[place].heading) and other.level > level:
                place += 1
        yield replace(part, inner=tuple(_nested(parts[start:place])))


def _anchors(document: Document) -> Callable[[Heading], str]:
    """What gives each heading an id that no other thing of the page has."""
    by_place: dict[int, str] = {}
    taken: set[str] = set()
    for block in document.blocks:
        if isinstance(block, Heading):
            by_place[id(block)] = untaken(block.anchor, taken, "{}-{}")
    return lambda heading: by_place[id(heading)]


def _figures(blocks: Sequence[Block]) -> Iterator[Figure]:
    for block in blocks:
        if isinstance(block, Figure):
            yield block
        elif isinstance(block, Note | Details | Together):
            yield from _figures(block.blocks)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment: Any = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    template: Template = environment.get_template("page.html.j2")
    return template


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
