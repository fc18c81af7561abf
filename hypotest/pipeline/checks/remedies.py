"""What would give a plan enough distinct draws: changes that were tried on the text at hand, not guesses.

Every remedy is a changed plan that is valid, whose positions were drawn from this text as its run would draw
them, and whose nulls then have the draws that their level needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from typing import Protocol as Shape

import polars as pl
from pydantic import ValidationError

from hypotest.corpora.sampling import SampledPositions
from hypotest.errors import CorpusError
from hypotest.ladder.distinct import Distinct, count_distinct
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, declared_null, names_of
from hypotest.pipeline.texts.rows import TextRows
from hypotest.predicates.variations import differences, wider
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import canonical, check_protocol

_KINDS = 4
"""Of other definitions, at most: the finest changes come before more positions, the others behind."""
_MORE = (2, 4, 8)
"""Times as many positions."""

Changes = tuple[tuple[str, Any], ...]
"""Dotted keys of a protocol, predictions by their id, and new values."""


class Drawn(Shape):
    """A text and the positions drawn from it; see `hypotest.pipeline.texts.positions.FoundPositions`."""

    @property
    def text(self) -> TextRows:
        """The text."""

    @property
    def sampled(self) -> SampledPositions:
        """The positions."""

    @property
    def documents(self) -> tuple[str, ...]:
        """Hash of each document."""

    @property
    def kept_out(self) -> tuple[str, ...]:
        """Hashes of those that are kept out of the evaluation split."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of a plan, with which it has enough distinct draws."""

    changes: Changes
    """Dotted keys of the protocol, predictions by their id, and their new values."""
    plan: Protocol
    """The changed plan."""
    words: str
    """What to write, and what it gives."""


@dataclass(frozen=True, slots=True)
class _Case:
    protocol: Protocol
    drawn: Drawn
    n_neurons: int | None
    short: Distinct


def find_remedies(protocol: Protocol, drawn: Drawn, n_neurons: int | None, short: Distinct) -> list[Remedy]:
    """Look for changes that work, one of each kind: the smallest.

    Args:
        protocol: A valid protocol.
        drawn: Its text and positions.
        n_neurons: Neurons in the layer; None if they are not known.
        short: The null that has too few distinct draws.
    """
    of_labels = NULLS[short.null].form is Form.LABELS
    fine, *coarse = (partial(_definitions, kind=kind) for kind in range(_KINDS))
    kinds: tuple[Callable[[_Case], Iterator[Changes]], ...] = (
        (fine, _more_positions, *coarse) if of_labels else (_larger_groups,)
    )
    case, remedies = _Case(protocol, drawn, n_neurons, short), []
    for kind in (*kinds, _other_nulls, _fewer_tests):
        for changes in kind(case):
            remedy = _tried(case, changes)
            if remedy is not None:
                remedies.append(remedy)
                break
    return remedies


def largest_sample(protocol: Protocol, drawn: Drawn, null: str) -> tuple[int, str] | None:
    """All positions that this text has, and the distinct draws that they give; None if the plan has them."""
    most = most_positions(protocol, drawn)
    plan = changed(protocol, (("sample.positions", most),))
    positions = None if plan is None else redraw(plan, drawn)
    if plan is None or positions is None or most <= protocol.sample.positions:
        return None
    counted = {item.null: item for item in count_distinct(plan, positions, None)}
    return most, counted[null].number


def most_positions(protocol: Protocol, drawn: Drawn) -> int:
    """The largest ``sample.positions`` that this text can fill."""
    share, eligible = protocol.split.selection, drawn.sampled.eligible
    most = int(min(eligible["selection"] / share, eligible["evaluation"] / (1 - share)))
    while most > 0 and (
        round(share * most) > eligible["selection"] or most - round(share * most) > eligible["evaluation"]
    ):
        most -= 1
    return most


def redraw(plan: Protocol, drawn: Drawn) -> pl.DataFrame | None:
    """The positions that a changed plan's run would draw from the same text; None where it has too few."""
    kept_out = [number for number, name in enumerate(drawn.documents) if name in drawn.kept_out]
    try:
        return drawn.text.sample(plan, kept_out=kept_out).positions
    except CorpusError:
        return None


