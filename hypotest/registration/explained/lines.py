"""Paragraphs that explain a protocol."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph."""

    text: str
    label: str = ""
    """Stands before the text, such as the name of a step."""
    depth: int = 0
    """Steps of indentation."""


@dataclass(frozen=True, slots=True)
class Section:
    """Some paragraphs under a heading."""

    heading: str
    lines: tuple[Line, ...]
