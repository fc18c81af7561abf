"""Results: what the tests found, as plain data that goes into ``results.json`` and comes back.

Only numbers, strings, and tuples or dicts of these; undefined numbers are None, never NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from hypotest.records.margins import MarginSensitivity
from hypotest.records.prediction import Outcome, Role
from hypotest.records.prediction import Status as Status
from hypotest.records.registration import Registration
from hypotest.records.self_check import SelfCheck

Stance = Literal["supports", "contradicts", "silent", "open"]

SCHEMA_VERSION = 5
"""Version of results.json; raised when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float
    level: float
    """Coverage, such as 0.90."""
    standard_error: float
    degrees_of_freedom: int


@dataclass(frozen=True, slots=True)
class SecondaryNumber:
    """A number beside the tested one, reported and never decisive, such as the integer dimension."""

    value: float | None
    """None where it is undefined."""
    interval_95: tuple[float, float] | None = None
    """Over documents, low and high; None where there is none."""


@dataclass(frozen=True, slots=True)
class NullComparison:
    """A statistic among those of its control groups: one rung of the ladder."""

    null: str
    """Its name, or ``swapped within documents``."""
    statistic: str
    """Which number stands among the draws: ``T(G)``; under shuffled labels ``T(rare)``, of the group selected
    on rare targets, ``T(common)``, of the one selected on common targets, or ``T(rare) - T(common)``."""
    observed: float
    mean: float
    sd: float
    n_draws: int
    p_value: float
    """Two-sided unless the null says otherwise; (b + 1)/(B + 1)."""
    p_error: float
    """Monte Carlo standard error of the p-value."""
    percentile: float
    """Share of draws below the observed value, ties half, 0 to 100."""
    z: float | None
    """(observed - mean) / sd; None when the null does not vary."""
    log10_relabellings: float | None = None
    """log10 of the number of distinct relabellings, for shuffled labels."""
    n_undefined: int = 0
    """Draws without a value, counted as extreme."""
    planned_draws: int | None = None
    """Draws that the protocol asked for, where sequential stopping needed fewer; p is then h/l."""
    descriptive: bool = False
    """Whether this null can never decide here: rewired networks, too few untrained ones, and shuffled labels
    for anything but selectivity."""
    unit: str = ""
    """Unit of `observed`, `mean` and `sd` where it is not the measure's own."""
    blocked: str | None = None
    """Why nothing can be concluded from this comparison, whatever its p-value."""
    variant: str = ""
    """In which way it was drawn, such as the unit over which labels are shuffled."""

    beside: bool = False
    """Whether it is another statistic than the tested one, under the same draws."""

    @property
    def key(self) -> str:
        """Of its draws in ``nulls.parquet``."""
        return f"{self.id}: {self.statistic}" if self.beside else self.id

    @property
    def id(self) -> str:
        """Name and variant, as columns and rows are headed: ``label_shuffled (type)``."""
        return f"{self.null} ({self.variant})" if self.variant else self.null


@dataclass(frozen=True, slots=True)
class CovariateBalance:
    """How alike the group and its matched controls are in one covariate."""

    null: str
    """Whose groups."""
    covariate: str
    before: float
    """(mean of the group - mean of the layer) / SD of the layer."""
    after: float
    """(mean of the group - mean of the matched groups) / SD of the layer."""


@dataclass(frozen=True, slots=True)
class SplitOutcome:
    """A prediction on another division of the documents."""

    outcome: Outcome
    effect: float | None
    """None where it is undefined there."""
    p_value: float | None