def changed(protocol: Protocol, changes: Changes) -> Protocol | None:
    """The plan with other values; None where that is no valid plan."""
    data = canonical(protocol)
    data["conditions"] = {name: value for item in data["conditions"] for name, value in item.items()}
    for key, value in changes:
        *way, last = key.split(".")
        place = data
        for step in way:
            place = (
                next(item for item in place if item["id"] == step)
                if isinstance(place, list)
                else place.setdefault(step, {})
            )
        place[last] = value
        if (last, value) == ("role", "descriptive"):
            place["expects"] = {}
    try:
        plan = Protocol.model_validate(data)
    except ValidationError:
        return None
    wrong = any(problem.severity == "error" for problem in check_protocol(plan))
    return None if wrong else plan


def _tried(case: _Case, changes: Changes) -> Remedy | None:
    plan = changed(case.protocol, changes)
    positions = None if plan is None else redraw(plan, case.drawn)
    if plan is None or positions is None:
        return None
    counted = list(count_distinct(plan, positions, case.n_neurons))
    if not all(item.is_enough for item in counted):
        return None
    return Remedy(changes, plan, f"{_written(changes)} ({_reached(counted, case.short, changes)})")


def _written(changes: Changes) -> str:
    shown = [
        f"{key}: {value:g}" if isinstance(value, float) else f"{key}: {value}"
        for key, value in changes
        if not isinstance(value, dict)
    ]
    return " and ".join(shown) + (", without expectations" if "role: descriptive" in shown[-1] else "")


def _reached(counted: list[Distinct], short: Distinct, changes: Changes) -> str:
    now = next((item for item in counted if item.null == short.null), None)
    if now is None or now.needed == 0:
        new = [value for key, value in changes if key.endswith("contrast.null")]
        others = [f"{item.number} {item.what}" for item in counted if item.null in new]
        return ", ".join(others) if others else f"nothing rests on {short.null} then"
    return f"{now.number}, where {now.needed:,} are needed"


def _definitions(case: _Case, kind: int) -> Iterator[Changes]:
    """Other definitions of both conditions, of one kind."""
    own = case.protocol.conditions
    for number, (_, others) in enumerate(wider(own)):
        if number == kind:
            yield from (tuple((key, new) for key, _, new in differences(own, other)) for other in others)


def _more_positions(case: _Case) -> Iterator[Changes]:
    declared, most = case.protocol.sample.positions, most_positions(case.protocol, case.drawn)
    for number in (*(factor * declared for factor in _MORE if factor * declared < most), most):
        yield (("sample.positions", number),)


def _larger_groups(case: _Case) -> Iterator[Changes]:
    group = case.protocol.group
    if case.n_neurons is None or not group.is_selected or group.declared is None:
        return
    key = f"group.{'otherwise' if group.size_varies else 'select'}.{group.declared.key}"
    for size in range(2, case.n_neurons // 2 + 1):
        share = math.ceil(1e4 * size / case.n_neurons) / 1e4
        yield ((key, size if group.declared.key == "top" else share),)


def _other_nulls(case: _Case) -> Iterator[Changes]:
    """All predictions that rest on this null, on another one."""
    resting = _resting(case)
    for null in names_of([Form.GROUPS]):
        cannot_be_counted = NULLS[null].distinct is not None and case.n_neurons is None
        if null == case.short.null or cannot_be_counted:
            continue
        declared: Changes = ()
        if declared_null(case.protocol, null) is None:
            declared = ((f"nulls.{null}.draws", 9999),)
        yield (*declared, *((f"predictions.{name}.contrast.null", null) for name in resting))


def _fewer_tests(case: _Case) -> Iterator[Changes]:
    """The last predictions that rest on this null decide no more: as few of them as will do."""
    resting = _resting(case)
    for number in range(1, len(resting) + 1):
        yield tuple((f"predictions.{name}.role", "descriptive") for name in resting[-number:])


def _resting(case: _Case) -> list[str]:
    """Predictions whose outcome rests on the null and counts."""
    return [
        item.id
        for item in case.protocol.predictions
        if item.contrast.null == case.short.null and item.role != "descriptive"
    ]
