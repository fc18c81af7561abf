"""The null of random neurons: is the group unlike others of the layer, as many and drawn at random?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from hypotest.nulls.draws import RANDOM_GROUPS_LIMIT, exact_draws, plain_draws
from hypotest.nulls.form import Form
from hypotest.nulls.null import Null, NullWords, StopAfter
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    import polars as pl

    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.protocol import Protocol
    from hypotest.records.results.group_result import GroupResult
    from hypotest.records.results.prediction_result import PredictionResult
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Task, Tested


class SizeMatched(Strict):
    """Random neurons, as many as the group has, from the whole layer."""

    draws: int = Field(default=9999, ge=1, le=10**6, description="number of random groups, at most")
    stop_after: StopAfter = None


def prepare(options: SizeMatched, task: Task) -> IntArray:
    """The groups, shape (n_draws, k)."""
    return task.random_groups(options.draws)


def compare(tested: Tested, options: SizeMatched, groups: IntArray, variant: str) -> Rung:
    """The group among them; a few without a value are drawn again."""
    from hypotest.groups.nulls import random_groups
    from hypotest.testing.rung import among_groups

    size, n_neurons = tested.group.size, tested.task.evidence.n_neurons
    rng = tested.task.streams(f"{NULL.name}, redrawn", str(size))
    return among_groups(
        NULL.name,
        tested.observed,
        tested.measure,
        groups,
        lambda n: random_groups(n_neurons, size, n, rng),
        options.stop_after,
    )


def distinct(
    options: SizeMatched, protocol: Protocol, positions: pl.DataFrame, n_neurons: int | None
) -> tuple[float, str] | None:
    """(n_neurons choose k)."""
    from scipy.special import gammaln

    from hypotest.groups.select import declared_size

    if n_neurons is None:
        return None
    size = declared_size(protocol.group, n_neurons)
    logarithm = gammaln(n_neurons + 1) - gammaln(size + 1) - gammaln(n_neurons - size + 1)
    return float(logarithm) / math.log(10), f"groups of {size} of {n_neurons} neurons"


def limits(
    options: SizeMatched,
    groups: IntArray,
    results: Sequence[PredictionResult],
    evidence: Evidence,
    group: GroupResult,
) -> Iterator[str]:
    """What a p-value among random groups does not say."""
    if any(item.reference == NULL.name for item in results):
        yield RANDOM_GROUPS_LIMIT


NULL = Null(
    name="size_matched",
    form=Form.GROUPS,
    options=SizeMatched,
    summary="as many random neurons, from the whole layer",
    place=10,
    gives_sd=True,
    words=NullWords(
        question="is the group unlike other neurons of the layer, as many and drawn at random?",
        they="the size_matched groups",
        explained=lambda null, protocol: (
            f"{plain_draws(null.draws, null.stop_after)} groups of as many random neurons of the same layer"
        ),
        method=lambda null, protocol: (
            f"{exact_draws(null.draws, null.stop_after)} groups of as many neurons drawn uniformly without "
            "replacement from the whole layer (size_matched)"
        ),
        registered=lambda null, protocol: (
            f"{exact_draws(null.draws, null.stop_after)} groups of as many neurons, from the whole layer, "
            "the tested ones included."
        ),
        short="size",
        legend="random groups of the same size",
    ),
    prepare=prepare,
    compare=compare,
    distinct=distinct,
    limits=limits,
)