@dataclass(frozen=True, slots=True)
class OwnIntervals:
    """95 % intervals over documents, low and high, of numbers other than the effect, where there are any.

    `PredictionResult.interval` is the effect's; claims of papers are about these.
    """

    observed: tuple[float, float] | None = None
    reference: tuple[float, float] | None = None
    standardized: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """One prediction, tested. The effect is observed - reference_value, all in one unit.

    Where the outcome is ``undefined`` there are no numbers, and the first of the notes says why.
    """

    id: str
    role: Role
    measure: str
    title: str
    """What was measured, in a few words."""
    observed: float | None
    reference: str
    """What it is compared with: a null's name, ``common``, or ``value``; see `against`."""
    reference_value: float | None
    """Mean of the null, value in the common condition, or the number in the protocol."""
    reference_sd: float | None
    """SD of the null; None where there is none."""
    effect: float | None
    ratio: float | None
    """observed / reference_value."""
    standardized: float | None
    """Effect in SDs of the null, or for paired documents in SDs of their differences."""
    interval: Interval | None
    """Of the effect, over documents, at the level that the equivalence test uses (90 %)."""
    interval_95: Interval | None
    margin: tuple[float, float] | None
    """Range of effects that count as equivalent."""
    equivalence_ceiling: float | None
    """Share of null draws inside the margin: the best chance `equivalent` can have."""
    p_value: float | None
    """Of the difference, two-sided."""
    p_error: float | None
    p_adjusted: float | None
    """min(1, M p); None for predictions that do not decide."""
    p_equivalence: float | None
    """Larger of the two one-sided p-values against the margin."""
    p_equivalence_adjusted: float | None
    outcome: Outcome
    smallest_effect: float | None
    """For `inconclusive`: the smallest effect that would have been significant."""
    expects: dict[str, tuple[str, ...]]
    """Per hypothesis; empty for `any`."""
    stances: dict[str, Stance]
    p_beyond: float | None = None
    """Of the effect lying inside the margin or on its other side, one-sided: small where it is shown to lie
    beyond the margin in its own direction. None without margin or interval."""
    p_beyond_adjusted: float | None = None
    own_intervals: OwnIntervals = field(default_factory=OwnIntervals)
    secondary: dict[str, SecondaryNumber] = field(default_factory=dict)
    """What else was measured."""
    unit: str = ""
    """Unit of `observed`, `reference_value`, `effect`, `interval` and `margin` where it is not the measure's
    own."""
    ladder: tuple[NullComparison, ...] = ()
    """Every null that was drawn, the deciding one first."""
    arms: tuple[NullComparison, ...] = ()
    """What stands beside ``T(rare)`` under shuffled labels: the group selected on common targets, and the
    difference of both, each among its own draws; described, never decisive."""
    splits: tuple[SplitOutcome, ...] = ()
    """The same on every seeded split, the declared one first; empty where there is only that one."""
    notes: tuple[str, ...] = ()
    """What a reader must know about this number."""
    sensitivity: MarginSensitivity | None = None
    """What other margins would have given; None without margin or interval."""
    variant: str = ""
    """In which way the null was drawn, such as the unit over which labels are shuffled."""

    @property
    def against(self) -> str:
        """What it is compared with, for readers: ``label_shuffled (type)``."""
        return f"{self.reference} ({self.variant})" if self.variant else self.reference

    @property
    def null_sd(self) -> float | None:
        """SD of the null, in which effects of different groups can be compared.

        None for a null that does not vary, and where a number or a condition is the reference.
        """
        return (self.reference_sd or None) if self.reference not in ("value", "common") else None


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
class GroupResult:
    """The neurons that were tested, and how they were found."""

    neurons: tuple[int, ...]
    """Numbers in the layer, by influence, the most influential first."""
    n_neurons: int
    """Neurons in the layer, dead ones included."""
    rule: str
    """``plateau`` or ``top_fraction``."""
    reason: str
    """Why that rule applied."""
    control_neurons: tuple[int, ...]
    """The group that the same rule selects on common targets."""
    n_dead: int = 0
    """Neurons that are constant on the selection split: they could not be selected, and no pool has them."""
    balance: tuple[CovariateBalance, ...] = ()
    """Of matched groups; empty where there are none."""
    draws: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """Null -> what else is known of its draws. Of neighbours: ``movable``, members that can change places;
    ``shared``, share of the group that a draw keeps on average; ``reliability`` of the log influence that
    they are matched on, by Spearman and Brown's 2r / (1 + r) from two halves of the documents."""


@dataclass(frozen=True, slots=True)
class RegimeFit:
    """A continuous piecewise line on the log-log rank-influence curve."""

    condition: str
    ranks: tuple[float, ...]
    influence: tuple[float, ...]
    """Nats, read on documents other than those that set the ranks."""
    fitted: tuple[float, ...]
    breakpoints: tuple[float, ...]
    """Ranks; none, one or two."""
    slopes: tuple[float, ...]
    """d log influence / d log rank of each segment."""
    kappa: float
    """Minus the slope of the power law (the middle segment)."""
    plateau: bool
    plateau_flatness: float
    head_excess: float
    """Mean residual of the head against the power law extended to it, in natural log units."""
    bic: tuple[float, ...]
    """With 0, 1 and 2 breakpoints; descriptive."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Eigenvalues of the group's covariance, as shares of the trace, beside those of random groups."""

    observed: tuple[float, ...]
    null_low: tuple[float, ...]
    """2.5 % quantile of size-matched groups."""
    null_median: tuple[float, ...]
    null_high: tuple[float, ...]
    """97.5 % quantile."""


@dataclass(frozen=True, slots=True)
class HeadResult:
    """One attention head that can reach the tested MLP."""

    layer: int
    head: int
    gini_rare: float | None
    """This and the following are None where they are undefined, as for a group without activity."""
    gini_common: float | None
    impact: float | None
    """Relative change of the group's activations with this head ablated (eq. 8)."""
    null_impact: float | None
    """Mean of the same over size-matched groups."""
    layer_share: float | None
    """Squared change with this head ablated / with all heads of its layer ablated."""
    routing: float | None
    """Spearman correlation of its rare and common attention profiles."""


