"""Names in texts: tokens, file names, lists, paths."""

from __future__ import annotations

import re
from pathlib import Path

from hypotest.pages.text import printable


def token_text(token: str) -> str:
    r"""A token with its white space made visible: ``␣`` for a space, ``\n`` for a line break.

    Examples:
        >>> token_text(" the"), token_text("a\n")
        ('␣the', 'a\\n')
    """
    shown = token.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return printable(shown.replace(" ", "␣")) or "(not printable)"


_RULES = {
    "plateau": "the plateau of the influence curve",
    "top_fraction": "the top of the ranking, a share that the protocol declares",
    "top": "the top of the ranking, as many as the protocol declares",
    "ids": "named in the protocol",
    "all": "the whole layer",
}


def rule_text(rule: str) -> str:
    """How a group was found, in words.

    Args:
        rule: Of a `GroupResult`.

    Examples:
        >>> rule_text("top"), rule_text("all")
        ('the top of the ranking, as many as the protocol declares', 'the whole layer')
    """
    return _RULES.get(rule, rule)


def file_slug(name: str) -> str:
    """A part of a file name, from any name.

    Examples:
        >>> file_slug("head-specificity"), file_slug("../Ä b")
        ('head-specificity', 'b')
    """
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower())[:64].strip("-") or "unnamed"


def nearest_path(path: Path) -> str:
    """A path as short as it can be written: from the current folder, where it lies within."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def value_of(statistic: str) -> str:
    """Whose value a comparison's statistic is, in words: of the group, or of a condition.

    Args:
        statistic: Of a `NullComparison`.

    Examples:
        >>> value_of("T(G)"), value_of("T(rare)"), value_of("T(rare) - T(common)"), value_of("t")
        ('the group', 'rare', 'rare - common', 't')
    """
    if statistic == "T(G)":
        return "the group"
    return " - ".join(part.removeprefix("T(").removesuffix(")") for part in statistic.split(" - "))


def capital(text: str) -> str:
    """With a capital at its beginning, and the rest as it is.

    Examples:
        >>> capital("modularity Q"), capital("")
        ('Modularity Q', '')
    """
    return text[:1].upper() + text[1:]
