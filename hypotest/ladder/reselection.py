"""How an effect varies if the group is selected again: what another study of the same network would find.

Errors of a fixed group say what more text would do to *these* neurons. Another study has other documents and
types to select on, finds another group, and its controls are those of that group. Here the whole selection
runs again on half of its documents, types or cells (`hypotest.inference.half_samples` says why half), so that
the group and the mean of its controls move, and the variance is put together as for a fixed group
(`hypotest.inference.crossed`) from

    documents   V of the selection's documents + V of those that the group is measured on: different documents
    types       of both splits at once: selected on half of them, measured on the same half
    cells       as documents

What selects and what measures are other documents but the same types: where a neuron has a liking for types
that happen to be there, the group that they select shows it, and added up apart the two were up to twice too
large in simulation. A null has few draws for each selection, and their luck is taken off.

Groups of neighbours and of like covariates are drawn anew for each selection, random groups only where its
size changes, and the mean under shuffled labels is held fixed. Which head is a group's top head is read from
all documents of the selection split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hypotest.engine.workers import Values
from hypotest.inference.crossed import Component, Variances
from hypotest.inference.half_samples import half_sample_variance
from hypotest.ladder.errors import Errors
from hypotest.ladder.selected_again import Groups, Reselected
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.protocol.design import MINIMUM_UNITS
from hypotest.records.results.reselection import Reselection
from hypotest.testing.contrast import MeasuredContrast
from hypotest.testing.group_measure import BoundMeasure, rows_by_size
from hypotest.testing.intervals import UNDEFINED, all_defined
from hypotest.testing.rung import Rung
from hypotest.testing.task import Task, Tested
from hypotest.testing.undefined import NO_VALUE, why


def reselection_errors(tested: Tested, decisive: Rung, over: Errors) -> Errors:
    """The errors of the effect if the group is selected again.

    Args:
        tested: The measure of the group.
        decisive: The group among the draws of the null that decides.
        over: Errors of the same effect for the group as it is; not looked at for measures of weights.
    """
    again, measure, name = tested.task.reselected, tested.measure, decisive.comparison.null
    assert isinstance(again, Reselected)  # asked of protocols that have it
    if again.reason:
        return Errors(reason=again.reason)
    fixed = Variances(Component(0.0, np.inf), ()) if measure.of_weights else over.variances
    if fixed is None:
        return Errors(reason=over.reason)
    if reason := too_few(again):
        return Errors(reason=reason)
    if name not in again.controls and decisive.scale is None:
        reason = f"the null {name} has no groups in this network to select again"
        return Errors(reason=again.missing.get(name, reason))
    drawn = again.controls.get(name, [None] * len(again.groups))
    on_types = [_on_half_of_types(tested, decisive, again, place, drawn[place]) for place in again.places]
    others = [place for place in range(len(again.groups)) if place not in again.places]
    on_rows = [_on_all(tested, decisive, again.groups[place], drawn[place]) for place in others]
    changes = [on_rows[0], *on_types, *on_rows[1:]]
    if not all_defined(*(change.values for change in changes)):
        return Errors(reason=UNDEFINED)
    compared = decisive.comparison
    return Errors(
        centre=compared.observed - compared.mean,
        variances=together(again, changes, fixed),
        noise=over.noise if not measure.of_weights else compared.sd**2 / compared.n_draws,
    )


@dataclass(frozen=True, slots=True, eq=False)
class EffectsOnHalves:
    """An effect for the groups that are found on half-samples of one factor."""

    values: Values
    """Shape (R,)."""
    noise: float = 0.0
    """Variance of each value that is the luck of few draws."""


def together(again: Reselected, changes: Sequence[EffectsOnHalves], fixed: Variances) -> Variances:
    """Variances over both splits.

    Args:
        again: What was halved.
        changes: On halves of documents, of types by condition or of both, of cells likewise.
        fixed: Of the group as it is.
    """
    over = [half_sample_variance(change.values, change.noise) for change in changes]
    documents = again.halves[0].effective
    return Variances(
        Component(over[0] + fixed.documents.variance, min(documents, fixed.documents.units)),
        tuple(Component(over[place], again.halves[place].effective) for place in again.places),
        sum(over[1 + len(again.places) :]) + fixed.cells,
        shared=len(again.places) == 1,
    )


def _on_all(tested: Tested, decisive: Rung, groups: Groups, drawn: Groups | None) -> EffectsOnHalves:
    """Of the groups of one factor, measured on all rows."""
    own = _values(tested.measure, groups)
    if drawn is None:
        return _scaled(own, decisive, groups)
    rows = [row for controls in drawn for row in controls]
    return _against(own, _values(tested.measure, rows).reshape(len(groups), -1))


def _on_half_of_types(
    tested: Tested, decisive: Rung, again: Reselected, place: int, drawn: Groups | None
) -> EffectsOnHalves:
    """Of the groups found on halves of one condition's types, or of all, measured on the same halves."""
    measure, rows, groups = tested.measure, tested.measure.rows, again.groups[place]
    halves, joint = again.halves[place].weights, again.types[place - 1]
    if measure.resamples is None or rows is None or rows.types is None:
        return _on_all(tested, decisive, groups, drawn)
    second = np.zeros(len(rows.documents), dtype=bool) if rows.second is None else np.asarray(rows.second)
    mine = np.ones_like(second) if len(again.types) == 1 else second == (place == 2)
    if not mine.any():  # the measure reads the other condition alone
        return _on_all(tested, decisive, groups, drawn)
    units = np.full(mine.size, joint.n_groups)
    units[mine] = joint.group[np.searchsorted(joint.types, np.asarray(rows.types)[mine])]
    present, units = np.unique(units, return_inverse=True)
    weights, resamples = halves[:, present], measure.resamples
    own = np.array(
        [
            float(resamples(group[None, :], units, row[None, :])[0, 0])
            for group, row in zip(groups, weights, strict=True)
        ]
    )
    if drawn is None:
        return _scaled(own, decisive, groups)
    if all(np.array_equal(controls, drawn[0]) for controls in drawn):
        return _against(own, resamples(drawn[0], units, weights).T)
    of_controls = [
        resamples(controls, units, row[None, :])[:, 0] for controls, row in zip(drawn, weights, strict=True)
    ]
    return _against(own, np.stack(of_controls))


