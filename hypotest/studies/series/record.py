"""A series: one protocol at every layer of a network, or on several checkpoints of its training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hypotest.records.protocol.prediction import Outcome, Status
from hypotest.records.registration import Registration
from hypotest.records.results.results import HypothesisVerdict
from hypotest.records.results.shown import Shown

Axis = Literal["layer", "step"]
SERIES_VERSION = 3
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
    tau: float | None
    """Kendall's tau-b against the step, -1 to 1; None where an effect is undefined."""
    p_value: float | None
    p_adjusted: float | None
    """None for a trend that does not decide."""
    outcome: Outcome
    leaves_at: int | None
    """First step at which the effect differs from the null: significantly, and with a 95 % interval that
    excludes none, where there is one. None if it never does."""
    stays_from: int | None
    """First step from which it always does, on the same side; None if it does not at the last."""


@dataclass(frozen=True, slots=True)
class SeriesMember:
    """One run of a series."""

    name: str
    """``layer 3``, or the checkpoint's name."""
    place: int
    """Block, or training step."""
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
    axis: Axis
    level: float
    hypotheses: tuple[str, ...]
    members: tuple[SeriesMember, ...]
    skipped: tuple[str, ...]
    """Members that cannot be tested, and why."""
    failed: tuple[str, ...]
    """Members whose run failed, and with what."""
    courses: tuple[Course, ...]
    trends: tuple[TrendResult, ...]
    verdicts: tuple[HypothesisVerdict, ...]
    """Of the trends; empty where the protocol predicts none."""
    registration: Registration
    """Of the series as a whole."""
    folder: Path

    @property
    def n_begun(self) -> int:
        """Members that were run, those that failed among them: for so many refutations are corrected."""
        return len(self.members) + len(self.failed)

    @property
    def verdict_line(self) -> str:
        """``emergent: supported; static: refuted``; empty without trends that decide."""
        return "; ".join(f"{item.hypothesis}: {item.status}" for item in self.verdicts)
