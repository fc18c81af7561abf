"""What a plan can see, as `hypotest power` foresees it from the selection split; plain data.

Effects are in the measure's own unit: observed - reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from hypotest.records.protocol.prediction import Role
from hypotest.records.protocol.wording import MaterialWords
from hypotest.records.results.shown import Shown
from hypotest.studies.power.reach import MarginReach, OutcomeReach

UNITS = (0.5, 1.0, 2.0, 3.0)
"""Effects whose power is foreseen, in SDs of the null or in standard errors."""
SEEN = 0.8
"""Probability with which an effect is called seen."""


Bounds = tuple[float, float]
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """How far numbers that rest on few draws of a null can be off, by that alone: 95 % intervals."""

    draws: int
    """Of the null, at hand."""
    seen: Bounds | None
    """Of `PredictionPower.seen` at the unadjusted level; None where it is not defined in some resample."""
    power: tuple[Bounds, ...]
    """Of `PredictionPower.power`."""
    ceiling: Bounds | None
    equivalent: Bounds | None


@dataclass(frozen=True, slots=True)
class PredictionPower:
    """What one prediction can see at one group size, with the documents and draws of the plan."""

    id: str
    role: Role
    measure: str
    title: str
    compared_with: str
    """A null's name, ``second``, or ``value``."""
    group_size: int | None
    """Neurons; None where the measure does not depend on the group."""
    declared: bool
    """Whether that is the group which the protocol's own rule selects."""
    unit: Literal["null SD", "standard error"]
    scale: float | None
    """One unit, with the planned documents; None where there is none."""
    documents: int
    """Planned: those of the evaluation split."""
    draws: int | None
    """Planned; None for tests without draws."""
    margin: float | None
    """Half-width of the range that counts as equivalent."""
    ceiling: float | None
    """Share of null draws inside the margin; None without a null or a margin."""
    standard_error: float | None
    """Of the effect over the planned documents; None without an interval."""
    smallest: tuple[float | None, float | None]
    """Smallest effect that would be significant, at the level and at the corrected level."""
    seen: tuple[float | None, float | None]
    """Smallest effect that is significant with probability `SEEN`, at the same two levels."""
    power: tuple[float, ...]
    """Probability of p <= level for effects of `UNITS`; empty where there is no unit."""
    at_margin: float | None
    """The same for an effect as large as the margin."""
    equivalent: float | None
    """Probability of ``equivalent``: for a draw of the null, or for contrasts without a null for a true
    effect of 0. None without a margin."""
    notes: tuple[str, ...] = ()
    reach: tuple[OutcomeReach, ...] = ()
    """Of every outcome that a hypothesis names."""
    margins: MarginReach | None = None
    """Between which margins it can tell equivalence from a difference."""
    monte_carlo: MonteCarlo | None = None
    """Of a quick look at a contrast with a null."""


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """Probability of p <= level by the size of the effect."""

    prediction: str
    label: str
    """What differs between the curves of a prediction: ``41 neurons``, ``300 documents``."""
    planned: bool
    """Whether the curve is that of the plan as declared."""
    effect: tuple[float, ...]
    power: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StageCost:
    """How long one stage of the run will take."""

    stage: str
    seconds: float
    cached: bool
    """Whether it is in the cache by now, so that the next run skips it."""
    basis: str
    """What was timed and how it was extrapolated."""
    is_test: bool = False
    """Whether it is done on evidence, which is collected before."""


@dataclass(frozen=True, slots=True)
class Costs:
    """An estimate of what the run will take on this machine, from pieces that were timed on it."""

    stages: tuple[StageCost, ...]
    seconds_per_1000_draws: dict[str, float]
    """Prediction -> seconds that 1,000 further groups of every null take."""
    model_bytes: int
    """Parameters of the subject."""
    evidence_bytes: int
    """Arrays of both splits, in memory and in the cache."""
    peak_bytes: int | None
    """Of the process; None where the system does not tell."""
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Of the next run, which finds the selection split in the cache."""
        return sum(item.seconds for item in self.stages if not item.cached)

    @property
    def seconds_from_nothing(self) -> float:
        """Of a run that finds nothing in the cache."""
        return sum(item.seconds for item in self.stages)


@dataclass(frozen=True, slots=True)
class PowerDocuments:
    """How many documents the numbers come from, and how many they are for."""

    selecting: int
    """Half of the selection split: the group is selected there."""
    measuring: int
    """The other half: everything is measured there."""
    planned: int
    """Of the evaluation split."""


@dataclass(frozen=True, slots=True, eq=False)
class PowerResult(Shown):
    """What group size, documents and draws can see what effect, and what the run will take."""

    protocol_id: str
    title: str
    words: MaterialWords
    """What positions and documents are called."""
    level: float
    corrected_level: float
    """level / M, M counting the deciding predictions."""
    n_neurons: int
    is_selected: bool
    """Whether the data choose the group; it is given else."""
    group_size: int
    """What the protocol's rule selects on half of the selection split."""
    documents: PowerDocuments
    predictions: tuple[PredictionPower, ...]
    """Of the plan, at every group size; predictions in the protocol's order, declared size first."""
    table: pl.DataFrame
    """One row per prediction, group size, number of documents, number of draws, level and effect."""
    curves: tuple[PowerCurve, ...]
    refused: tuple[str, ...]
    """Outcomes that hypotheses name and that are out of the plan's reach, each with its reason; the rule
    stands in `hypotest.studies.power.outcome_reach`."""
    costs: Costs | None
    """None of a quick look."""
    notes: tuple[str, ...]
    folder: Path
    """Where table, curves and report lie."""

    @property
    def plan(self) -> tuple[PredictionPower, ...]:
        """The predictions at the size that the protocol declares."""
        return tuple(item for item in self.predictions if item.declared)
