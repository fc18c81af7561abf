"""What the rows of a protocol, and their independent units, are called in its texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypotest.records.protocol.protocol import Protocol


@dataclass(frozen=True, slots=True)
class MaterialWords:
    """Nouns for what is looked at."""

    row: str
    rows: str
    unit: str
    """What stays on one side of the split."""
    units: str
    whole: str
    """All of it, as what gives rows."""
    more: str
    """What there can be more of."""


OF_TEXT = MaterialWords("position", "positions", "document", "documents", "text", "text")


def material_words(protocol: Protocol) -> MaterialWords:
    """Of a text, or of examples by the names of their columns.

    Examples without clusters or pairs are their own units.
    """
    examples = protocol.examples
    if examples is None:
        return OF_TEXT
    unit = (examples.cluster or examples.pair or "example").replace("_", " ")
    return MaterialWords("example", "examples", unit, plural(unit), "table", "examples")


def plural(noun: str) -> str:
    """The plural of the name of a column.

    Examples:
        >>> plural("template"), plural("category"), plural("class"), plural("lemmas")
        ('templates', 'categories', 'classes', 'lemmas')
    """
    if re.search(r"[^aeious]s$", noun):
        return noun
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", noun) else f"{noun}s"
