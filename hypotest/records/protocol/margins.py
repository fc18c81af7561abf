"""What hangs on a margin: from where on an equivalence holds, and what changes there. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hypotest.records.protocol.prediction import Outcome, Status

MarginKind = Literal["raw", "ratio", "null_sd"]


@dataclass(frozen=True, slots=True)
class MarginFlip:
    """A margin at which the outcome of a prediction changes, or the verdict on a hypothesis."""

    margin: float
    """Half-width, in the unit of the effect."""
    in_kind: float
    """The same as the protocol writes margins: in the measure's unit, as a ratio, in null SDs."""
    below: Outcome
    """Of the prediction, with a slightly narrower margin."""
    above: Outcome
    verdicts: dict[str, tuple[Status, Status]] = field(default_factory=dict)
    """Hypotheses whose verdict changes -> with a narrower margin, with a wider one."""


@dataclass(frozen=True, slots=True)
class MarginSensitivity:
    """What would have been found with other margins, everything else unchanged."""

    kind: MarginKind
    declared: float
    """In its own kind."""
    smallest: float | None
    """Half-width of the narrowest margin with which the outcome is `equivalent`, in the unit of the effect;
    None where no margin gives it."""
    smallest_in_kind: float | None
    flips: tuple[MarginFlip, ...] = ()
    """From narrow to wide."""
