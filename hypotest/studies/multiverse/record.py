"""The multiverse: what the predictions say under other defensible choices of the analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hypotest.records.protocol.prediction import Outcome, Status
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.shown import Shown

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Specification:
    """One way to test one prediction: a value for every choice that concerns it."""

    prediction: str
    choices: dict[str, Value | None]
    """Only choices that the protocol varies; None where one says nothing beside the others."""
    is_declared: bool
    """Whether this is the protocol as it stands."""


@dataclass(frozen=True, slots=True)
class SpecificationResult:
    """A prediction, tested under one specification."""

    specification: Specification
    result: PredictionResult
    """As `hypotest.analyse` gives it, without adjusted p-values."""


@dataclass(frozen=True, slots=True)
class ChoiceFlips:
    """What one choice alone does to the outcome of a prediction."""

    choice: str
    n_alternatives: int
    """Specifications that differ from the declared one in this choice only."""
    n_flips: int
    """Those of them with another outcome."""
    n_pairs: int
    """Pairs of specifications, declared or not, that differ in this choice only."""
    n_pair_flips: int
    """Those of them whose outcomes differ."""

    @property
    def share(self) -> float:
        """Share of the pairs whose outcomes differ."""
        return self.n_pair_flips / self.n_pairs if self.n_pairs else 0.0


@dataclass(frozen=True, slots=True)
class Robustness:
    """How far a prediction's outcome depends on the choices of its analysis."""

    prediction: str
    n_specifications: int
    declared: Outcome
    outcomes: dict[str, int]
    """Outcome -> specifications that have it, the most frequent first."""
    n_flips: int
    """Specifications whose outcome is not the declared one's."""
    by_choice: tuple[ChoiceFlips, ...]

    @property
    def share_flipped(self) -> float:
        """Share of the alternatives whose outcome is not the declared one's."""
        return self.n_flips / (self.n_specifications - 1) if self.n_specifications > 1 else 0.0

    @property
    def responsible(self) -> ChoiceFlips | None:
        """The choice that changes the outcome most often when it alone changes; None if none does."""
        choice = max(self.by_choice, key=lambda item: (item.share, item.n_flips), default=None)
        return choice if choice is not None and choice.n_pair_flips else None


@dataclass(frozen=True, slots=True)
class SharedVerdict:
    """The verdict under one combination of the shared choices, each prediction's own options as declared."""

    choices: dict[str, Value | None]
    is_declared: bool
    statuses: dict[str, Status]
    """Hypothesis -> status."""


@dataclass(frozen=True, slots=True, eq=False)
class MultiverseResult(Shown):
    """Every prediction under every specification, and how often outcomes and verdicts change.

    It describes robustness and never decides: outcomes are at the unadjusted level, and the verdict is
    that of the declared protocol.
    """

    protocol: dict[str, Any]
    """The plan, with defaults written out."""
    protocol_id: str
    title: str
    level: float
    draws: int | None
    """Most draws of a null; None for as many as the protocol declares."""
    n_definitions: int
    """Combinations of the choices of conditions and of the replacement."""
    n_evidence: int
    """Different evidence among them; only this was collected."""
    choices: dict[str, tuple[Value, ...]]
    """Choice -> every value that occurs."""
    tests: tuple[SpecificationResult, ...]
    robustness: tuple[Robustness, ...]
    """In the order of the protocol's predictions."""
    verdicts: tuple[SharedVerdict, ...]
    folder: Path
    """Holds ``multiverse.md``, ``multiverse.json``, ``multiverse.parquet`` and ``figures/``."""

    @property
    def table(self) -> pl.DataFrame:
        """One row per prediction and specification; a choice that does not concern it is null."""
        names = tuple(self.choices)
        schema = {**_BEFORE, **{name: self._type_of(name) for name in names}, **_BEHIND}
        return pl.DataFrame([_row(item, names) for item in self.tests], schema=schema, orient="row")

    def _type_of(self, choice: str) -> type[pl.DataType]:
        values = self.choices[choice]
        if any(isinstance(value, str) for value in values):
            return pl.String
        return pl.Int64 if all(isinstance(value, int) for value in values) else pl.Float64


_RESULT = ("observed", "reference_value", "reference_sd", "effect", "standardized", "p_value")
_BOUNDS = ("interval_low", "interval_high", "margin_low", "margin_high")


_BEFORE: dict[str, Any] = {
    "prediction": pl.String,
    "measure": pl.String,
    "role": pl.String,
    "is_declared": pl.Boolean,
}
_BEHIND: dict[str, Any] = {
    **dict.fromkeys((*_RESULT, *_BOUNDS), pl.Float64),
    "reference": pl.String,
    "outcome": pl.String,
}


def _row(item: SpecificationResult, names: Sequence[str]) -> dict[str, Any]:
    specification, result = item.specification, item.result
    chosen: dict[str, Any] = {name: specification.choices.get(name) for name in names}
    interval, margin = result.interval, result.margin or (None, None)
    return {
        "prediction": result.id,
        "measure": result.measure,
        "role": result.role,
        "is_declared": specification.is_declared,
        **chosen,
        **{name: getattr(result, name) for name in _RESULT},
        "interval_low": None if interval is None else interval.low,
        "interval_high": None if interval is None else interval.high,
        "margin_low": margin[0],
        "margin_high": margin[1],
        "reference": result.reference,
        "outcome": result.outcome,
    }
