"""The null of labels that mean nothing: is the group unlike what selection finds when they are shuffled?

It decides selectivity, the premise, alone. Of any other measure it is false as soon as the premise is true,
whatever that measure has to do with the conditions: see `hypotest.testing.shuffled.compare_shuffled`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from pydantic import Field

from hypotest.nulls.form import Form
from hypotest.nulls.null import Null, Words
from hypotest.records.protocol.design import PermutationUnit
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    import polars as pl

    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.evidence.split import SplitEvidence
    from hypotest.records.protocol.protocol import Protocol
    from hypotest.records.results.group_result import GroupResult
    from hypotest.records.results.prediction_result import NullComparison, PredictionResult
    from hypotest.testing.relabelled import ShuffledGroups
    from hypotest.testing.rung import Rung
    from hypotest.testing.shuffled import Arm, Shuffled
    from hypotest.testing.task import Task, Tested

CALIBRATED: tuple[PermutationUnit, ...] = ("type",)
"""Units in which its false-positive rate is known (`hypotest calibrate`); nothing rests on another one."""
LIKE_NEIGHBOURS = 0.02
"""Share of neighbouring pairs with one label, beyond chance, from which runs of labels are mentioned."""
_OVER = {
    "type": "over token types",
    "document_type": "over pairs of document and token type",
    "position": "over single positions within documents",
}


class LabelShuffled(Strict):
    """The group that the same selection finds when labels are shuffled; decides selectivity only."""

    draws: int = Field(default=1999, ge=1, le=10**6, description="number of relabellings")
    unit: PermutationUnit = Field(
        default="type",
        description="what keeps its label together: token types, types within documents, or positions",
    )


class OwnUnitAlone(LabelShuffled):
    """The same without the finer units, which are only shown."""


def variants(options: LabelShuffled) -> tuple[str, ...]:
    """The protocol's unit, then finer ones."""
    units = get_args(PermutationUnit)
    drawn = units[units.index(options.unit) :]
    return drawn[:1] if isinstance(options, OwnUnitAlone) else drawn


def unfit(options: LabelShuffled, protocol: Protocol) -> str:
    """Why labels cannot be shuffled over the unit: some of its members have both."""
    from hypotest.predicates.combine import unit_of
    from hypotest.predicates.units import UNIT_WORDS, constant_within

    exchange = unit_of(*protocol.conditions.values())
    if constant_within(exchange, options.unit):
        return ""
    fitting = next(unit for unit in get_args(PermutationUnit) if constant_within(exchange, unit))
    return (
        f"labels of {' and '.join(protocol.names)} are constant within {UNIT_WORDS[exchange]}, and "
        "shuffling them "
        f"over {UNIT_WORDS[options.unit]} would tear them apart; write `unit: {fitting}`"
    )


def only_describes(options: LabelShuffled, protocol: Protocol) -> str:
    """Why nothing may rest on it: only whole units of the labels' own, calibrated, can decide."""
    from hypotest.predicates.combine import unit_of
    from hypotest.predicates.units import UNIT_WORDS

    exchange = unit_of(*protocol.conditions.values())
    if exchange == options.unit and exchange in CALIBRATED:
        return ""
    own = f"labels of {' and '.join(protocol.names)} are constant within {UNIT_WORDS[exchange]}"
    if exchange in CALIBRATED:
        return (
            f"{own}, and shuffling them over a finer unit ({options.unit}) rejects too often: 0.07 to "
            "0.20 at a "
            f"level of 0.05, in simulations. Write `unit: {exchange}` under nulls.{NULL.name}, or `role: "
            "descriptive`"
        )
    return (
        f"{own}, for which shuffled labels are not calibrated: they describe, and decide nothing. "
        "Contrast with "
        "another null, or write `role: descriptive`"
    )


def evaluations(options: LabelShuffled) -> int:
    """Two groups for every labelling, in all units."""
    return 2 * sum(_draws_by_unit(options).values())


def _draws_by_unit(options: LabelShuffled) -> dict[PermutationUnit, int]:
    """The units that are drawn."""
    from hypotest.testing.relabelled import units_and_draws

    drawn = units_and_draws(options.unit, options.draws)
    return {unit: number for unit, number in drawn.items() if unit in variants(options)}


def prepare(options: LabelShuffled, task: Task) -> Mapping[str, ShuffledGroups]:
    """What the selection finds under shuffled labels, by unit."""
    from hypotest.testing.relabelled import shuffled_groups

    return {
        unit: shuffled_groups(
            task.evidence,
            unit,
            n_draws,
            task.selection,
            task.protocol.group,
            task.streams(NULL.name, unit),
            task.session.start_stage,
        )
        for unit, n_draws in _draws_by_unit(options).items()
    }


def compare(tested: Tested, options: LabelShuffled, groups: Mapping[str, ShuffledGroups], unit: str) -> Rung:
    """The group under shuffled labels; for the protocol's own unit the other arm and the difference, too."""
    import numpy as np

    from hypotest.testing.rung import Rung
    from hypotest.testing.shuffled import compare_shuffled
    from hypotest.testing.undefined import NO_VALUE

    task, descriptive = tested.task, not tested.decided_by_labels
    shuffled = compare_shuffled(
        groups[unit],
        tested.measure,
        task.selection,
        task.evidence.n_neurons,
        task.protocol.group,
        task.streams,
    )
    main, *others = shuffled.arms
    arms = []
    for arm in others if unit == options.unit else ():
        with suppress(*NO_VALUE):  # the other group may have no value; the tested one has
            compared = _among_labels(shuffled, arm, unit, descriptive=True)
            arms.append((replace(compared, beside=True), arm.draws))
    beside: dict[str, float | None] = {}
    selected = task.protocol.group.is_selected  # one that is given has no counterpart
    if selected and unit == options.unit and tested.is_contrast_with(NULL.name):
        with suppress(*NO_VALUE):
            other = np.asarray(task.selection.second)[None, :]
            name = f"{task.evidence.selection.conditions.second}_group"
            beside[name] = float(tested.measure.values(other)[0])
    return Rung(
        _among_labels(shuffled, main, unit, descriptive=descriptive),
        main.draws,
        scale=shuffled.scale,
        noise=shuffled.noise,
        arms=tuple(arms),
        beside=beside,
    )


