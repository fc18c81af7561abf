"""Effect and p of every prediction against what decides it, and nothing that stands beside them.

No intervals, no nulls that only describe, no outcomes: what placebos and simulations need many times over.
p is only compared with the level, so few draws do: the fewest at which a test is exact at the level, twice
as many for groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hypotest.engine.workers import Values
from hypotest.measures.measure import ConditionMeasure, GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import Declared, declared_null, opponents
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import NullComparison
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.task import Task, Tested
from hypotest.testing.undefined import NO_VALUE

_TIMES = 2
"""Draws of a null of groups, times the fewest at which a test is exact at the level: 79 at 0.05."""


@dataclass(frozen=True, slots=True)
class QuickTest:
    """What one prediction finds."""

    effect: float
    p_value: float | None
    """None where there is none."""
    null: str = ""
    """Id of the comparison that it is of, or of all that count together; empty: it is by t."""
    blocked: bool = False
    """Whether nothing can be concluded."""


def few_draws(protocol: Protocol, form: Form) -> int:
    """So few that a test is exact at the level: (B + 1) level / 2 is whole."""
    fewest = protocol.decision.fewest_draws(1)
    return _TIMES * (fewest + 1) - 1 if form is Form.GROUPS else fewest


def quick_tests(task: Task, *, exact: bool = False) -> dict[str, QuickTest]:
    """Test the predictions of a protocol.

    Args:
        task: Evidence with a selected group; nulls are drawn here.
        exact: Whether p must be that of a run but for the number of draws; else a measure may have a shorter
            way, such as fewer halvings.

    Returns:
        Id of each prediction that has a value -> what it finds.
    """
    prepared: dict[str, _Prepared] = {}
    tests = {}
    for item in task.protocol.predictions:
        try:
            test = _tested(item, task, prepared, exact)
        except NO_VALUE:
            continue
        if test is not None:
            tests[item.id] = test
    return tests


_Prepared = tuple[Declared, object] | None


def _tested(item: Prediction, task: Task, prepared: dict[str, _Prepared], exact: bool) -> QuickTest | None:
    measure = measure_of(item)
    if isinstance(measure, ConditionMeasure):
        return _of_conditions(item, measure, task, exact)
    assert isinstance(measure, GroupMeasure)  # there are no others
    compared = []
    for name in opponents(str(item.contrast.null)):
        if name not in prepared:
            prepared[name] = _prepared(name, task)
        one = _against(item, measure, task, prepared[name])
        if one is None:
            return None
        compared.append(one)
    decisive = max(compared, key=lambda one: one.p_value)  # against all of them, or not at all
    return QuickTest(
        decisive.observed - decisive.mean,
        decisive.p_value,
        " and ".join(one.id for one in compared),
        decisive.blocked is not None,
    )


def _against(item: Prediction, measure: GroupMeasure, task: Task, drawn: _Prepared) -> NullComparison | None:
    if drawn is None:
        return None
    declared, state = drawn
    if declared.null.form is Form.GROUPS and not measure.whole_layer:
        bound = _on_few_neurons(item, measure, task)
    else:
        bound = measure.tied(item, task.evidence, task.session)
    observed = float(bound.values(task.selection.group[None, :])[0])
    if not np.isfinite(observed):
        return None
    tested = Tested(item, bound, observed, task, measure.decided_by_labels)
    variant = declared.null.variants(declared.options)[0]
    return declared.null.compare(tested, declared.options, state, variant).comparison


def _prepared(name: str, task: Task) -> _Prepared:
    """A null with few draws, in its declared variant alone; None where there are none."""
    declared = declared_null(task.protocol, name)
    assert declared is not None  # validation: a contrast refers to declared nulls only
    few = declared.null.drawn_often(declared.options, few_draws(task.protocol, declared.null.form))
    options = declared.null.alone(few)
    try:
        return Declared(declared.null, options), declared.null.prepare(options, task)
    except NO_VALUE:
        return None


def _of_conditions(item: Prediction, measure: ConditionMeasure, task: Task, exact: bool) -> QuickTest | None:
    if measure.quick is not None and (measure.quick_is_exact or not exact):
        return QuickTest(*measure.quick(item, task))
    compared = measure.compare(item, task)
    if compared.observed is None or compared.reference_value is None:
        return None
    effect = compared.observed - compared.reference_value
    p_value = None if exact and compared.interval is None else compared.p_value  # labels permuted, not t
    return QuickTest(effect, p_value, blocked=compared.blocked is not None)


def _on_few_neurons(item: Prediction, measure: GroupMeasure, task: Task) -> BoundMeasure:
    """The measure tied to the neurons of the groups asked for, and what it needs of them, alone.

    They are a small part of the layer; where they are not, the whole layer is shared by all that ask.
    """
    evidence = task.evidence
    needed = replace(
        evidence,
        selection=_channels(evidence.selection, measure.needs),
        evaluation=_channels(evidence.evaluation, measure.needs),
        decomposition=None,
    )
    whole: list[Callable[[IntArray], Values]] = []

    def values(groups: IntArray) -> Values:
        used, places = np.unique(groups, return_inverse=True)
        if used.size > evidence.n_neurons / 2:
            if not whole:
                whole.append(measure.tied(item, evidence, task.session).values)
            return whole[0](groups)
        part = measure.tied(item, needed.of_neurons(used), task.session)
        return part.values(places.reshape(groups.shape))

    return BoundMeasure(values=values)


def _channels(split: SplitEvidence, needs: frozenset[Channel]) -> SplitEvidence:
    channels = {name: array for name, array in split.channels.items() if name in needs}
    return replace(split, channels=channels, heads=split.heads if Channel.HEADS in needs else None)
