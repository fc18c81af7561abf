"""Sensitivity of a comparison with matched groups to a cause that nobody measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HiddenBias:
    """How strong a hidden cause of membership would have to be to overturn a significant p-value."""

    strength: float
    """Rosenbaum's gamma: of two neurons that count as alike, one has at most so many times the odds of the
    other to be in the group; at this strength, the worst such cause makes p exceed the level."""
    at_least: bool
    """Whether no cause of up to that strength is enough."""
    linear: float
    """Share of the statistic's variance over matched groups that is a sum over neurons; where it is small, a
    cause worse than those tried may exist."""
