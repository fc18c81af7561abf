"""Runs beside each other, and beside what a paper claims: plain data for ``comparison.json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypotest.inference.meta_analysis import MetaAnalysis
from hypotest.records.protocol.prediction import Outcome, Status
from hypotest.records.results.shown import Shown

ErrorsOf = Literal["new selection", "fixed group", "no group", ""]
"""Whose errors an effect has: of another study, which selects its group again; of the neurons at hand, which
says nothing of another study; of a measure for which nothing is selected; or none."""
Pooled = Literal["models", "studies"]
"""Effects are pooled over models, or over studies of one network that read different texts."""
Agreement = Literal["agrees", "disagrees", "open", "shown", "not measured"]
"""``shown``: published without a spread, it stands beside the measured number and is not judged."""
COMPARISON_SCHEMA = 3
"""Version of comparison.json."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run, as the comparison shows it."""

    label: str
    """``A``, ``B``, ... in the order of the command."""
    folder: str
    protocol_id: str
    model: str
    revision: str | None
    layer: int | None
    statuses: dict[str, Status]
    """Hypothesis -> verdict."""


@dataclass(frozen=True, slots=True)
class RunEffect:
    """One prediction in one run."""

    run: str
    """Label of the run."""
    outcome: Outcome
    effect: float | None
    """On the scale of the comparison: the centre of the interval, which is corrected for the bias of
    resampling documents; without an interval the plain difference; None where it is undefined."""
    standard_error: float | None
    """On the same scale; None without an interval."""
    errors_of: ErrorsOf
    interval: tuple[float, float] | None
    """95 %, on the same scale."""
    weight: float | None
    """In the pooled effect; None where it is not pooled."""
    why_not_pooled: str
    """Empty where it is pooled."""


@dataclass(frozen=True, slots=True)
class Replicability:
    """In at least how many models a prediction has one outcome."""

    outcome: Outcome
    n_models: int
    p_values: tuple[float, ...]
    """Of "fewer than r models have it", r = 1 to `n_models` (`hypotest.inference.replicability`)."""
    at_least: int
    """So many have it, at the comparison's level; 0: not shown of any."""
    at_least_adjusted: int | None
    """The same at the level divided by the number of deciding predictions; None for those that do not
    decide."""


@dataclass(frozen=True, slots=True)
class ComparedPrediction:
    """A prediction, in the runs that ask the same question: measure, options and contrast are equal."""

    id: str
    measure: str
    title: str
    against: str
    """What the observed value is compared with."""
    scale: str
    """Unit of the effects: ``SDs of the null``, or that of the measure."""
    runs: tuple[RunEffect, ...]
    pooled: MetaAnalysis | None
    why_not_pooled: str
    """Empty where there is a pooled effect."""
    margin: tuple[float, float] | None
    """Effects that count as equivalent in every run, on the scale of the comparison."""
    margins_agree: bool
    """Whether that range is the margin of each run."""
    outcome: Outcome | None
    """Of the pooled effect."""
    p_value: float | None
    p_equivalence: float | None
    pooled_over: Pooled = "models"
    not_replications: str = ""
    """Why differences between the runs are not tested, and what to do; empty where they are, or nothing is
    pooled."""
    replicability: tuple[Replicability, ...] = ()
    """Of each outcome that the runs can have; empty for a single model."""


@dataclass(frozen=True, slots=True)
class ClaimCheck:
    """A published claim beside one run."""

    claim: str
    """Its id."""
    where: str
    read_in: str | None
    note: str | None
    says: str
    run: str
    """Label of the run."""
    claimed: str
    """In a few characters, such as ``0.89 +- 0.07`` or ``less``."""
    quantity: str
    """What the claimed range is about; ``outcome`` for an outcome."""
    prediction: str | None
    """Id of the run's prediction; None where there is none."""
    measured: float | None
    measured_outcome: Outcome | None
    interval: tuple[float, float] | None
    """95 %, of the measured quantity; None where it has none."""
    agreement: Agreement
    same_model: bool
    """Whether the run's model and layer are such as the claim is about."""
    reason: str
    """Why it is open or not measured, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Comparison(Shown):
    """Everything that ``hypotest compare`` found."""

    runs: tuple[ComparedRun, ...]
    predictions: tuple[ComparedPrediction, ...]
    level: float
    """Significance level of pooled outcomes: the lowest of the protocols'."""
    claims_source: str | None
    """The paper, where the runs were held against one."""
    claims_title: str | None
    checks: tuple[ClaimCheck, ...]
    warnings: tuple[str, ...]
    """What a reader must know before the numbers."""
    folder: Path
    """Holds ``comparison.md``, ``comparison.json`` and figures."""
