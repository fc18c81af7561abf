"""What was seen of networks of known organisation: plain data for ``controls.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypotest.records.protocol.prediction import Outcome, Role, Status
from hypotest.records.rate import Rate
from hypotest.records.results.shown import Shown

Right = Literal["right", "wrong", "open"]


@dataclass(frozen=True, slots=True)
class Predicted:
    """One prediction of the protocol."""

    id: str
    role: Role
    measure: str
    outcome: Outcome
    observed: float | None
    interval_95: tuple[float, float] | None
    """Of the value itself, not of its difference to the reference."""
    note: str
    """Why it is undefined or has no interval; empty otherwise."""


@dataclass(frozen=True, slots=True)
class LesionTruth:
    """What lesions say of one network at one seed."""

    changes: tuple[tuple[float, ...], tuple[float, ...]]
    """Mean size of the change of either task's loss by each unit's lesion alone, by plain hooks, all rows."""
    distance: float | None
    """Total variation distance of these profiles; None where nothing changes."""
    pairs: float | None
    """The same over interactions of every two units; None where they were not made."""
    parts: tuple[str, ...]
    """Declared part of each unit; empty where none is declared."""
    log: tuple[Mapping[str, float], ...]
    """Of the training."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a protocol says of one network."""

    statuses: Mapping[str, Status]
    """Hypothesis -> what became of it."""
    reasons: Mapping[str, str]
    predictions: tuple[Predicted, ...]
    groups: tuple[tuple[int, ...], tuple[int, ...]]
    """Units selected on the first condition, and on the second."""
    plan: str
    """Hash of the protocol."""

    @property
    def supported(self) -> str | None:
        """The hypothesis that is supported, if one is."""
        return next((name for name, status in self.statuses.items() if status == "supported"), None)


@dataclass(frozen=True, slots=True)
class Examined:
    """One network at one seed."""

    control: str
    seed: int
    trained: bool
    key: str
    """Of code, network and protocol that it was computed with."""
    truth: LesionTruth
    verdict: Verdict

    @property
    def identity(self) -> tuple[str, int, bool]:
        """What it is of."""
        return self.control, self.seed, self.trained


@dataclass(frozen=True, slots=True)
class ControlResult:
    """A control over its seeds, trained or not."""

    control: str
    trained: bool
    known: str
    how: str
    source: str
    title: str
    protocol: str
    """Stem of its file in ``protocols/controls``."""
    expected: str
    """What counts as right, in words."""
    examined: tuple[Examined, ...]
    right: tuple[Right, ...]
    """Of each."""
    rate: Rate | None
    """Of right verdicts; None where the question is open."""

    @property
    def name(self) -> str:
        """In tables."""
        return self.control if self.trained else f"{self.control}, untrained"


@dataclass(frozen=True, slots=True)
class MeasuredNetwork:
    """What one measure says of one network at one seed."""

    control: str
    seed: int
    trained: bool
    measure: str
    key: str
    """Of code, network and protocol that it was computed with."""
    distance: float | None
    """Of single lesions."""
    values: Mapping[str, float | None]
    """The measure, and the measure against nulls, in SDs of each."""

    @property
    def identity(self) -> tuple[str, int, bool, str]:
        """What it is of."""
        return self.control, self.seed, self.trained, self.measure


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of one network at one seed."""

    control: str
    seed: int
    trained: bool
    protocol: str
    organisation: str
    distance: float | None
    """Of single lesions."""
    statistic: str
    """The measure, or the measure against a null, in SDs of it."""
    value: float | None


@dataclass(frozen=True, slots=True)
class Separation:
    """What one statistic tells apart, among networks of one protocol."""

    protocol: str
    statistic: str
    modular_distributed: float | None
    """Area under the curve between networks known to be modular and known to be distributed."""
    with_lesions: float | None
    """Spearman's correlation with the distance of single lesions, over trained networks and seeds."""
    trained_untrained: float | None
    """Area under the curve between trained networks and the same before training."""
    undefined: int
    """Trained networks without a value."""
    n: int
    """Trained networks."""


@dataclass(frozen=True, slots=True)
class MeasuredControls(Shown):
    """What measures say of all networks that were asked for."""

    measured: tuple[Measured, ...]
    separations: tuple[Separation, ...]
    folder: Path
    stale: int = 0
    """Values that were computed with other code or another protocol."""


@dataclass(frozen=True, slots=True)
class Controls(Shown):
    """All that were asked for."""

    results: tuple[ControlResult, ...]
    folder: Path
    stale: int = 0
    """Networks and seeds that were computed with other code or another protocol."""
