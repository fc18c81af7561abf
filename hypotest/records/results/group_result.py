"""The tested group: how it was found, how alike its controls are, and what ablating it does."""

from __future__ import annotations

from dataclasses import dataclass, field


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
class GroupResult:
    """The neurons that were tested, and how they were found."""

    neurons: tuple[int, ...]
    """Numbers in the layer, in the order of what neurons are ranked by (``group.by``)."""
    n_neurons: int
    """Neurons in the layer, dead ones included."""
    rule: str
    """``plateau``, ``top_fraction`` or ``top``; ``ids`` or ``all`` where nothing is selected."""
    reason: str
    """Why that rule applied."""
    control_neurons: tuple[int, ...]
    """The group that the same rule selects on the second condition; empty where nothing is selected."""
    n_dead: int = 0
    """Neurons that are constant on the selection split: they could not be selected, and no pool has them."""
    balance: tuple[CovariateBalance, ...] = ()
    """Of matched groups; empty where there are none."""
    draws: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """Null -> what else is known of its draws. Of neighbours: ``movable``, members that can change places;
    ``shared``, share of the group that a draw keeps on average; ``reliability`` of the log influence that
    they are matched on, by Spearman and Brown's 2r / (1 + r) from two halves of the documents."""
    called: tuple[str, ...] = ()
    """What each of `neurons` is called, such as ``expert 3, neuron 17``; empty where it is its number."""

    @property
    def listed(self) -> str:
        """All of them in one line."""
        return "; ".join(self.called) or ", ".join(map(str, self.neurons))


@dataclass(frozen=True, slots=True)
class GroupAblation:
    """The tested group ablated at once; mean changes of loss at the first condition's targets, in nats."""

    n_positions: int
    together: float
    """All neurons of the group at once."""
    sum_of_single: float
    """Sum over the group of the effects of single neurons."""
    n_random_groups: int
    """0 where the group is the whole layer: what follows is then None."""
    random_together: float | None
    """Mean over random groups of the same size, each at once."""
    random_together_sd: float | None
    random_sum_of_single: float | None


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
class Member:
    """One neuron of the group on the evaluation split; a pair is of the first condition and the second."""

    neuron: int
    """Number in the layer."""
    influence: tuple[float | None, float | None]
    """Mean |change of the outcome| when it is ablated, in nats; None where nothing was ablated."""
    activation: tuple[float, float]
    """Mean."""
    in_both: bool
    """Whether the same rule selects it on the second condition, too."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What the loss of all neurons of the group at once does, on targets and off; mean changes in nats.

    Rows are the first condition's, the second's, and those of neither, on the evaluation split.
    """

    group: tuple[float | None, float | None, float | None]
    """None where no row was looked at."""
    random: tuple[float | None, float | None, float | None]
    """Mean over random groups of the same size."""
    random_sd: tuple[float | None, float | None, float | None]
    n_random: int
    rows: tuple[int, int, int]
