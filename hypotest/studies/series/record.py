"""A series: one protocol on several models, at several layers, on several checkpoints, or all of these."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hypotest.records.protocol.prediction import Outcome, Status
from hypotest.records.registration import Registration
from hypotest.records.results.results import HypothesisVerdict
from hypotest.records.results.shown import Shown
from hypotest.studies.compare.record import ComparedPrediction

SeriesAxis = Literal["layer", "step", "model"]
SERIES_VERSION = 4
"""Of ``series.json``; raised when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Point:
    """One prediction at one member of a series."""

    effect: float | None
    """In SDs of the null where the course says so, else in the measure's unit; None where it is undefined."""
    interval: tuple[float, float] | None
    """95 %, over documents, on the same scale."""
    margin: tuple[float, float] | None
    """Effects that count as equivalent, on the same scale."""
    p_value: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Course:
    """One prediction over all members."""

    prediction: str
    measure: str
    title: str
    in_null_sd: bool
    points: tuple[Point, ...]
    """In the order of the members."""


@dataclass(frozen=True, slots=True)
class TrendResult:
    """What a protocol predicted of a course, tested."""

    prediction: str
    line: str
    """Of which line; empty for all of them together, which is what decides."""
    tau: float | None
    """Kendall's tau-b against the step, -1 to 1, of several lines the mean; None where an effect is
    undefined."""
    p_value: float | None
    p_adjusted: float | None
    """None for a trend that does not decide."""
    outcome: Outcome
    tolerates: float | None
    """Lag-1 autocorrelation of the checkpoints' effects up to which the trend stays significant; None where
    it is not."""
    leaves_at: int | None
    """First step at which the effect differs from the null: significantly, and with a 95 % interval that
    excludes none, where there is one. None if it never does, and of several lines together."""
    stays_from: int | None
    """First step from which it always does, on the same side; None if it does not at the last."""


@dataclass(frozen=True, slots=True)
class SeriesMember:
    """One run of a series."""

    name: str
    """``layer 3``, the checkpoint's name, or the model's; of a grid all of what members differ in."""
    line: str
    """What it differs in from members of other lines, such as its model; empty where there is one line."""
    place: int
    """Block, training step, or number of the model, from 1: where on its line it stands."""
    folder: str
    """Of the run, within the series' own."""
    n_neurons: int
    """Of the tested group."""
    has_plateau: bool
    """Whether the group is the plateau of the influence curve, not what is declared otherwise."""
    engine: str
    alone: dict[str, Status]
    """Hypothesis -> verdict of the run by itself; empty where trends decide."""
    corrected: dict[str, Status]
    """The same with every adjusted p-value times the number of members (Bonferroni)."""


@dataclass(frozen=True, slots=True)
class SeriesResult(Shown):
    """Everything that a series found; the runs themselves lie beside it."""

    protocol: dict[str, Any]
    """Canonical form."""
    protocol_id: str
    title: str
    subject: str
    axis: SeriesAxis
    """What courses are drawn over."""
    level: float
    hypotheses: tuple[str, ...]
    members: tuple[SeriesMember, ...]
    skipped: tuple[str, ...]
    """Members that cannot be tested, and why."""
    failed: tuple[str, ...]
    """Members whose run failed, and with what; all of a model together where all failed with the same."""
    courses: tuple[Course, ...]
    trends: tuple[TrendResult, ...]
    verdicts: tuple[HypothesisVerdict, ...]
    """Of the trends; empty where the protocol predicts none."""
    pooled: tuple[ComparedPrediction, ...]
    """Effects pooled over models, at the last checkpoint and layer of each; empty for a single model."""
    comparison: str
    """Folder of the comparison that pools them, within the series' own; empty without."""
    registration: Registration
    """Of the series as a whole."""
    folder: Path
    n_failed: int = 0
    """Members that failed; a model that cannot be had stands for all that it would have been run as."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Of members, in their order."""
        return tuple(dict.fromkeys(member.line for member in self.members))

    @property
    def n_begun(self) -> int:
        """Members that were run, those that failed among them: for so many refutations are corrected."""
        return len(self.members) + self.n_failed

    @property
    def verdict_line(self) -> str:
        """``emergent: supported; static: refuted``; empty without trends that decide."""
        return "; ".join(f"{item.hypothesis}: {item.status}" for item in self.verdicts)
