"""A figure as the report refers to it; apart from the drawing, so that text needs no matplotlib."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure, saved as ``figures/<name>.svg`` and ``.png``."""

    name: str
    """File name without ending."""
    section: str
    """Id of the prediction it belongs to, or ``verdict``, ``ladder of nulls``, ``corpus``, ``heads``."""
    caption: str
