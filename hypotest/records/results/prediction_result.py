"""One prediction, tested: the number, what it was compared with, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hypotest.records.protocol.margins import MarginSensitivity
from hypotest.records.protocol.prediction import Outcome, Role
from hypotest.records.results.hidden_bias import HiddenBias
from hypotest.records.results.reselection import Reselection

Stance = Literal["supports", "contradicts", "silent", "open"]


OTHER_CONDITION = "condition"
"""What a value is compared with where it is that of the second condition."""
MARGIN_SHARE = "margin_share"
"""Among the secondary numbers: how wide the margin is as a share of the declared one, where the null's groups
keep members of the group and show that much less of any difference."""


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
    """Its name, or ``types permuted``."""
    statistic: str
    """Which number stands among the draws: ``T(G)``; under shuffled labels ``T(rare)``, of the group selected
    on the first condition, by its name, ``T(common)``, of that on the second, or ``T(rare) - T(common)``."""
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
    """What it is compared with: a null's name, ``condition``, or ``value``; see `against`."""
    reference_value: float | None
    """Mean of the null, value in the second condition, or the number in the protocol."""
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
    ladder: tuple[NullComparison, ...] = ()
    """Every null that was drawn, the deciding one first."""
    arms: tuple[NullComparison, ...] = ()
    """What stands beside it under shuffled labels: the group selected on the second condition, and the
    difference of both, each among its own draws; described, never decisive."""
    splits: tuple[SplitOutcome, ...] = ()
    """The same on every seeded split, the declared one first; empty where there is only that one."""
    notes: tuple[str, ...] = ()
    """What a reader must know about this number."""
    sensitivity: MarginSensitivity | None = None
    """What other margins would have given; None without margin or interval."""
    variant: str = ""
    """In which way the null was drawn, such as the unit over which labels are shuffled; the other condition's
    name."""
    communities: tuple[tuple[int, ...], ...] = ()
    """Where the measure detects communities in the group: the neurons of each, as numbers in the layer."""
    reselection: Reselection | None = None
    """Errors of the effect if the group is selected again; None where the protocol does not ask for them, or
    nothing is selected."""
    hidden_bias: HiddenBias | None = None
    """What would overturn a significant p-value; None where it is not, or its null has no such measure."""

    @property
    def against(self) -> str:
        """What it is compared with, for readers: ``label_shuffled (type)``, or the other condition's name."""
        if self.reference == OTHER_CONDITION and self.variant:
            return self.variant
        return f"{self.reference} ({self.variant})" if self.variant else self.reference

    @property
    def null_sd(self) -> float | None:
        """SD of the null, in which effects of different groups can be compared.

        None for a null that does not vary, and where a number or a condition is the reference.
        """
        return (self.reference_sd or None) if self.reference not in ("value", OTHER_CONDITION) else None
