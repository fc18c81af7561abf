"""A figure as the report refers to it; apart from the drawing, so that text needs no matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypotest.pages.document import PART, Figure
from hypotest.report.text import file_slug


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure, saved as ``figures/<name>.svg`` and ``.png``."""

    name: str
    """File name without ending."""
    section: str
    """Id of the prediction it belongs to, or ``verdict``, ``ladder of nulls``, ``corpus``, ``heads``."""
    caption: str
    alternative: str = ""
    """What it shows, in numbers, for those who cannot see it."""


def figures_of(pictures: Sequence[Picture], section: str) -> tuple[Figure, ...]:
    """The figures of one section of a page."""
    return tuple(
        Figure(f"figures/{item.name}", item.caption, item.alternative)
        for item in pictures
        if item.section == section
    )


def prediction_picture(number: int, prediction: str) -> str:
    """Name of the figure of a prediction among its nulls.

    Args:
        number: Of the prediction in the protocol, counted from 1.
        prediction: Its id.
    """
    return f"{number:02d}-{file_slug(prediction)}"


def panel_id(null: str) -> str:
    """Id of the panel of one null in such a figure.

    Examples:
        >>> panel_id("size matched (type)")
        'part-size-matched-type'
    """
    return PART + file_slug(null)