@dataclass(frozen=True, slots=True)
class FrequencyCurve:
    """The frequency table with its cuts."""

    log10_rank: tuple[float, ...]
    log10_count: tuple[float, ...]
    elbow_rank: int | None
    """Rank beyond which types are dropped; None when no elbow was found or it is kept."""
    rare_rank: int
    """First rank that counts as rare."""
    n_types: int
    """Types with a count."""
    n_rare_types: int
    n_dropped_types: int
    rare_count_range: tuple[int, int]
    n_unlisted_types: int = 0
    """Token ids of the model beyond the end of the table; they count as never seen."""


@dataclass(frozen=True, slots=True)
class CorpusResult:
    """The text and the positions that were sampled from it."""

    source: str
    documents: int
    blocks: int
    tokens: int
    """Of the text that lie in blocks; padding and the token that blocks begin with are none of them."""
    eligible_rare: int
    """Rare positions before the cap and the sample."""
    rare_per_thousand: float
    positions: dict[str, int]
    """``selection rare``, ``selection common``, ... -> number."""
    documents_used: dict[str, int]
    """Split -> documents that carry positions."""
    rare_types_used: int
    common_types_used: int
    frequent_rare: tuple[tuple[str, int], ...]
    """The 20 most frequent rare types among the sampled targets."""
    mean_index: dict[str, float]
    """Condition -> mean position within the block."""
    mean_loss: dict[str, float]
    """Condition -> mean cross-entropy of the targets, nats."""
    text_differs: tuple[str, ...]
    """Packages whose installed version is not the pinned one."""
    bos: str | None = None
    """Token that every block begins with, beside ``tokens``; None for none."""
    text_tokens: int | None = None
    """Of the whole text; None in runs of versions that did not count them."""
    padded_blocks: int = 0
    """Blocks that hold a document shorter than they are."""
    padded_tokens: int = 0
    """Those of ``tokens`` that lie in them."""
    empty: int = 0
    """Files and rows without text, left out."""
    copies: int = 0
    """Documents left out because the same one was there before."""


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """How well the subject predicts the text, beside what needs no model; nats per token."""

    nats: float
    """Mean cross-entropy of the next token."""
    unigram: float
    """Entropy of the distribution of token types in the whole text."""
    chance: float
    """Logarithm of the size of the vocabulary."""
    n_tokens: int
    """Targets, in blocks of the selection split."""
    n_blocks: int


@dataclass(frozen=True, slots=True)
class FigureData:
    """What the figures need besides the predictions and the null draws."""

    regimes: tuple[RegimeFit, ...]
    spectrum: Spectrum | None
    heads: tuple[HeadResult, ...]
    layer_impacts: dict[str, float]
    """``single``, ``random`` and ``all`` heads per layer, such as ``L2 all`` -> relative change."""
    frequencies: FrequencyCurve


@dataclass(frozen=True, slots=True)
class GroupAblation:
    """The tested group ablated at once; mean changes of loss at rare targets, in nats."""

    n_positions: int
    together: float
    """All neurons of the group at once."""
    sum_of_single: float
    """Sum over the group of the effects of single neurons."""
    n_random_groups: int
    random_together: float
    """Mean over random groups of the same size, each at once."""
    random_together_sd: float
    random_sum_of_single: float


@dataclass(frozen=True, slots=True)
class EffectParts:
    """What single effects are made of; each the mean over the group, and over the whole layer, in nats."""

    n_positions: int
    """Rare targets of the evaluation split."""
    total: tuple[float, float]
    """Change of loss."""
    through_norm: tuple[float, float]
    """Through the scale of the final norm alone."""
    direct: tuple[float, float]
    """Through the logits that the neuron writes alone."""
    entropy: tuple[float, float]
    """Change of the prediction's entropy."""


@dataclass(frozen=True, slots=True)
class AblationResult:
    """How neurons were ablated, and what the group's ablation shows."""

    engine: str
    """``identity`` or ``interventions``."""
    reason: str
    """Why this engine."""
    replacement: str
    """``mean``, ``zero`` or ``resample``."""
    tolerance: float
    """Nats."""
    share_exact: float
    """Of all pairs of position and neuron, those evaluated over the whole vocabulary."""
    largest_error_bound: float | None
    """Nats; None where nothing bounds the rounding of forward passes."""
    group: GroupAblation
    parts: EffectParts | None
    """None where the identity does not hold."""


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
    ablation: AblationResult
    self_check: SelfCheck
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

    @property
    def verdict_line(self) -> str:
        """``distributed: supported; modular: refuted``."""
        return "; ".join(f"{item.hypothesis}: {item.status}" for item in self.verdicts)
