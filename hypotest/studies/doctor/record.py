"""What `hypotest doctor` finds on a machine; plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Condition = Literal["fine", "note", "missing"]
"""``note``: everything runs, but something is worth knowing. ``missing``: something cannot run."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at."""

    part: str
    """``software``, ``machine``, ``storage``, ``reference`` or ``what can run``."""
    name: str
    observed: str
    condition: Condition = "fine"
    advice: str = ""
    """What to do about it; empty where nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was looked at, in order."""

    observations: tuple[Observation, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing."""
        return all(item.condition != "missing" for item in self.observations)
