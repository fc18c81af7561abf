"""The null of neighbours: is the group unlike neurons as loud and as influential on the second condition?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from hypotest.nulls.covariates import EXACT, PLAIN, LocalCovariate, in_words, needs_weights
from hypotest.nulls.draws import exact_draws, plain_draws
from hypotest.nulls.form import Form
from hypotest.nulls.null import Null, NullWords, StopAfter
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.design import FEWEST_MOVABLE
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hypotest.engine.workers import Values
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.evidence.split import SplitEvidence
    from hypotest.records.results.group_result import GroupResult
    from hypotest.records.results.hidden_bias import HiddenBias
    from hypotest.records.results.prediction_result import PredictionResult
    from hypotest.testing.matched import Matched
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Task, Tested

FEW_MOVABLE = 0.6
"""Share of the members below which what can change places is named among the limitations."""
MOSTLY_SHARED = 0.8
"""Share of the group that these groups keep, from which it is mentioned."""
LARGEST_BIN = 10
"""Neurons; in simulations bins of 20 rejected 0.17 and 0.14 of true nulls at 0.05 where a property follows
influence as such (`hypotest.groups.local`)."""
RELIABLE = 0.9
"""Reliability of the influence that neighbours are matched on, below which it is mentioned: at 0.94 and above
these groups held their level in simulation, at 0.77 they rejected 0.13 (0.04) of true nulls at 0.05."""


class LocalMatched(Strict):
    """Neurons as loud as the group's and as influential on the second condition, a few ranks apart."""

    draws: int = Field(default=9999, ge=1, le=10**6, description="number of matched groups, at most")
    bin: int = Field(
        default=10,
        ge=2,
        le=LARGEST_BIN,
        description="neurons of neighbouring ranks among which membership of the group is dealt out anew; in "
        "larger bins than 10 they are not alike enough",
    )
    on: tuple[LocalCovariate, ...] = Field(
        default=("activation_sd", "base_influence"),
        min_length=1,
        description="what neighbours are alike in; `base_influence` is influence on the second condition",
    )
    stop_after: StopAfter = None


def prepare(options: LocalMatched, task: Task) -> Matched:
    """Groups of neurons as loud and as influential on the second condition, a few ranks apart.

    Everything is read on the selection split.
    """
    import numpy as np

    from hypotest.estimators.regimes import influence
    from hypotest.groups import matching
    from hypotest.groups.local import local_bins, movable_members, shared_members
    from hypotest.records.evidence.split import missing
    from hypotest.testing.matched import draw_matched

    evidence, group, split = task.evidence, task.selection.group, task.evidence.selection
    base = np.asarray(influence(split.delta_loss, split.second), dtype=np.float64)
    known = matching.activation_covariates(split.activations, evidence.output_weights)
    known["base_influence"] = matching.floored_log(base)
    on = tuple(name for name in options.on if name in known)
    if not on:
        raise missing(Channel.WEIGHTS, tuple(evidence.selection.channels))
    covariates = np.column_stack([known[name] for name in on])
    bins = local_bins(matching.propensity_scores(covariates, group), options.bin)
    matched = draw_matched(NULL.name, group, bins, covariates, on, options.draws, task.streams)
    movable = movable_members(bins, group)
    facts = {
        "movable": float(movable),
        "shared": float(shared_members(bins, group)),
        "reliability": split_half_reliability(split, split.conditions.second, task.selection.half),
    }
    obstacle = None
    if movable < FEWEST_MOVABLE:
        obstacle = (
            f"only {movable} of the group's {group.size} neurons have neighbours outside it that are as loud "
            f"and as influential on the second condition ({FEWEST_MOVABLE} are needed): by these, the group "
            f"cannot be told from the second condition's; no conclusion from {NULL.name} groups"
        )
    return replace(matched, obstacle=obstacle, facts=facts)


def split_half_reliability(split: SplitEvidence, condition: str, half: NDArray[np.bool_]) -> float | None:
    """Reliability of log influence over neurons, from two halves of the documents.

    Args:
        split: The selection split.
        condition: Whose influence.
        half: Which half each position belongs to, shape (n_positions,).

    Returns:
        2 r / (1 + r), by Spearman and Brown; None where a half has no position or nothing varies.
    """
    import numpy as np

    from hypotest.estimators.regimes import influence
    from hypotest.groups.matching import floored_log

    rows = split.mask(condition)
    if not (rows & half).any() or not (rows & ~half).any():
        return None
    one, other = (
        floored_log(influence(split.delta_loss, rows & part).astype(np.float64)) for part in (half, ~half)
    )
    if not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return None
    r = float(np.corrcoef(one, other)[0, 1])
    return 2 * r / (1 + r) if r > 0 else 0.0


def compare(tested: Tested, options: LocalMatched, matched: Matched, variant: str) -> Rung:
    """The group among its neighbours."""
    return matched.compare(tested, options.stop_after)


def sensitivity(tested: Tested, matched: Matched, draws: Values) -> HiddenBias | None:
    """A hidden cause within the bins; few draws are redrawn for want of a value, which moves nothing here."""
    from hypotest.inference.hidden_bias import LARGEST, hidden_bias
    from hypotest.records.results.hidden_bias import HiddenBias

    task = tested.task
    bias = hidden_bias(
        tested.observed,
        matched.groups[: len(draws)],
        draws,
        matched.strata,
        tested.group,
        tested.measure.values,
        task.protocol.decision.level,
        task.streams(f"{NULL.name}, hidden bias", tested.prediction.id),
    )
    if bias is None:
        return None
    return HiddenBias(bias.strength, bias.strength >= LARGEST, bias.linear)


