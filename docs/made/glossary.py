"""The glossary of reports, as a page."""

from __future__ import annotations

from docs.made.text import paragraphs
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.report.glossary import glossary


def page() -> str:
    """Every word, with a link to the page of a measure or a null."""
    words = glossary()
    items = [f"{_head(word)}\n: {words[word]}" for word in sorted(words, key=str.lower)]
    return paragraphs(
        "# Glossary",
        "The words of reports, commands and these pages; in `report.html` they show on hover.",
        *items,
    )


def _head(word: str) -> str:
    name = word.split(" (")[0]
    if name in MEASURES:
        return f"[`{word}`](../measures/{name}.md)"
    if name in NULLS:
        return f"[`{word}`](../nulls/{name}.md)"
    return word
