"""Documents in a notebook: as a terminal shows them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from html import escape
from typing import TypeVar

from rich.console import Console

from hypotest.pages.console import shown
from hypotest.pages.document import Document
from hypotest.records.results.shown import Shown, shown_by

WIDTH = 100
_IMAGE_WIDTH = 480
_FORMAT = (
    '<pre style="font-family: monospace; line-height: 1.2; max-height: 40em; overflow-y: auto">{code}</pre>'
)
"""What is longer than a screen is scrolled by itself: no cell grows to hundreds of lines."""
_Record = TypeVar("_Record", bound=Shown)


def notebook_html(document: Document) -> str:
    """A fragment of HTML with the colours of the terminal, `WIDTH` characters wide; text is escaped."""
    return _printed(document).export_html(inline_styles=True, code_format=_FORMAT)


def notebook_text(document: Document) -> str:
    """The same as lines of text, for where a notebook shows no HTML."""
    lines = _printed(document).export_text().splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _printed(document: Document) -> Console:
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        force_jupyter=False,  # else a notebook shows it once more, by itself
        color_system="truecolor",
    )
    console.print(shown(document))
    return console


def image_html(png: bytes, alternative: str) -> str:
    """A fragment of HTML that holds a picture.

    Args:
        png: The picture.
        alternative: What it shows, for those who cannot see it.
    """
    data = base64.b64encode(png).decode("ascii")
    return f'<img width="{_IMAGE_WIDTH}" alt="{escape(alternative)}" src="data:image/png;base64,{data}">'


def bar_html(line: str, n_finished: int, n_steps: int) -> str:
    """A fragment of HTML: how much of something is finished, as a bar, and a line of text beside it."""
    return f'<progress value="{n_finished}" max="{max(1, n_steps)}"></progress> {escape(line)}'


def show_as(record: type[_Record], summary: Callable[[_Record], Document]) -> None:
    """Show records of a class in notebooks as a terminal shows them."""
    shown_by(record, lambda item: notebook_html(summary(item)), lambda item: notebook_text(summary(item)))
