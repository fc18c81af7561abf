"""The selection of the group run again on half of the rows, and the controls of each group that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.progress import silent
from hypotest.errors import EvidenceError
from hypotest.groups.nulls import influences_under, labelled_sums
from hypotest.inference.half_samples import half_samples
from hypotest.inference.left_out import LEFT_OUT, LeftOut, leave_out, of_both
from hypotest.nulls.form import Form
from hypotest.nulls.registry import Declared, declared, reference_of
from hypotest.records.evidence.rows import effective_of
from hypotest.records.protocol.group import INFLUENCE
from hypotest.records.protocol.prediction import Prediction
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.ranking import arms_under, basis
from hypotest.testing.selection import groups_of
from hypotest.testing.task import Missing, Task, Tested
from hypotest.testing.undefined import NO_VALUE, Undefined, why

CONTROLS = 20
"""Groups of a null for each selection; the luck of their mean is taken off."""

Groups = list[NDArray[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class TypesLeftOut:
    """Target types of one condition, in the groups in which they are left out of both splits."""

    types: NDArray[np.int64]
    """Ascending, shape (n_types,)."""
    group: NDArray[np.int64]
    """Of each, 0 to G - 1."""
    n_groups: int
    """G."""


@dataclass(frozen=True, slots=True, eq=False)
class Reselected:
    """What the selection finds on half of its rows."""

    halves: tuple[LeftOut, ...]
    """Of the selection split: documents, types by condition or of both, cells like types."""
    types: tuple[TypesLeftOut, ...]
    """Of both splits, by condition; one where types belong to both conditions."""
    groups: tuple[Groups, ...]
    """For each of `halves`, on every half-sample, neurons ascending."""
    controls: Mapping[str, tuple[Groups, ...]] = field(default_factory=dict)
    """Null -> its groups for each of these, shape (n_draws, k)."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Null -> why it has none for some of them."""
    reason: str = ""
    """Why the selection cannot be run again."""

    @property
    def places(self) -> tuple[int, ...]:
        """In `halves`: of types."""
        return tuple(range(1, 1 + len(self.types)))

    @property
    def n_selections(self) -> int:
        """Times that the selection was run again."""
        return sum(map(len, self.groups))


def reselect(task: Task) -> Reselected:
    """Run the selection again on half of the documents, types and cells; draw the controls of what it finds.

    Args:
        task: Evidence with a selected group, and the protocol whose predictions name the nulls.
    """
    split, other = task.evidence.selection, task.evidence.evaluation
    rng = task.streams("rows left out of the selection")
    n_rows = split.documents.size
    types = np.concatenate([split.targets, other.targets])
    both = np.concatenate([split.second, other.second])
    try:
        documents = leave_out(split.documents, LEFT_OUT, rng)
        documents = replace(documents, number=effective_of(split.documents, split.first))
        sides = [np.ones_like(both)] if of_both(types, both) else [~both, both]
        if not split.samples_types:
            sides = []
        of_types = [leave_out(types, LEFT_OUT, rng, side) for side in sides]
        pairs = split.documents.astype(np.int64) * (int(types.max()) + 1) + split.targets
        cells = [leave_out(pairs, LEFT_OUT, rng, side[:n_rows]) for side in sides]
        in_selection = [replace(item, units=item.units[:n_rows]) for item in of_types]
        halves = tuple(half_samples(item, rng) for item in (documents, *in_selection, *cells))
        groups = tuple(_selected(task, item) for item in halves)
    except (ValueError, EvidenceError) as error:
        return Reselected((), (), (), reason=f"the selection cannot be run on half of its rows: {error}")
    joint = []
    for side, item in zip(sides, of_types, strict=True):
        known, first = np.unique(types[side], return_index=True)
        joint.append(TypesLeftOut(known, item.units[side][first], len(item.weights)))
    controls, missing = {}, {}
    asked = {one.contrast.null: one for one in reversed(task.protocol.predictions)}
    for null in declared(task.protocol, Form.GROUPS):
        if null.name in asked and not isinstance(task.drawn.get(null.name), Missing):
            try:
                controls[null.name] = tuple(_controls(task, null, asked[null.name], halves, groups))
            except NO_VALUE as error:
                missing[null.name] = why(error)
    return Reselected(halves, tuple(joint), groups, controls, missing)


def _selected(task: Task, item: LeftOut) -> Groups:
    """The group on each half-sample; documents stay in the half in which neurons are ranked or read."""
    split, rule = task.evidence.selection, task.protocol.group
    if rule.by != INFLUENCE:
        return _selected_by_both(task, item)
    rows = split.first
    sums = labelled_sums(split.delta_loss[rows], item.units[rows], task.selection.half[rows])
    labels = item.weights[:, : sums.counts.shape[1]].astype(bool)
    return [np.sort(group) for group in groups_of(influences_under(labels, sums), rule)]


def _selected_by_both(task: Task, item: LeftOut) -> Groups:
    """The same where the ranking reads both conditions; each keeps what is left of its own units."""
    split, rule = task.evidence.selection, task.protocol.group
    n_units = item.weights.shape[1]
    kept = item.weights.astype(bool)
    none = np.zeros_like(kept)
    units = item.units + n_units * split.second
    first, second = (np.hstack(side)[:, : units.max() + 1] for side in ([kept, none], [none, kept]))
    arms = arms_under(first, second, basis(split, units, rule.by))
    return [np.sort(group) for own, _ in arms for group in groups_of(own, rule)]


def _controls(
    task: Task, item: Declared, asked: Prediction, halves: Sequence[LeftOut], groups: Sequence[Groups]
) -> Iterator[Groups]:
    """Groups of a null for every selection, by the null's own way of drawing, on the rows that are left."""
    split, options = task.evidence.selection, item.null.drawn_often(item.options, CONTROLS)
    variant = reference_of(task.protocol, asked.contrast)[1]
    nothing = BoundMeasure(values=lambda drawn: np.zeros(len(drawn)))  # only the groups are wanted
    step = task.session.pieces(f"{item.name}: groups selected again", sum(map(len, groups)))
    quiet = task.session.telling(silent)
    for one, of_half in zip(halves, groups, strict=True):
        drawn = []
        for weights, group in zip(one.weights, of_half, strict=True):
            keep = weights[one.units] > 0
            evidence = replace(task.evidence, selection=split.of_rows(keep))
            selection = replace(task.selection, group=group, half=task.selection.half[keep])
            again = replace(task, evidence=evidence, selection=selection, session=quiet)
            state = item.null.prepare(options, again)
            rung = item.null.compare(Tested(asked, nothing, 0.0, again, False), options, state, variant)
            if rung.groups is None:
                raise Undefined(f"the null {item.name} tells no groups, so that none can be drawn again")
            drawn.append(np.asarray(rung.groups, dtype=np.int64))
            step()
        yield drawn
