"""A figure as the report refers to it; apart from the drawing, so that text needs no matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypotest.pages.document import Figure


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure, saved as ``figures/<name>.svg`` and ``.png``."""

    name: str
    """File name without ending."""
    section: str
    """Id of the prediction it belongs to, or ``verdict``, ``ladder of nulls``, ``corpus``, ``heads``."""
    caption: str


def figures_of(pictures: Sequence[Picture], section: str) -> tuple[Figure, ...]:
    """The figures of one section of a page."""
    return tuple(Figure(f"figures/{item.name}", item.caption) for item in pictures if item.section == section)
