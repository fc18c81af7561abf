"""Random groups that every measure shares: of the group's size, and such as are also like it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.regimes import influence
from hypotest.groups import matching
from hypotest.groups.local import FEWEST_MOVABLE, local_bins, movable_members, shared_members
from hypotest.groups.nulls import size_matched
from hypotest.inference.multiplicity import monte_carlo_floor
from hypotest.records.design import LARGEST_IMBALANCE
from hypotest.records.evidence import Evidence, FloatArray, SplitEvidence
from hypotest.records.nulls import CovariateMatched, LocalMatched
from hypotest.records.protocol import Protocol
from hypotest.records.results import CovariateBalance, GroupResult
from hypotest.testing.randomness import Streams
from hypotest.testing.selection import document_halves

CONTROL_GROUPS = 20
"""Random groups that tell how a null's mean moves with the documents."""
MEMBERS_PER_STRATUM = 4
"""In large groups, which are cut more finely than at their deciles. Within a tenth, neurons still differ:
with 82 members 1.3 SD off the layer, deciles rejected 0.10 of true nulls at 0.05, twenty strata 0.04."""


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Random groups that resemble the tested one, and how well."""

    null: str
    """``covariate_matched`` or ``local_matched``."""
    groups: NDArray[np.int64]
    """Shape (n_draws, k)."""
    strata: NDArray[np.int64]
    """Neurons of one stratum change places, shape (n_neurons,)."""
    balance: tuple[CovariateBalance, ...]
    """How alike the group and these are, covariate by covariate."""
    n_distinct: int
    """Different groups of this kind, at most 10^15."""
    obstacle: str | None
    """Why nothing can be concluded from these groups, whatever the level; None if something can."""

    def blocked(self, level: float) -> str | None:
        """Why nothing can be concluded from these groups at a level; None if something can."""
        if self.obstacle is None and monte_carlo_floor(self.n_distinct - 1) > level:
            return (
                f"there are only {self.n_distinct} different {self.null} groups: no conclusion can be "
                "significant"
            )
        return self.obstacle


@dataclass(frozen=True, slots=True, eq=False)
class Controls:
    """What `draw_controls` found."""

    size_matched: NDArray[np.int64]
    """Shape (n_draws, k)."""
    matched: tuple[Matched, ...]
    """Those that the protocol declares."""
    group: NDArray[np.int64]
    """What they are matched with, shape (k,)."""
    base_reliability: float | None = None
    """Of the influence by which local_matched groups are matched; None where none are drawn or it is
    undefined."""
    no_match: Mapping[str, str] = field(default_factory=dict)
    """Null -> why there are no such groups although the protocol declares them."""

    def describe(self, result: GroupResult) -> GroupResult:
        """The group's record with how well random groups are matched with it."""
        balance = tuple(row for item in self.matched for row in item.balance)
        local = [item.strata for item in self.matched if item.null == "local_matched"]
        if not local:
            return replace(result, balance=balance)
        return replace(
            result,
            balance=balance,
            n_movable=movable_members(local[0], self.group),
            shared_members=shared_members(local[0], self.group),
            base_reliability=self.base_reliability,
        )


def draw_controls(
    group: NDArray[np.int64], evidence: Evidence, protocol: Protocol, streams: Streams
) -> Controls:
    """Draw the protocol's random groups, or the few that intervals need.

    What groups are matched on is read on the selection split: matching looks at nothing that is tested.
    """
    nulls = protocol.nulls
    n_draws = CONTROL_GROUPS if nulls.size_matched is None else nulls.size_matched.draws
    random_groups = size_matched(
        evidence.n_neurons, group.size, n_draws, streams("size_matched", str(group.size))
    )
    split, reliability = evidence.selection, None
    makers: dict[str, Callable[[], Matched]] = {}
    if (declared := nulls.covariate_matched) is not None:
        makers["covariate_matched"] = partial(
            match_covariates, group, split.activations, evidence.weights.output, declared, streams
        )
    if (local := nulls.local_matched) is not None:
        second = "common" if protocol.group.condition == "rare" else "rare"
        base = influence(split.delta_loss, split.mask(second))
        makers["local_matched"] = partial(
            match_locally, group, split.activations, evidence.weights.output, base, local, streams
        )
        reliability = split_half_reliability(
            split, second, document_halves(split, streams("selection halves"))
        )
    matched, missing = [], {}
    for name, make in makers.items():
        try:
            matched.append(make())
        except (ValueError, ArithmeticError) as error:  # the whole layer, or covariates that are not finite
            missing[name] = f"no groups match it: {error}"
    return Controls(random_groups, tuple(matched), group, reliability, missing)


