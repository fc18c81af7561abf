"""Titles of protocols: questions, since they stand above whatever comes out."""

from __future__ import annotations


def is_question(title: str) -> bool:
    """Whether a title asks.

    Examples:
        >>> is_question("Are they a module?"), is_question("They are a module")
        (True, False)
    """
    return title.rstrip().endswith("?")


def as_asked(title: str) -> str:
    """A title as it stands above results: one that asks as it is, another one as what was asked about.

    Examples:
        >>> as_asked("They are a module")
        'Asked about: They are a module'
    """
    return title if is_question(title) else f"Asked about: {title}"
