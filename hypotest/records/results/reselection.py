"""What another study of the same network would find: errors with the selection of the group run again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reselection:
    """How an effect varies where documents and target types are others and the group is selected anew.

    The interval beside it is for the neurons at hand; this is what other studies are compared and pooled by.
    """

    standard_error: float | None
    """In the unit of the effect; None where there is none."""
    degrees_of_freedom: int | None
    interval_95: tuple[float, float] | None
    over_documents: float | None
    """Variance over documents: those the group is selected on, and those it is measured on."""
    over_types: float | None
    """Variance over target types, the same in both splits."""
    over_cells: float | None
    """Variance over pairs of a document and a type, which the two above count twice."""
    n_selections: int
    """How often the selection was run again."""
    kept: float | None
    """Share of the group's neurons that a selection on half of the rows finds again, on average."""
    sizes: tuple[int, int] | None
    """Of the smallest and the largest group that it found."""
    reason: str = ""
    """Why there is none, and what to do."""