def split_half_reliability(split: SplitEvidence, condition: str, half: NDArray[np.bool_]) -> float | None:
    """Reliability of log influence over neurons, from two halves of the documents.

    Args:
        split: The selection split.
        condition: Whose influence.
        half: Which half each position belongs to, shape (n_positions,).

    Returns:
        2 r / (1 + r), by Spearman and Brown; None where a half has no position or nothing varies.
    """
    rows = split.mask(condition)
    if not (rows & half).any() or not (rows & ~half).any():
        return None
    one, other = (
        matching.floored_log(influence(split.delta_loss, rows & part).astype(np.float64))
        for part in (half, ~half)
    )
    if not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return None
    r = float(np.corrcoef(one, other)[0, 1])
    return 2 * r / (1 + r) if r > 0 else 0.0


def match_covariates(
    group: NDArray[np.int64],
    activations: FloatArray,
    output_weights: FloatArray,
    declared: CovariateMatched,
    streams: Streams,
) -> Matched:
    """Draw groups that resemble the tested one in the declared covariates.

    Args:
        group: Neuron indices, sorted, shape (k,).
        activations: Of the selection split, shape (n_positions, n_neurons).
        output_weights: Columns of the down-projection, shape (n_neurons, d_model).
        declared: The null.
        streams: Random numbers.
    """
    known = matching.activation_covariates(activations, output_weights)
    covariates = np.column_stack([known[name] for name in declared.on])
    n_strata = max(10, group.size // MEMBERS_PER_STRATUM)
    strata = matching.strata(matching.propensity_scores(covariates, group), group, n_strata)
    matched = _draw_matched("covariate_matched", group, strata, covariates, declared, streams)
    worst = max(matched.balance, key=lambda item: abs(item.after))
    if abs(worst.after) <= LARGEST_IMBALANCE:
        return matched
    obstacle = (
        f"matching leaves the group {abs(worst.after):.2f} SD away in {worst.covariate} "
        f"(at most {LARGEST_IMBALANCE:g} allowed): no conclusion from covariate_matched groups"
    )
    return replace(matched, obstacle=obstacle)


def match_locally(
    group: NDArray[np.int64],
    activations: FloatArray,
    output_weights: FloatArray,
    base_influence: FloatArray,
    declared: LocalMatched,
    streams: Streams,
) -> Matched:
    """Draw groups of neurons as loud and as influential on the second condition, a few ranks apart.

    Args:
        group: Neuron indices, sorted, shape (k,).
        activations: Of the selection split, both conditions, shape (n_positions, n_neurons).
        output_weights: Columns of the down-projection, shape (n_neurons, d_model).
        base_influence: Influence on the second condition, nats, shape (n_neurons,).
        declared: The null.
        streams: Random numbers.
    """
    known = matching.activation_covariates(activations, output_weights)
    known["base_influence"] = matching.floored_log(np.asarray(base_influence, dtype=np.float64))
    covariates = np.column_stack([known[name] for name in declared.on])
    bins = local_bins(matching.propensity_scores(covariates, group), declared.bin)
    matched = _draw_matched("local_matched", group, bins, covariates, declared, streams)
    movable = movable_members(bins, group)
    if movable >= FEWEST_MOVABLE:
        return matched
    obstacle = (
        f"only {movable} of the group's {group.size} neurons have neighbours outside it that are as loud "
        "and as "
        f"influential on the second condition ({FEWEST_MOVABLE} are needed): by these, the group cannot be "
        "told from the second condition's; no conclusion from local_matched groups"
    )
    return replace(matched, obstacle=obstacle)


def _draw_matched(
    null: str,
    group: NDArray[np.int64],
    strata: NDArray[np.int64],
    covariates: NDArray[np.float64],
    declared: CovariateMatched | LocalMatched,
    streams: Streams,
) -> Matched:
    groups = matching.covariate_matched(strata, group, declared.draws, streams(null, str(group.size)))
    before, after = matching.balance(covariates, group, groups)
    return Matched(
        null=null,
        groups=groups,
        strata=strata,
        balance=tuple(
            CovariateBalance(null, name, float(one), float(other))
            for name, one, other in zip(declared.on, before, after, strict=True)
        ),
        n_distinct=int(10 ** min(matching.log10_distinct_groups(strata, group), 15.0)),
        obstacle=None,
    )