def balanced(group: GroupResult) -> Iterator[str]:
    """How many members change places at all."""
    facts = group.draws.get(NULL.name)
    if facts is None:
        return
    text = (
        f"In {NULL.name} groups {facts['movable']:.0f} of the group's {len(group.neurons):,} neurons can "
        "change places with neighbours outside it; the others stand alone in their bins and stay. With "
        f"fewer than {FEWEST_MOVABLE}, nothing is concluded."
    )
    if facts["shared"] is not None:
        text += f" On average such a group keeps {100 * facts['shared']:.0f} % of the members."
    if facts["reliability"] is not None:
        text += (
            " Between halves of the documents, influence on the second condition has a reliability of "
            f"{facts['reliability']:.2f}."
        )
    yield text


def limits(
    options: LocalMatched,
    matched: Matched,
    results: Sequence[PredictionResult],
    evidence: Evidence,
    group: GroupResult,
) -> Iterator[str]:
    """What neighbours can and cannot tell."""
    from hypotest.nulls.registry import SD_NULL

    if any(item.reference == NULL.name for item in results):
        first, second = evidence.evaluation.conditions
        yield (
            f"Two conditions cannot tell a property that follows influence on {first} targets from one that "
            f"follows influence as such, where {second} targets add some of their own: in simulations of the "
            f"latter {NULL.name} rejected in 0.08 to 0.23. A third condition could tell them apart."
        )
    facts = group.draws.get(NULL.name, {})
    shared, reliability = facts.get("shared"), facts.get("reliability")
    movable = facts.get("movable")
    if movable is not None and movable <= FEW_MOVABLE * len(group.neurons):
        yield (
            f"What {NULL.name} says rests on {movable:.0f} of the group's {len(group.neurons):,} neurons: "
            "the others have no neighbours outside it. Other bins move others; `hypotest multiverse` and "
            "`bin:` show how much hangs on them."
        )
    if shared is not None and shared > MOSTLY_SHARED:
        yield (
            f"{NULL.name} groups keep {shared:.0%} of the group's neurons on average: they differ little "
            "from it, whatever the rest is like. Margins are narrowed to what the others can show, which "
            "leaves `equivalent` out of reach more often than not."
        )
    if reliability is not None and reliability < RELIABLE:
        yield (
            f"Influence on the second condition has a reliability of {reliability:.2f} between halves of the "
            f"documents. Neurons matched on it still differ in it, so that {NULL.name} can reject too often "
            "where a property follows influence as such; more positions help."
        )
    weaker = [item.id for item in results if _only_against(SD_NULL, item)]
    if weaker:
        yield (
            "These differ from random neurons (p <= 0.05) but not from neurons as loud and as influential on "
            f"the second condition: {', '.join(weaker)}. They may say more about influential neurons as such "
            f"than about {evidence.evaluation.conditions.first} targets."
        )


def _only_against(random: str, item: PredictionResult) -> bool:
    p_values = {rung.null: rung.p_value for rung in item.ladder}
    locally, against_random = p_values.get(NULL.name), p_values.get(random)
    return locally is not None and against_random is not None and against_random <= 0.05 < locally


NULL = Null(
    name="local_matched",
    form=Form.GROUPS,
    options=LocalMatched,
    summary="random neurons as loud and as influential on the second condition as the group's",
    place=30,
    words=NullWords(
        question="is it unlike its neighbours, neurons as loud and as influential on {second} targets? What "
        "survives here follows what {first} targets chose them for. Two conditions cannot tell "
        "influence on {first} targets from influence as such to which {second} targets add some of "
        "their own; a third could.",
        they="the local_matched groups",
        explained=lambda null, protocol: (
            f"{plain_draws(null.draws, null.stop_after)} groups in which members change places with their "
            f"neighbours in {in_words(null.on, PLAIN, protocol)}, among {null.bin} at a time"
        ),
        method=lambda null, protocol: (
            f"{exact_draws(null.draws, null.stop_after)} groups in which membership is dealt out anew within "
            f"bins of {null.bin} neurons of consecutive ranks in a propensity score of membership given "
            f"{in_words(null.on, EXACT, protocol)}, all from the selection split (local_matched)"
        ),
        registered=lambda null, protocol: (
            f"{exact_draws(null.draws, null.stop_after)} groups in which membership is dealt out anew within "
            f"bins of {null.bin} neurons of consecutive ranks in a propensity score of membership given "
            f"{in_words(null.on, EXACT, protocol)}, from the selection split. If fewer than "
            f"{FEWEST_MOVABLE} members can change places, the contrast is inconclusive."
        ),
        short="local",
        legend="neighbours as loud and as influential on the second condition",
    ),
    unfit=needs_weights,
    prepare=prepare,
    compare=compare,
    sensitivity=sensitivity,
    describe=lambda matched, result: matched.describe(result),
    balanced=balanced,
    limits=limits,
    needs=frozenset({Channel.INFLUENCE}),
)
