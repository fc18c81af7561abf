"""How long the tests of a run will take, extrapolated from smaller ones, and what it does again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.optimize import nnls

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import declared
from hypotest.pipeline.untrained import networks_of
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.power.record import StageCost


def extrapolate_analysis(
    plan: Protocol,
    full: Mapping[str, float],
    thinned: Mapping[str, float],
    thinned_draws: int,
    measuring: int,
    planned: int,
) -> tuple[tuple[StageCost, ...], dict[str, float]]:
    """Times of the tests, from an analysis of one half of the selection split and from a smaller one.

    Measures of groups take a time for each group and one for each document; the two
    analyses, with unlike numbers of both, tell them apart (neither can be negative). Everything else grows
    with the documents.

    Args:
        plan: The protocol.
        full: Seconds per stage with all draws.
        thinned: The same with half of the documents and at most `thinned_draws` draws.
        thinned_draws: Of each null.
        measuring: Documents behind `full`.
        planned: Documents of the evaluation split.

    Returns:
        The stages, and per prediction the seconds that 1,000 further groups take.
    """
    n_groups, fewer = _n_groups(plan, None), _n_groups(plan, thinned_draws)
    design = np.array([[n_groups, measuring], [fewer, measuring / 2]])
    measures = {f"{item.id}: {item.measure}": item for item in plan.predictions}
    costs, per_1000 = [], {}
    basis = f"{measuring:,} of {planned:,} documents"
    for stage, seconds in full.items():
        item = measures.get(stage)
        if item is not None and MEASURES[item.measure].level == "weights":
            costs.append(StageCost(stage, seconds, False, "timed in full", True))
            per_1000[item.id] = 1000 * seconds / n_groups
        elif item is not None and stage in thinned:
            per_group, per_document = nnls(design, np.array([seconds, thinned[stage]]))[0]
            estimate = per_group * n_groups + per_document * planned
            costs.append(StageCost(stage, float(estimate), False, basis, True))
            per_1000[item.id] = float(1000 * per_group)
        else:
            estimate = seconds * planned / measuring
            costs.append(StageCost(stage, estimate, False, basis, True))
    return tuple(costs), per_1000


def repeated_work(
    plan: Protocol,
    collecting: Sequence[StageCost],
    analysis: Sequence[StageCost],
    network: tuple[float, str] | None = None,
) -> Iterator[StageCost]:
    """What a run does again: evidence of untrained networks, and the tests on other splits.

    Args:
        plan: The protocol.
        collecting: What the subject's evidence takes.
        analysis: What the tests take.
        network: Seconds that one untrained network takes, and what was timed; without, at most what both
            splits of the subject take, of which it collects a part.
    """
    untrained = networks_of(plan)
    if untrained is not None:
        once = sum(item.seconds for item in collecting if item.stage.endswith(" split"))
        seconds, basis = network or (once, "at most both splits")
        yield StageCost(
            f"untrained networks ({untrained.weights} weights)",
            untrained.number * seconds,
            False,
            f"{untrained.number} times {basis}",
        )
    if plan.splits > 1:
        yield StageCost(
            "other splits of the documents",
            (plan.splits - 1) * sum(item.seconds for item in analysis),
            False,
            f"{plan.splits - 1} times the tests",
            True,
        )


def _n_groups(plan: Protocol, most: int | None) -> int:
    """Groups that a measure is taken on."""
    return sum(item.null.evaluations(item.null.fewer(item.options, most)) for item in declared(plan))
