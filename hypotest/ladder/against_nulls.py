"""The ladder of nulls: one measure of the group against every opponent that the protocol declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hypotest.errors import RunError
from hypotest.ladder.selected_again import reselect
from hypotest.nulls.form import Form
from hypotest.nulls.registry import Declared, declared
from hypotest.records.results.group_result import GroupResult
from hypotest.testing.rung import Rung
from hypotest.testing.task import Missing, Task, Tested
from hypotest.testing.undefined import NO_VALUE, Undefined, why


def prepare(task: Task, *forms: Form) -> Task:
    """The task with what every measure shares of the declared nulls, such as groups drawn.

    Args:
        task: Evidence with a selected group.
        *forms: Of these forms only, if they are named.
    """
    drawn: dict[str, Any] = {}
    for item in declared(task.protocol, *forms):
        try:
            drawn[item.name] = item.null.prepare(item.options, task)
        except Undefined as error:
            drawn[item.name] = Missing(str(error))
        except (ValueError, ArithmeticError) as error:  # the whole layer, or covariates that are not finite
            drawn[item.name] = Missing(f"no groups match it: {error}")
    prepared = replace(task, drawn=drawn)
    if not task.protocol.reselects:
        return prepared
    return replace(prepared, reselected=reselect(prepared))


def is_drawn(task: Task, item: Declared) -> bool:
    """Whether this evidence has draws of a null."""
    return item.name in task.drawn and not isinstance(task.drawn[item.name], Missing)


def describe_group(task: Task, result: GroupResult) -> GroupResult:
    """The group's record with how alike the draws of each null are to it."""
    for item in declared(task.protocol):
        if is_drawn(task, item):
            result = item.null.describe(task.drawn[item.name], result)
    return result


def _check(rung: Rung, item: Declared, variant: str, tested: Tested) -> None:
    """Check what a null gives, which packages may bring.

    Raises:
        RunError: If it is not what it should be.
    """
    name, compared = item.name, rung.comparison
    if (compared.null, compared.variant) != (name, variant):
        raise RunError(f"null {name!r} must name itself in what it compares; found {compared.id!r}")
    if compared.planned_draws is None and item.null.form is Form.GROUPS and len(rung.draws) != item.n_draws:
        raise RunError(f"null {name!r} must give {item.n_draws:,} draws; found {len(rung.draws):,}")
    if rung.groups is None:
        return
    groups, size = np.asarray(rung.groups), tested.group.size
    if groups.shape != (len(rung.draws), size):
        raise RunError(
            f"null {name!r} must draw groups of {size} neurons, an array of shape {(len(rung.draws), size)}; "
            f"found shape {groups.shape}"
        )
    ordered = np.sort(groups, axis=1)
    if (np.diff(ordered, axis=1) == 0).any():
        raise RunError(f"null {name!r} must draw different neurons; found a group that has one twice")
    if ordered.min() < 0 or ordered.max() >= tested.task.evidence.n_neurons:
        raise RunError(
            f"null {name!r} must draw columns of the evidence, 0 to {tested.task.evidence.n_neurons - 1}; "
            f"found {ordered.min()} to {ordered.max()}"
        )


def compare_with_nulls(tested: Tested) -> tuple[dict[str, Rung], Mapping[str, str]]:
    """Compare the group with every declared null that makes sense for its measure.

    Returns:
        Rungs by the id of the comparison, in the order of the ladder; and by id, why a null has no value.
    """
    rungs: dict[str, Rung] = {}
    missing = {}
    for item in declared(tested.task.protocol):
        state = tested.task.drawn.get(item.name)
        if isinstance(state, Missing):
            missing[item.name] = state.reason
            continue
        if not item.null.applies(tested):
            continue
        for variant in item.null.variants(item.options):
            try:
                rung = item.null.compare(tested, item.options, state, variant)
                _check(rung, item, variant, tested)
                rungs[rung.comparison.id] = rung
            except NO_VALUE as error:
                missing[f"{item.name} ({variant})" if variant else item.name] = why(error)
    return rungs, missing
