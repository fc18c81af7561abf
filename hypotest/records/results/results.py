"""Results: what the tests found, as plain data that goes into ``results.json`` and comes back.

Only numbers, strings, and tuples or dicts of these; undefined numbers are None, never NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypotest.records.protocol.prediction import Status
from hypotest.records.registration import Registration
from hypotest.records.results.corpus_result import Contexts, CorpusResult, CrossEntropy
from hypotest.records.results.figure_data import FigureData
from hypotest.records.results.group_result import AblationResult, Damage, GroupResult, Member
from hypotest.records.results.placebos import Placebos
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.self_check import SelfCheck

SCHEMA_VERSION = 8
"""Version of results.json; raised when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class HypothesisVerdict:
    """What the predictions together say of one hypothesis."""

    hypothesis: str
    status: Status
    supported_by: tuple[str, ...]
    """Ids of predictions whose outcome is the expected one."""
    contradicted_by: tuple[str, ...]
    refuted_by: tuple[str, ...]
    """Those contradictions that survive the correction."""
    open: tuple[str, ...]
    silent: tuple[str, ...]
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """How the statistics of two predictions hang together."""

    one: str
    other: str
    correlation: float
    """Pearson's, over the same shuffled labels."""
    n_draws: int
    """On which both are defined."""


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run."""

    schema_version: int
    protocol: dict[str, Any]
    """The protocol as it was run, defaults filled in."""
    protocol_id: str
    title: str
    subject: dict[str, Any]
    """Name, family, layer, sizes, revision."""
    corpus: CorpusResult
    group: GroupResult
    ablation: AblationResult | None
    """None where evidence was made elsewhere, and nothing was ablated."""
    self_check: SelfCheck | None
    """None likewise."""
    predictions: tuple[PredictionResult, ...]
    verdicts: tuple[HypothesisVerdict, ...]
    figures: FigureData
    limitations: tuple[str, ...]
    """Found in this run, in plain words."""
    split_verdicts: dict[str, tuple[Status, ...]] = field(default_factory=dict)
    """Per hypothesis, its verdict on every seeded split, the declared one first; empty where there is one."""
    registration: Registration | None = None
    """Confirmatory or exploratory, and why; None in results that are older than registrations."""
    cross_entropy: CrossEntropy | None = None
    """On the selection split."""
    dependence: tuple[Dependence, ...] = ()
    """Of every two predictions about the group; empty without shuffled labels."""
    placebos: Placebos | None = None
    """The predictions on make-believe conditions; None where the protocol asks for none."""
    members: tuple[Member, ...] = ()
    """The tested neurons one by one, in the order of the ranking."""
    contexts: Contexts | None = None
    """None where there is no text, or it was to stay out of the results."""
    damage: Damage | None = None
    """None where no groups were lesioned at once at all rows."""

    @property
    def verdict_line(self) -> str:
        """``distributed: supported; modular: refuted``."""
        return "; ".join(f"{item.hypothesis}: {item.status}" for item in self.verdicts)
