"""What the figures of a run show besides the predictions and the draws of nulls."""

from __future__ import annotations

from dataclasses import dataclass


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
    """With 0, 1 and 2 breakpoints, as far as there is room for them; descriptive."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Eigenvalues of the group's activations, as shares of the trace, beside those of other groups."""

    observed: tuple[float, ...]
    null_low: tuple[float, ...]
    """2.5 % quantile over that null's groups."""
    null_median: tuple[float, ...]
    null_high: tuple[float, ...]
    """97.5 % quantile."""
    scale: str = "covariance"
    """Of which second moments: ``covariance`` or ``correlation``."""
    cumulated_low: tuple[float, ...] = ()
    """2.5 % quantile of the running sum of each of these groups."""
    cumulated_median: tuple[float, ...] = ()
    cumulated_high: tuple[float, ...] = ()
    """97.5 % quantile."""
    null: str = ""
    """The null whose groups these are; empty for random groups of the group's size."""


@dataclass(frozen=True, slots=True)
class HeadResult:
    """One attention head that can reach the tested MLP."""

    layer: int
    head: int
    gini_first: float | None
    """This and the following are None where they are undefined, as for a group without activity."""
    gini_second: float | None
    impact: float | None
    """Relative change of the group's activations with this head ablated (eq. 8)."""
    null_impact: float | None
    """Mean of the same over size-matched groups."""
    layer_share: float | None
    """Squared change with this head ablated / with all heads of its layer ablated."""
    routing: float | None
    """Spearman correlation of its attention profiles in both conditions."""
    gini_first_interval: tuple[float, float] | None = None
    """95 %, over documents and target types; None where there is none, like the following."""
    gini_second_interval: tuple[float, float] | None = None
    impact_interval: tuple[float, float] | None = None
    routing_interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class FrequencyCurve:
    """The frequency table with its cuts."""

    log10_rank: tuple[float, ...]
    log10_count: tuple[float, ...]
    elbow_rank: int | None
    """Rank beyond which types are dropped; None when no elbow was found or it is kept."""
    first_rank: int
    """First rank within the range of a condition."""
    n_types: int
    """Types with a count."""
    n_in_range: int
    """Types within it."""
    n_dropped_types: int
    count_range: tuple[int, int]
    """Occurrences of its rarest and of its most frequent type."""
    condition: str = ""
    """Name of the condition."""
    n_unlisted_types: int = 0
    """Token ids of the model beyond the end of the table; they count as never seen."""


@dataclass(frozen=True, slots=True)
class LayerInfluence:
    """Influence of neurons outside the group on both conditions: some of the whole ranking, evenly."""

    first: tuple[float, ...]
    """Mean |change of the outcome| in nats, on the evaluation split."""
    second: tuple[float, ...]
    """Of the same neurons."""
    n_neurons: int
    """Of which these are some, the group not counted."""


@dataclass(frozen=True, slots=True)
class FigureData:
    """What the figures need besides the predictions and the null draws."""

    regimes: tuple[RegimeFit, ...]
    spectrum: Spectrum | None
    heads: tuple[HeadResult, ...]
    layer_impacts: dict[str, float]
    """``single``, ``random`` and ``all`` heads per layer, such as ``L2 all`` -> relative change."""
    frequencies: FrequencyCurve | None
    """None where no condition is about frequency."""
    influence: LayerInfluence | None = None
    """None where nothing was ablated, or the group is the whole layer."""
