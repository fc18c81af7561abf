"""Pieces of Markdown: tables, figures with captions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypotest.report.picture import Picture
from hypotest.report.text import escape_markdown


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """A table of cells that are Markdown already.

    Args:
        head: Column names.
        rows: Cells, as many per row as there are columns.
        numeric: Columns set flush right.
    """
    rules = ["---:" if column in numeric else "---" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rules, *rows))


def figure(pictures: Sequence[Picture], section: str) -> list[str]:
    """The figures of one section, each with its caption and a link to the other format."""
    parts = []
    for picture in pictures:
        if picture.section == section:
            parts.append(f"![{escape_markdown(picture.caption)}](figures/{picture.name}.svg)")
            parts.append(f"*{escape_markdown(picture.caption)}* ([png](figures/{picture.name}.png))")
    return parts


def details(summary: str, text: str) -> str:
    """Text that a reader opens with a click."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"
