"""What `hypotest explore` finds on the selection split; plain data.

Nothing here comes from the evaluation split, apart from how many positions and documents it will have.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.wording import MaterialWords
from hypotest.records.results.figure_data import FrequencyCurve, RegimeFit
from hypotest.records.results.group_result import GroupResult
from hypotest.records.results.shown import Shown


@dataclass(frozen=True, slots=True)
class ExploredCurve:
    """The rank-influence curve of one condition."""

    fit: RegimeFit
    end_of_plateau: int
    """Neurons left of the power law; 0 without a plateau."""
    lognormal_ratio: float | None
    """Vuong's ratio of a power law to a lognormal, of all influences from their median on; negative favours
    the lognormal, None where it is undefined."""
    lognormal_p: float | None
    """Two-sided; large: the two cannot be told apart."""


@dataclass(frozen=True, slots=True)
class CovariateComparison:
    """One covariate of the group beside that of the whole layer."""

    covariate: str
    group_mean: float
    group_sd: float
    layer_mean: float
    layer_sd: float
    difference: float
    """(mean of the group - mean of the layer) / SD of the layer."""
    left: float
    """The same against covariate-matched groups instead of the layer."""
    matched: bool
    """Whether the groups are matched on this covariate."""


@dataclass(frozen=True, slots=True)
class ConditionCounts:
    """How much text stands behind one condition, in the selection split."""

    condition: str
    positions: int
    documents: int
    effective_documents: float
    """(sum n_d)^2 / sum n_d^2 over documents with n_d positions: fewer where a few documents hold most."""
    types: int
    """Different targets."""
    effective_types: float
    """1 / sum p^2 over targets with shares p of the positions."""
    top_type_share: float
    """Share of the positions that belongs to the most frequent target."""
    mean_index: float
    """Place of the position in its block."""
    mean_loss: float
    """Cross-entropy of the target in nats."""


@dataclass(frozen=True, slots=True)
class OtherGroup:
    """The group that another threshold would have selected."""

    change: str
    """What would be different, in words."""
    positions: int
    """On which influence is measured."""
    size: int
    shared: int
    """Neurons that it has in common with the declared group."""
    by_chance: float
    """Shared neurons of two random groups of these sizes, on average."""


@dataclass(frozen=True, slots=True)
class PreferenceCount:
    """Neurons whose influence on both conditions differs by some threshold."""

    threshold: float
    """Of |first - second| / (first + second)."""
    first: int
    """Neurons of the layer that prefer targets of the first condition by at least so much."""
    second: int
    first_twice: int
    """Those that do so on each half of the documents."""
    second_twice: int
    group_first: int
    """Of the group, which was selected on these same positions."""
    group_second: int


@dataclass(frozen=True, slots=True)
class Blind:
    """What nothing was seen of."""

    positions: int
    """Of the evaluation split, both conditions together."""
    documents: int
    seen: int
    """Of its documents, how many the network was run over before, as the cache's log says."""
    was_collected: bool
    """Whether the cache held evidence of the evaluation split, complete or in part, when this was called. It
    was not read."""
    predictions: tuple[str, ...]
    """None of which was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Exploration(Shown):
    """The selection split of a protocol, looked at before the run."""

    protocol_id: str
    protocol_hash: str
    title: str
    words: MaterialWords
    """What positions and documents are called."""
    group: GroupResult
    """What the run will select: the same positions, the same code."""
    curves: tuple[ExploredCurve, ...]
    """Of the first condition, whose curve the rule reads, then of the second."""
    halves_shared: int | None
    """Neurons that groups of this size share when selected on each half of the documents alone; None where
    nothing is selected."""
    halves_by_chance: float
    covariates: tuple[CovariateComparison, ...]
    """Empty where the group is the whole layer."""
    matched_on: tuple[str, ...]
    matching_declared: bool
    """Whether the protocol declares such groups; if not, the default covariates were tried."""
    conditions: tuple[ConditionCounts, ...]
    eligible: int
    """Pairs of the selection split that the limits allow: what the sample was drawn from."""
    frequencies: FrequencyCurve | None
    others: tuple[OtherGroup, ...]
    """Empty where nothing is selected."""
    preferences: tuple[PreferenceCount, ...]
    blind: Blind
    notes: tuple[str, ...]
    neurons: pl.DataFrame
    """One row per neuron: neuron, its influence on each one (nats, ``influence_`` and the name), in_group,
    and its covariates."""
    folder: Path
    """Where report, figures and tables lie."""

    @property
    def names(self) -> Conditions:
        """Of both conditions."""
        return Conditions(*(item.condition for item in self.conditions))
