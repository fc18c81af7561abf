"""What calibration found: rates with their binomial intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypotest.records.rate import Rate

SCHEMA_VERSION = 3
BY_T = "t"
"""Stands for a null where p is by t: against a declared number, or between conditions."""

COVERAGE_TOLERANCE = 0.03
"""By which the coverage of an interval may miss its level."""


@dataclass(frozen=True, slots=True)
class Cell:
    """How often a test rejects where nothing is planted: one prediction against one null."""

    prediction: str
    measure: str
    null: str
    rejected: Rate
    """p-value within the level."""
    claimed: bool
    """Whether the null hypothesis is true here, so that the rate must not exceed the level."""
    decides: bool
    """Whether the protocol decides by this null."""

    p_exceeds: float
    """One-sided binomial p-value of a rate of at most the level."""

    def is_high(self, level: float) -> bool:
        """Whether a claimed rate lies above the level by its own interval; chance does that at times."""
        return self.claimed and self.rejected.low > level


Miss = Literal["", "narrow", "biased", "wide"]
"""What is wrong with intervals, beyond chance: they are too narrow; or only wide enough for texts of the same
length, which share a bias of finite text; or they cover more than they say."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals hold the truth, over new documents and new token types."""

    prediction: str
    measure: str
    of_90: Rate
    of_95: Rate
    here_90: Rate
    """The truth being the mean over texts as long as the analysed one, biases of finite text and all."""
    here_95: Rate
    at_margin: Rate | None
    """How often `equivalent` is concluded with the margin at the true effect, which is to be at most the
    level; None where true effects are too small for that ever to happen."""

    @property
    def miss(self) -> Miss:
        """Whether 90 % intervals, those of equivalence, miss their level by more than the tolerance."""
        if self.of_90.high < 0.9 - COVERAGE_TOLERANCE:
            return "narrow" if self.here_90.high < 0.9 - COVERAGE_TOLERANCE else "biased"
        return "wide" if self.of_90.low > 0.9 + COVERAGE_TOLERANCE else ""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How often one prediction came out how."""

    prediction: str
    right: tuple[str, ...]
    """Its true outcomes."""
    counts: dict[str, int]
    """Outcome -> simulations."""
    ceiling: float | None
    """Mean share of null draws inside the margin: the best chance `equivalent` can have."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How often one hypothesis was judged how."""

    hypothesis: str
    right: tuple[str, ...]
    counts: dict[str, int]
    """Status -> simulations."""
    refuted_by_difference: int
    """How many more would be refuted if a significant difference alone refuted `equivalent`."""


@dataclass(frozen=True, slots=True)
class ScenarioRates:
    """Everything counted in one scenario."""

    name: str
    """Of the scenario, with the protocol's where it is not the first one's."""
    protocol: str
    what: str
    why_hard: str
    planted: bool
    n_simulations: int
    n_whole: int
    """Of those with intervals, outcomes and verdicts; of the others there are p-values alone."""
    cells: tuple[Cell, ...]
    """Empty where effects are planted."""
    coverage: tuple[Coverage, ...]
    family_wise_error: Rate
    """Simulations in which an outcome that is not true refuted a hypothesis, whatever its premises."""
    outcomes: tuple[Outcomes, ...]
    verdicts: tuple[Verdicts, ...]


@dataclass(frozen=True, slots=True)
class CalibratedProtocol:
    """A protocol that was put to the proof."""

    names: tuple[str, ...]
    """Of all that differ in nothing that is simulated."""
    sizes: str
    """Of layer, group and text, in words."""
    draws: dict[str, int]
    """Null -> draws in each whole simulation."""
    left_out: tuple[str, ...]
    """What simulated layers cannot give, and why."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A finished calibration."""

    schema_version: int
    hypotest_version: str
    code: str
    """SHA-256 of the code whose calibration this is."""
    seed: int
    level: float
    confidence: float
    """Of the binomial intervals."""
    protocols: tuple[CalibratedProtocol, ...]
    scenarios: tuple[ScenarioRates, ...]

    @property
    def missed(self) -> tuple[tuple[str, Coverage], ...]:
        """Intervals that hold the truth less often than they say, with their scenario's name."""
        return tuple(
            (item.name, row)
            for item in self.scenarios
            for row in item.coverage
            if row.miss in ("narrow", "biased")
        )

    @property
    def claimed(self) -> tuple[tuple[str, Cell], ...]:
        """Cells whose rate must not exceed the level, with their scenario's name."""
        return tuple((item.name, cell) for item in self.scenarios for cell in item.cells if cell.claimed)

    @property
    def failures(self) -> tuple[tuple[str, Cell], ...]:
        """Claimed cells that reject too often, beyond what chance does among so many cells (Bonferroni)."""
        share = (1 - self.confidence) / max(1, len(self.claimed))
        return tuple((name, cell) for name, cell in self.claimed if cell.p_exceeds <= share)
