"""A share of trials with its binomial interval: verdicts that are right, tests that reject."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A share, with its Clopper-Pearson interval."""

    n: int
    """Trials counted."""
    count: int
    """Of those, how many."""
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share."""
        return self.count / self.n
