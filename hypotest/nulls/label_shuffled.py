"""The null of labels that mean nothing: is the group unlike what selection finds when they are shuffled?

It decides selectivity, the premise, alone. Of any other measure it is false as soon as the premise is true,
whatever that measure has to do with the conditions: see `hypotest.testing.shuffled.compare_shuffled`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from hypotest.nulls.form import Form
from hypotest.nulls.null import Null, NullWords
from hypotest.predicates.combine import exchange_of
from hypotest.predicates.units import EXCHANGES, instead_of
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.design import Unit
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    import polars as pl

    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.protocol import Protocol
    from hypotest.records.results.group_result import GroupResult
    from hypotest.records.results.prediction_result import NullComparison, PredictionResult
    from hypotest.testing.relabelled import ShuffledGroups
    from hypotest.testing.rung import Rung
    from hypotest.testing.shuffled import Arm, Shuffled
    from hypotest.testing.task import Task, Tested


class LabelShuffled(Strict):
    """The group that the same selection finds when labels are shuffled; decides selectivity only."""

    draws: int = Field(default=1999, ge=1, le=10**6, description="number of relabellings")
    unit: Unit | None = Field(
        default=None,
        description="over what labels are shuffled; what the conditions ask for if not given, and a finer "
        "unit only describes",
    )


class OwnUnitAlone(LabelShuffled):
    """The same without the finer units, which are only shown."""


def resolved(options: LabelShuffled, protocol: Protocol) -> LabelShuffled:
    """The same with the conditions' own unit where none is declared."""
    return options if options.unit else options.model_copy(update={"unit": exchange_of(protocol)})


def variants(options: LabelShuffled) -> tuple[str, ...]:
    """The unit, then finer ones."""
    unit = _unit(options)
    return (unit,) if isinstance(options, OwnUnitAlone) else (unit, *EXCHANGES[unit].finer)


def unfit(options: LabelShuffled, protocol: Protocol) -> str:
    """Why labels cannot be shuffled over the unit: some of its members have both."""
    unit, own = _unit(options), exchange_of(protocol)
    known = (own, *EXCHANGES[own].instead, *EXCHANGES[own].finer)
    if unit in known:
        return ""
    return (
        f"labels of {_both(protocol)} are shuffled {EXCHANGES[own].over}, and {EXCHANGES[unit].over} they "
        "would be torn apart, or have nothing to change places with; "
        f"found {unit}: leave `unit` out, or take one of {', '.join(known)}"
    )


def only_describes(options: LabelShuffled, protocol: Protocol) -> str:
    """Why nothing may rest on it: only whole units of the labels' own, calibrated, can decide."""
    unit, own = _unit(options), exchange_of(protocol)
    if EXCHANGES[own].calibrated:
        if unit == own or unit in EXCHANGES[own].instead:
            return ""
        return (
            f"labels of {_both(protocol)} belong together in {EXCHANGES[own].words}, and shuffling them over "
            f"a finer unit ({unit}) rejects too often: 0.07 to 0.50 at a level of 0.05, in simulations. "
            f"Leave `unit` out under nulls.{NULL.name}, or write `role: descriptive`"
        )
    return (
        f"labels of {_both(protocol)} are told apart by {EXCHANGES[own].words} only, for which shuffled "
        "labels are not calibrated: they describe, and decide nothing. Contrast with another null, let both "
        "conditions differ in one thing, or write `role: descriptive`"
    )


def _over(options: LabelShuffled) -> str:
    return EXCHANGES[_unit(options)].over


def _unit(options: LabelShuffled) -> Unit:
    assert options.unit is not None  # `resolved`: whoever reads a protocol's nulls reads them so
    return options.unit


def evaluations(options: LabelShuffled) -> int:
    """Two groups for every labelling, in all units."""
    return 2 * sum(_draws_by_unit(options).values())


def _draws_by_unit(options: LabelShuffled) -> dict[Unit, int]:
    """The units that are drawn."""
    from hypotest.testing.relabelled import units_and_draws

    drawn = units_and_draws(_unit(options), options.draws)
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
    """Different relabellings of the positions.

    Raises:
        EvidenceError: If a unit, such as a cluster of examples, has both labels.
    """
    import numpy as np

    from hypotest.errors import EvidenceError
    from hypotest.records.evidence.rows import conditions_of
    from hypotest.testing.relabelled import shuffled_labels

    first = (positions["condition"] == conditions_of(positions).first).to_numpy()
    try:
        shuffled = shuffled_labels(positions, first, _unit(options), 1, np.random.default_rng(0))
    except ValueError as error:
        remedy = instead_of(_unit(options), of_examples=protocol.examples is not None)
        raise EvidenceError(f"nulls.{NULL.name}: {error}{remedy}") from None
    return shuffled.log10_distinct, f"relabellings ({_over(options)})"


def limits(
    options: LabelShuffled,
    groups: Mapping[str, ShuffledGroups],
    results: Sequence[PredictionResult],
    evidence: Evidence,
    group: GroupResult,
) -> Iterator[str]:
    """Runs of labels, and labels that follow types, where they are not shuffled so."""
    if any(item.reference == NULL.name for item in results):
        from hypotest.testing.labels import limits_of_labels

        yield from limits_of_labels(evidence.evaluation, _unit(options))


_SAID = ("type", "document_type", "position")
_SHORT = {"document_type": "d-type", "position": "posit.", "within_type": "in type"}


def _question(over: str) -> str:
    return (
        f"is it unlike what the same selection finds when {{first}} is dealt out {over} at random, so that "
        "labels mean nothing? That decides selectivity; anything else it describes."
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
    words=NullWords(
        question={
            "type": "is it unlike what the same selection finds when {first} is dealt out over token types "
            "at random, so that labels mean nothing? That decides selectivity. For anything else it "
            "describes: if neurons are selective, labels do mean something, and every property that varies "
            "from neuron to neuron can differ, whether or not it has to do with {first} targets.",
            **{unit: _question(item.over) for unit, item in EXCHANGES.items() if unit not in _SAID},
            "document_type": "as label_shuffled (type), but with labels dealt out over pairs of document and "
            "token type.",
            "position": "as label_shuffled (type), but with labels dealt out over single positions within "
            "documents; where the same types return and the labels belong to types, it rejects too often.",
        },
        they="the groups found under shuffled labels",
        explained=lambda null, protocol: (
            f"{_groups(null, protocol)} the labels {_both(protocol)} are shuffled {_over(null)}"
        ),
        method=lambda null, protocol: (
            f"{_groups(null, protocol)} the labels {_both(protocol)} are "
            f"permuted {_over(null)} (label_shuffled, which decides selectivity alone; measured under "
            "the permuted labels on the evaluation split too wherever its evidence can be relabelled)"
        ),
        registered=lambda null, protocol: (
            f"{null.draws:,} permutations of the labels {_both(protocol)} {_over(null)}, "
            + (
                "the selection repeated for each. "
                if protocol.group.is_selected
                else "under each of which the same neurons are measured. "
            )
            + "It decides selectivity alone."
        ),
        short={unit: _SHORT.get(unit, unit) for unit in EXCHANGES},
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
    resolved=resolved,
    unfit=unfit,
    only_describes=only_describes,
    needs=frozenset({Channel.INFLUENCE}),
)
