"""Pieces of Markdown that several pages have."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hypotest.records.rate import Rate
from hypotest.report.text import capital


def cell(text: object) -> str:
    """Text that stays in its cell of a table."""
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; empty without rows."""
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *lines]) + "\n"


def paragraphs(*texts: str) -> str:
    """Those that are not empty, apart."""
    return "\n\n".join(text.strip("\n") for text in texts if text.strip()) + "\n"


def listed(items: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {item}" for item in items)


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    end = "" if text.endswith((".", "?", "!")) else "."
    return capital(text) + end


def overview(kind: str, said: str, rows: str, made: Mapping[str, str]) -> dict[str, str]:
    """The pages of a kind of noun, with the page that lists them.

    Args:
        kind: Such as ``measures``: a folder below docs.
        said: What they are.
        rows: A table of them.
        made: Name of each -> its page.
    """
    tree = "```{toctree}\n:hidden:\n\n" + "\n".join(f"../{kind}/{name}" for name in made) + "\n```"
    index = paragraphs(f"# {kind.capitalize()}", said, rows, tree)
    return {f"reference/{kind}.md": index, **{f"{kind}/{name}.md": page for name, page in made.items()}}


def docstring_of(function: Any) -> str:
    """The docstring of a function's module as Markdown; what follows `::` is a block of its own."""
    text = inspect.getdoc(sys.modules[inspect.unwrap(function).__module__]) or ""
    blocks: list[str] = []
    for block in text.split("\n\n")[1:]:
        if block.startswith("    "):
            blocks.append("```text\n" + inspect.cleandoc(block) + "\n```")
        elif block.endswith("::"):
            blocks.append("" if block == "Its formula::" else block[:-1])
        else:
            blocks.append(block)
    return "\n\n".join(filter(None, blocks))


def first_line(function: Any) -> str:
    """The first sentence of a function's module."""
    text = inspect.getdoc(sys.modules[inspect.unwrap(function).__module__]) or ""
    return text.split("\n")[0]


def percent(rate: Rate) -> str:
    """``5.0 (3.1 to 7.6), 12 of 240``."""
    low, high = 100 * rate.low, 100 * rate.high
    return f"{100 * rate.count / rate.n:.1f} ({low:.1f} to {high:.1f}), {rate.count} of {rate.n}"