def _among_labels(shuffled: Shuffled, arm: Arm, unit: str, *, descriptive: bool) -> NullComparison:
    from hypotest.inference.randomization import compare_with_null

    compared = compare_with_null(
        arm.observed,
        arm.draws,
        null=NULL.name,
        variant=unit,
        statistic=arm.statistic,
        log10_relabellings=shuffled.log10_relabellings,
    )
    return replace(compared, descriptive=descriptive)


def distinct(
    options: LabelShuffled, protocol: Protocol, positions: pl.DataFrame, n_neurons: int | None
) -> tuple[float, str]:
    """Different relabellings of the positions."""
    import numpy as np

    from hypotest.inference.relabelling import relabel
    from hypotest.records.evidence.rows import conditions_of

    shuffled = relabel(
        (positions["condition"] == conditions_of(positions).first).to_numpy(),
        positions["document"].to_numpy(),
        positions["target"].to_numpy(),
        options.unit,
        1,
        np.random.default_rng(0),
    )
    return shuffled.log10_distinct, f"relabellings (unit: {options.unit})"


def limits(
    options: LabelShuffled,
    groups: Mapping[str, ShuffledGroups],
    results: Sequence[PredictionResult],
    evidence: Evidence,
    group: GroupResult,
) -> Iterator[str]:
    """Runs of labels."""
    mine = [item for item in results if item.reference == NULL.name]
    if mine:
        yield from runs_of_labels(evidence.evaluation)


def runs_of_labels(split: SplitEvidence) -> Iterator[str]:
    """Positions of one condition that come in runs, which shuffled labels do not keep."""
    import numpy as np

    first = split.first
    same_document = split.documents[1:] == split.documents[:-1]
    if not same_document.any():
        return
    alike = float(np.mean((first[1:] == first[:-1])[same_document]))
    share = first.mean()
    by_chance = float(share**2 + (1 - share) ** 2)
    if alike - by_chance >= LIKE_NEIGHBOURS:
        yield (
            f"Neighbouring sampled positions carry the same label in {alike:.0%} of pairs ({by_chance:.0%} "
            "by chance). Shuffled labels do not keep such runs; where neighbouring positions also have like "
            f"activations, {NULL.name} rejects too often (`hypotest calibrate`, `runs`)."
        )


def _both(protocol: Protocol) -> str:
    return " and ".join(protocol.names)


def _groups(options: LabelShuffled, protocol: Protocol) -> str:
    """What the draws are: the selection is run again, where there is one."""
    if protocol.group.is_selected:
        return f"{options.draws:,} groups that the same selection finds when"
    return f"{options.draws:,} measurements of the same neurons, which are given and not selected, when"


NULL = Null(
    name="label_shuffled",
    form=Form.LABELS,
    options=LabelShuffled,
    summary="the group that the same selection finds when the labels of both conditions are shuffled",
    place=40,
    words=Words(
        question={
            "type": "is it unlike what the same selection finds when {first} is dealt out over token types "
            "at random, so that labels mean nothing? That decides selectivity. For anything else it "
            "describes: if neurons are selective, labels do mean something, and every property that varies "
            "from neuron to neuron can differ, whether or not it has to do with {first} targets.",
            "document_type": "the same, with labels dealt out over pairs of document and token type.",
            "position": "the same, with labels dealt out over single positions within documents; where the "
            "same types return and the labels belong to types, it rejects too often.",
        },
        they="the groups found under shuffled labels",
        explained=lambda null, protocol: (
            f"{_groups(null, protocol)} the labels {_both(protocol)} are shuffled {_OVER[null.unit]}"
        ),
        method=lambda null, protocol: (
            f"{_groups(null, protocol)} the labels {_both(protocol)} are "
            f"permuted {_OVER[null.unit]} (label_shuffled, which decides selectivity alone; measured under "
            "the permuted labels on the evaluation split too wherever its evidence can be relabelled)"
        ),
        registered=lambda null, protocol: (
            f"{null.draws:,} permutations of the labels {_both(protocol)} {_OVER[null.unit]}, "
            + (
                "the selection repeated for each. "
                if protocol.group.is_selected
                else "under each of which the same neurons are measured. "
            )
            + "It decides selectivity alone."
        ),
        short={"type": "type", "document_type": "d-type", "position": "posit."},
        legend="type, d-type, posit.: labels shuffled over types, types within documents, positions",
    ),
    prepare=prepare,
    compare=compare,
    variants=variants,
    alone=lambda options: OwnUnitAlone.model_validate(options.model_dump()),
    of_placebos="For label_shuffled they are nearly a tautology: labels that chance dealt out are compared "
    "with labels that chance dealt out, and passing certifies nothing about a premise that is true.",
    evaluations=evaluations,
    distinct=distinct,
    limits=limits,
    unfit=unfit,
    only_describes=only_describes,
)
