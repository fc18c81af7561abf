"""A verification: what of a run could be checked again, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypotest.records.results.shown import Shown

CheckStatus = Literal["agrees", "differs", "not checked", "not asked"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where what was stored is not what was found."""

    where: str
    """File, or path of the value, such as ``predictions.coordination.p_value``."""
    stored: str
    fresh: str


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked, or could not be."""

    name: str
    status: CheckStatus
    """``not checked`` where something is missing, which counts as failure; ``not asked`` for what only
    ``recollect=True`` can check."""
    detail: str
    """What agrees, in a few words, or why it was not checked."""
    differences: tuple[Difference, ...] = ()
    """Empty unless the status is ``differs``."""
    deviation: float | None = None
    """Where it agrees: the largest relative difference of a number, 0 if all is identical to the last bit;
    None where nothing was compared number by number or byte by byte."""


@dataclass(frozen=True, slots=True)
class Verification(Shown):
    """Everything that `hypotest verify` found of a run."""

    folder: Path
    title: str
    """Of the run; empty where ``results.json`` cannot be read."""
    basis: str
    """How equal numbers must be, and why."""
    checks: tuple[Check, ...]

    def named(self, status: CheckStatus) -> tuple[str, ...]:
        """Names of the checks with this status."""
        return tuple(item.name for item in self.checks if item.status == status)

    @property
    def deviation(self) -> float:
        """The largest relative difference of a number, of all checks that agree."""
        return max((item.deviation or 0.0 for item in self.checks), default=0.0)

    @property
    def verified(self) -> bool:
        """Whether everything that was asked for was checked and agrees."""
        return not self.named("differs") and not self.named("not checked")
