"""Random groups that resemble the tested one in covariates, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.streams import Streams
from hypotest.groups import matching
from hypotest.inference.multiplicity import monte_carlo_floor
from hypotest.records.results.group_result import CovariateBalance, GroupResult
from hypotest.testing.rung import Rung, among_groups
from hypotest.testing.task import Tested


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Random groups that resemble the tested one, and how well."""

    null: str
    groups: NDArray[np.int64]
    """Shape (n_draws, k)."""
    strata: NDArray[np.int64]
    """Neurons of one stratum change places, shape (n_neurons,)."""
    balance: tuple[CovariateBalance, ...]
    """How alike the group and these are, covariate by covariate."""
    n_distinct: int
    """Different groups of this kind, at most 10^15."""
    obstacle: str | None = None
    """Why nothing can be concluded from these groups, whatever the level; None if something can."""
    facts: dict[str, float | None] = field(default_factory=dict)
    """What else is known of them, for the record."""

    def blocked(self, level: float) -> str | None:
        """Why nothing can be concluded from these groups at a level; None if something can."""
        if self.obstacle is None and monte_carlo_floor(self.n_distinct - 1) > level:
            return (
                f"there are only {self.n_distinct} different {self.null} groups: no conclusion can be "
                "significant"
            )
        return self.obstacle

    def describe(self, result: GroupResult) -> GroupResult:
        """The group's record with how well these are matched with it."""
        facts = {**result.draws, self.null: self.facts} if self.facts else result.draws
        return replace(result, balance=(*result.balance, *self.balance), draws=facts)

    def compare(self, tested: Tested, stop_after: int | None) -> Rung:
        """The group among them."""
        group, streams = tested.group, tested.task.streams
        rng = streams(f"{self.null}, redrawn", str(group.size))
        rung = among_groups(
            self.null,
            tested.observed,
            tested.measure,
            self.groups,
            lambda n: matching.exchanged_within(self.strata, group, n, rng),
            stop_after,
        )
        blocked = self.blocked(tested.task.protocol.decision.level)
        return replace(rung, comparison=replace(rung.comparison, blocked=blocked))


def draw_matched(
    null: str,
    group: NDArray[np.int64],
    strata: NDArray[np.int64],
    covariates: NDArray[np.float64],
    names: Sequence[str],
    n_draws: int,
    streams: Streams,
) -> Matched:
    """Draw groups that have as many neurons as the tested one in every stratum.

    Args:
        null: Its name.
        group: Neurons, ascending, shape (k,).
        strata: Shape (n_neurons,).
        covariates: What they are alike in, shape (n_neurons, n_covariates).
        names: Of the covariates.
        n_draws: How many groups.
        streams: Random numbers.
    """
    groups = matching.exchanged_within(strata, group, n_draws, streams(null, str(group.size)))
    before, after = matching.balance(covariates, group, groups)
    return Matched(
        null=null,
        groups=groups,
        strata=strata,
        balance=tuple(
            CovariateBalance(null, name, float(one), float(other))
            for name, one, other in zip(names, before, after, strict=True)
        ),
        n_distinct=int(10 ** min(matching.log10_distinct_groups(strata, group), 15.0)),
    )
