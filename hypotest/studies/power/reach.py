"""Whether a plan can reach the outcomes that its hypotheses name; plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypotest.records.protocol.prediction import ExpectedOutcome

Reachable = Literal["good", "doubtful", "out of reach", "unknown"]


@dataclass(frozen=True, slots=True)
class OutcomeReach:
    """One outcome that a hypothesis names for a prediction, and the chance to find it where it is true."""

    outcome: ExpectedOutcome
    hypotheses: tuple[str, ...]
    """Which name it."""
    chance: float | None
    """Of this outcome where it is true: of `equivalent` for an ordinary group, of `less` and `greater` for
    an effect of `hypotest.studies.power.outcome_reach.SIZE` units. None where it cannot be foreseen."""
    status: Reachable
    reason: str
    """Why it is doubtful or out of reach, and what would help; empty for `good`."""


@dataclass(frozen=True, slots=True)
class MarginReach:
    """Between which margins a prediction can tell equivalence from a difference, as planned."""

    kind: str
    """``raw``, ``ratio`` or ``null_sd``."""
    declared: float
    """In its own kind."""
    unit: float
    """One of its kind, in the unit of the effect."""
    needed: float | None
    """The narrowest margin, in its own kind, with a good chance of `equivalent`; None where none has it."""
    widest: float | None
    """The smallest effect, in that kind, that is significant against the null after correction: within a
    wider margin even a decisive difference counts as equivalent. None without a null."""
    too_wide: bool
