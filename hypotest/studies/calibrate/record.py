"""What calibration found: rates with their binomial intervals."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of simulations, with its Clopper-Pearson interval."""

    n: int
    """Simulations counted."""
    count: int
    """Of those, how many."""
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share."""
        return self.count / self.n


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


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often intervals hold the truth."""

    prediction: str
    measure: str
    of_90: Rate
    of_95: Rate


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
    what: str
    why_hard: str
    planted: bool
    n_simulations: int
    cells: tuple[Cell, ...]
    """Empty where effects are planted."""
    coverage: tuple[Coverage, ...]
    family_wise_error: Rate
    """Simulations in which an outcome that is not true refuted a hypothesis, whatever its premises."""
    outcomes: tuple[Outcomes, ...]
    verdicts: tuple[Verdicts, ...]


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
    scenarios: tuple[ScenarioRates, ...]

    @property
    def claimed(self) -> tuple[tuple[str, Cell], ...]:
        """Cells whose rate must not exceed the level, with their scenario's name."""
        return tuple((item.name, cell) for item in self.scenarios for cell in item.cells if cell.claimed)

    @property
    def failures(self) -> tuple[tuple[str, Cell], ...]:
        """Claimed cells that reject too often, beyond what chance does among so many cells (Bonferroni)."""
        share = (1 - self.confidence) / max(1, len(self.claimed))
        return tuple((name, cell) for name, cell in self.claimed if cell.p_exceeds <= share)
