"""Group measures against the ladder of nulls."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.workers import Values
from hypotest.ladder.against_nulls import compare_with_nulls
from hypotest.ladder.errors import Errors, errors_of
from hypotest.ladder.reselection import recorded, reselection_errors
from hypotest.nulls.form import Form
from hypotest.nulls.registry import SD_NULL, form_of, opponents, reference_of
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.results.prediction_result import OwnIntervals
from hypotest.testing.contrast import MeasuredContrast
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.intervals import ends, secondary
from hypotest.testing.task import Task, Tested
from hypotest.testing.undefined import NO_VALUE, Undefined, defined, why, without_outcome

TRIED = 20
"""Random groups in which a measure is tried out."""


def compare_group(
    prediction: Prediction, measure: BoundMeasure, task: Task, *, decided_by_labels: bool
) -> MeasuredContrast:
    """Measure the group, measure every null of the protocol, and compare with the deciding one.

    Args:
        prediction: What is asked.
        measure: Its measure, tied to the evidence.
        task: The group, and what it is compared with.
        decided_by_labels: Whether shuffled labels can decide this measure.

    Raises:
        Undefined: If the measure is undefined for the group.
    """
    observed = group_value(measure, task.selection.group)
    tested = Tested(prediction, measure, observed, task, decided_by_labels)
    rungs, missing = compare_with_nulls(tested)
    reference, variant = reference_of(task.protocol, prediction.contrast)
    names = (f"{reference} ({variant})",) if variant else opponents(reference)
    absent = [name for name in names if name not in rungs]
    if absent:
        why_not = missing.get(absent[0], missing.get(reference, "it has no draws here"))
        reason = f"the null {absent[0]} is undefined: {why_not}"
        ladder = tuple(rung.comparison for rung in rungs.values())
        undefined = without_outcome(reference, reason, variant=variant, observed=observed, ladder=ladder)
        return replace(undefined, draws={key: rung.draws for key, rung in rungs.items()})
    name = max(names, key=lambda item: rungs[item].comparison.p_value)  # against all of them, or not at all
    decisive = rungs[name]
    try:
        over = errors_of(tested, decisive)
    except NO_VALUE as error:
        over = Errors(reason=f"no interval: {why(error)}")
    again = None
    if task.reselected is not None:
        try:
            selected_again = reselection_errors(tested, decisive, over)
        except NO_VALUE as error:
            selected_again = Errors(reason=f"no interval: {why(error)}")
        again = recorded(task, selected_again)
        if measure.of_weights:
            over = selected_again
    notes = (over.reason,) if over.reason else ()
    notes = (*notes, *dict.fromkeys(note for rung in rungs.values() for note in rung.notes))
    notes = (*notes, *(f"the null {key} is undefined: {reason}" for key, reason in missing.items()))
    beside: dict[str, float | None] = {}
    with suppress(*NO_VALUE):  # they stand beside the test, which does not need them
        beside = {**beside, **measure.secondary(tested.group)}
    for rung in rungs.values():
        beside = {**beside, **rung.beside}
    beside = {**beside, **over.effective}
    compared = decisive.comparison
    level = task.protocol.decision.level
    return MeasuredContrast(
        observed=compared.observed,
        reference=compared.null,
        variant=variant,
        reference_value=compared.mean,
        reference_sd=compared.sd,
        standardized=compared.z,
        p_value=compared.p_value,
        p_error=compared.p_error,
        percentile=compared.percentile,
        interval=over.interval(1 - 2 * level),
        interval_95=over.interval(0.95),
        sd_draws=rungs[SD_NULL].draws if SD_NULL in rungs else None,
        deciding_draws=decisive.draws,
        exchanged=1.0 if name == SD_NULL else decisive.exchanged(tested.group, task.evidence.n_neurons),
        blocked=compared.blocked,
        own_intervals=OwnIntervals(observed=ends(over.own)),
        secondary=secondary(beside),
        ladder=(compared, *(rung.comparison for key, rung in rungs.items() if key != name)),
        arms=tuple(arm for rung in rungs.values() for arm, _ in rung.arms),
        draws={
            **{key: rung.draws for key, rung in rungs.items()},
            **{arm.key: draws for rung in rungs.values() for arm, draws in rung.arms},
        },
        notes=notes,
        reselection=again,
        communities=_communities(tested),
    )


def _communities(tested: Tested) -> tuple[tuple[int, ...], ...]:
    """Neurons of each community of the group, as numbers in the layer."""
    find = tested.measure.communities
    if find is None:
        return ()
    try:
        membership = np.asarray(find(tested.group))
    except NO_VALUE:
        return ()
    numbers = tested.task.evidence.layer_numbers(tested.group)
    return tuple(tuple(numbers[membership == place].tolist()) for place in np.unique(membership))


def try_group(prediction: Prediction, measure: BoundMeasure, task: Task) -> None:
    """Measure the group, and a few others of those that decide.

    Raises:
        Undefined: If there is no value.
    """
    group_value(measure, task.selection.group)
    form = form_of(prediction.contrast)
    if form is Form.LABELS and not _any_value(measure.values(task.selection.second[None, :])):
        raise Undefined("the group selected on the other condition has no value to compare with")
    if form is Form.GROUPS and not _any_value(measure.values(task.random_groups(TRIED))):
        raise Undefined(f"none of {TRIED} random groups of its size has a value")


def _any_value(values: Values) -> bool:
    return bool(np.isfinite(values).any())


def group_value(measure: BoundMeasure, group: NDArray[np.int64]) -> float:
    """T(G).

    Raises:
        Undefined: If the measure is undefined for the group.
    """
    return defined(
        float(measure.values(group[None, :])[0]),
        f"it has no value for this group of {len(group)} neurons (no variation, or too few of them); a "
        "larger group may have one",
    )
