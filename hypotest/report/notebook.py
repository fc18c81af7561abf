"""What is printed to a terminal, in a notebook."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

WIDTH = 100
_FORMAT = '<pre style="font-family: monospace; line-height: 1.2">{code}</pre>'


def html(shown: RenderableType) -> str:
    """A fragment of HTML with the colours of the terminal, `WIDTH` characters wide."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(shown)
    return console.export_html(inline_styles=True, code_format=_FORMAT)
