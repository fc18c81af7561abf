"""Documents in a notebook: as a terminal shows them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console

from hypotest.pages.console import shown
from hypotest.pages.document import Document
from hypotest.records.results.shown import Shown, shown_by

WIDTH = 100
_FORMAT = '<pre style="font-family: monospace; line-height: 1.2">{code}</pre>'
_Record = TypeVar("_Record", bound=Shown)


def notebook_html(document: Document) -> str:
    """A fragment of HTML with the colours of the terminal, `WIDTH` characters wide; text is escaped."""
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        force_jupyter=False,  # else a notebook shows it once more, by itself
        color_system="truecolor",
    )
    console.print(shown(document))
    return console.export_html(inline_styles=True, code_format=_FORMAT)


def show_as(record: type[_Record], summary: Callable[[_Record], Document]) -> None:
    """Show records of a class in notebooks as a terminal shows them."""
    shown_by(record, lambda item: notebook_html(summary(item)))
