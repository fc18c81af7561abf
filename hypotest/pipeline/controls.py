"""Random groups that every measure shares: of the group's size, and also of its covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.groups import matching
from hypotest.groups.nulls import size_matched
from hypotest.pipeline.randomness import Streams
from hypotest.records.evidence import Evidence, FloatArray
from hypotest.records.nulls import CovariateMatched
from hypotest.records.protocol import Protocol
from hypotest.records.results import CovariateBalance

CONTROL_GROUPS = 20
"""Random groups that tell how a null's mean moves with the documents."""
MEMBERS_PER_STRATUM = 4
"""In large groups, which are cut more finely than at their deciles. Within a tenth, neurons still differ:
with 82 members 1.3 SD off the layer, deciles rejected 0.10 of true nulls at 0.05, twenty strata 0.04."""


@dataclass(frozen=True, slots=True, eq=False)
class Controls:
    """What `draw_controls` found."""

    size_matched: NDArray[np.int64]
    """Shape (n_draws, k)."""
    matched: NDArray[np.int64] | None
    """covariate_matched groups, shape (n_draws, k); None where the protocol does not declare them."""
    strata: NDArray[np.int64] | None
    """Propensity stratum of each neuron, shape (n_neurons,)."""
    log10_matched: float | None
    """log10 of the number of distinct matched groups."""
    balance: tuple[CovariateBalance, ...] = ()
    no_match: str = ""
    """Why there are no covariate_matched groups although the protocol declares them."""

    @property
    def imbalance(self) -> CovariateBalance | None:
        """The covariate in which matched groups still differ most, if too much."""
        worst = max(self.balance, key=lambda item: abs(item.after), default=None)
        return worst if worst is not None and abs(worst.after) > matching.LARGEST_IMBALANCE else None


def draw_controls(
    group: NDArray[np.int64], evidence: Evidence, protocol: Protocol, streams: Streams
) -> Controls:
    """Draw the protocol's random groups, or the few that intervals need.

    Covariates are those of the selection split, both conditions: matching looks at nothing that is tested.
    """
    null = protocol.nulls.size_matched
    n_draws = CONTROL_GROUPS if null is None else null.draws
    random_groups = size_matched(
        evidence.n_neurons, group.size, n_draws, streams("size_matched", str(group.size))
    )
    declared = protocol.nulls.covariate_matched
    if declared is None:
        return Controls(random_groups, None, None, None)
    try:
        matched = match_covariates(
            group, evidence.selection.activations, evidence.weights.output, declared, streams
        )
    except (ValueError, ArithmeticError) as error:  # the whole layer, or covariates that are not finite
        return Controls(random_groups, None, None, None, no_match=f"{error}")
    return Controls(
        size_matched=random_groups,
        matched=matched.groups,
        strata=matched.strata,
        log10_matched=matching.log10_distinct_groups(matched.strata, group),
        balance=tuple(
            CovariateBalance(name, float(first), float(second))
            for name, first, second in zip(
                declared.on, *matching.balance(matched.covariates, group, matched.groups), strict=True
            )
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """What `match_covariates` found."""

    groups: NDArray[np.int64]
    """Shape (n_draws, k)."""
    strata: NDArray[np.int64]
    """Propensity stratum of each neuron, shape (n_neurons,)."""
    covariates: NDArray[np.float64]
    """Those matched on, shape (n_neurons, n_covariates)."""


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
    groups = matching.covariate_matched(
        strata, group, declared.draws, streams("covariate_matched", str(group.size))
    )
    return Matched(groups, strata, covariates)