def _scaled(own: Values, decisive: Rung, groups: Groups) -> EffectsOnHalves:
    """On the scale of the draws of a null without groups in this network."""
    scale = decisive.scale
    assert scale is not None
    pairs = zip(own, groups, strict=True)
    return EffectsOnHalves(
        np.array([float(scale(np.array([value]), len(group))[0]) for value, group in pairs])
    )


def _against(own: Values, of_controls: Values) -> EffectsOnHalves:
    """Less the mean of the controls of each, shape (R, n_draws); draws undefined for one are left out."""
    known = np.isfinite(of_controls).all(axis=0)
    if np.count_nonzero(known) < 2:
        return EffectsOnHalves(np.full(len(own), np.nan))
    of_controls = of_controls[:, known]
    # what the draws of one number have in common is no luck of the differences between selections
    apart = of_controls - of_controls.mean(axis=0)
    noise = float(apart.var(axis=1, ddof=1).mean()) / apart.shape[1]
    return EffectsOnHalves(own - of_controls.mean(axis=1), noise)


def _values(measure: BoundMeasure, groups: Sequence[IntArray]) -> Values:
    """Values of groups of unlike sizes; of equal groups a single one."""
    values = np.empty(len(groups))
    for rows in rows_by_size(groups, len(groups)):
        batch = np.stack([np.sort(groups[row]) for row in rows])
        different, places = np.unique(batch, axis=0, return_inverse=True)
        values[rows] = measure.values(different)[places.ravel()]
    return values


def with_effects_again(
    compared: MeasuredContrast, effect: Callable[[IntArray], float], task: Task
) -> MeasuredContrast:
    """The same for a measure that is compared in a way of its own.

    Args:
        compared: With the interval of its group over documents.
        effect: Of a group.
        task: The selections.
    """
    try:
        errors = _effects_again(compared, effect, task)
    except NO_VALUE as error:
        errors = Errors(reason=f"no interval: {why(error)}")
    return replace(compared, reselection=recorded(task, errors))


def _effects_again(compared: MeasuredContrast, effect: Callable[[IntArray], float], task: Task) -> Errors:
    again, interval = task.reselected, compared.interval_95
    assert isinstance(again, Reselected)  # asked of protocols that have it
    if again.reason or interval is None:
        return Errors(reason=again.reason or "there is none of the group as it is")
    if reason := too_few(again):
        return Errors(reason=reason)
    changes = [EffectsOnHalves(np.array([effect(group) for group in groups])) for groups in again.groups]
    if not all_defined(*(change.values for change in changes)):
        return Errors(reason=UNDEFINED)
    over_documents = Component(interval.standard_error**2, interval.degrees_of_freedom + 1.0)
    return Errors(
        centre=(interval.low + interval.high) / 2,
        variances=together(again, changes, Variances(over_documents, ())),
    )


def too_few(again: Reselected) -> str:
    """Why the selection split says too little; empty where it says enough."""
    documents = again.halves[0].effective
    if documents >= MINIMUM_UNITS - 1e-9:
        return ""
    return (
        f"the selection split has effectively only {documents:.0f} documents, and errors of selecting again "
        f"need {MINIMUM_UNITS}; more text may help"
    )


def recorded(task: Task, errors: Errors) -> Reselection:
    """What of it goes into the results."""
    again = task.reselected
    assert isinstance(again, Reselected)
    members = set(task.selection.group.tolist())
    runs = [group for groups in again.groups for group in groups]
    sizes = [len(group) for group in runs]
    interval, variances = errors.interval(0.95), errors.variances
    return Reselection(
        standard_error=None if interval is None else interval.standard_error,
        degrees_of_freedom=None if interval is None else interval.degrees_of_freedom,
        interval_95=None if interval is None else (interval.low, interval.high),
        over_documents=None if variances is None else variances.documents.variance,
        over_types=None if variances is None else variances.over_types,
        over_cells=None if variances is None else variances.cells,
        n_selections=again.n_selections,
        kept=float(np.mean([len(members.intersection(group.tolist())) for group in runs]) / len(members))
        if runs
        else None,
        sizes=(min(sizes), max(sizes)) if sizes else None,
        reason=errors.reason,
    )
