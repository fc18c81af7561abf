"""Checks of the declared alternatives, and which of them concern which prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from hypotest.measures.registry import CHOICES, MEASURES
from hypotest.predicates.alternatives import declared_value, with_value
from hypotest.predicates.combine import predicate_of
from hypotest.records.protocol.choices import (
    CONDITIONS,
    SHARED_CHOICES,
    Multiverse,
    is_shared,
    kind_of,
    plain,
)
from hypotest.records.protocol.conditions import leaves
from hypotest.records.protocol.group import Group
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.conditions import overlap_findings
from hypotest.registration.checks.group import group_findings
from hypotest.registration.findings import Finding, KeyPath, shown

_NEEDS = {
    "replacement": "a measure that rests on ablation",
    "select": "a measure of the group",
    "by": "a measure of the group",
}


def concerning(prediction: Prediction) -> tuple[str, ...]:
    """The kinds of choice on which a prediction's outcome can depend, in the order of the records.

    Examples:
        >>> concerning(Prediction(id="a", measure="hill_alpha", contrast={"null": "size_matched"}))
        ('conditions', 'replacement', 'select', 'by', 'tail')
        >>> concerning(Prediction(id="a", measure="attention_gini", contrast={"by": "document"}))
        ('conditions',)
    """
    measure = MEASURES.get(prediction.measure)
    own = measure.options if measure is not None else {}
    return (
        *(SHARED_CHOICES if measure is None else measure.depends_on),
        *(name for name in CHOICES if name in own),
    )


def multiverse_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check the ``multiverse:`` section of a protocol.

    Yields:
        Errors for values that cannot be used, warnings for those that change nothing.
    """
    section = protocol.multiverse
    if section is None:
        return
    listed = list(section.listed)
    if not listed:
        message = "declares no alternative; list other values of a choice, such as `variance: [0.9, 0.99]`"
        yield Finding(("multiverse",), message, "warning")
    for name in listed:
        yield from _values(protocol, section, name)
        yield from _use(protocol, section, name)
    yield from _draws(protocol, section)


def _place_of(name: str) -> KeyPath:
    """Where a choice stands."""
    return ("multiverse", CONDITIONS, name) if kind_of(name) == CONDITIONS else ("multiverse", name)


def _values(protocol: Protocol, section: Multiverse, name: str) -> Iterator[Finding]:
    if kind_of(name) == CONDITIONS:
        try:
            declared_value(protocol.conditions, name)
        except ValueError as error:
            yield Finding(_place_of(name), str(error), depends=((CONDITIONS,),), at_key=True)
            return
    values, read = section.listed[name], ((CONDITIONS,), ("group",), ("nulls",))
    for place, value in enumerate(values):
        path = (*_place_of(name), place)
        option = CHOICES.get(name)
        if value in values[:place]:
            yield Finding(path, f"must be listed once; found {shown(plain(value))} again: remove it")
        elif option is not None and not option.accepts(value):
            yield Finding(path, f"must be {option.required}; found {shown(value)}")
        elif message := _then(protocol, section, name, value):
            yield Finding(path, f"{message}; found {shown(plain(value))}", depends=read)


def _then(protocol: Protocol, section: Multiverse, name: str, value: Any) -> str:
    """What is wrong with the protocol under another value of a shared choice; empty if nothing is."""
    if kind_of(name) == CONDITIONS:
        return _conditions_then(protocol, name, value)
    others: tuple[Any, ...] = (None,)
    if name == "by":  # also beside the other groups that are listed
        others = (None, *section.select)
    elif name != "select":
        return ""
    for select in others:
        group = varied_group(
            protocol.group, value if name == "select" else select, value if name == "by" else None
        )
        then = protocol.model_copy(update={"group": group})
        error = next((item for item in group_findings(then) if item.severity == "error"), None)
        if error is not None:
            return f"with it, {'.'.join(map(str, error.path))} {error.message.partition('; found')[0]}"
    return ""


def varied_group(group: Group, select: Any = None, by: Any = None) -> Group:
    """The group with another rule, or ranked by something else; None leaves what is declared."""
    changed: dict[str, Any] = {} if by is None else {"by": by}
    if select is not None and select != group.select:
        changed |= {"select": select, "otherwise": group.otherwise if select == "plateau" else None}
    return group.model_copy(update=changed)


def _conditions_then(protocol: Protocol, name: str, value: Any) -> str:
    """The same of conditions."""
    try:
        then = protocol.model_copy(update={"conditions": with_value(protocol.conditions, name, value)})
    except ValueError as error:
        return str(error)
    for condition in then.conditions.values():
        for leaf in leaves(condition):
            for message in predicate_of(leaf).check(leaf.options):
                return message
    overlap = next(overlap_findings(then), None)
    return "" if overlap is None else f"with it, conditions.{protocol.names.second} {overlap.message}"


def _use(protocol: Protocol, section: Multiverse, name: str) -> Iterator[Finding]:
    if any(item.measure not in MEASURES for item in protocol.predictions):
        return  # what an unknown measure would have used cannot be said
    users = [item for item in protocol.predictions if kind_of(name) in concerning(item)]
    reads = (("predictions",),)
    path = _place_of(name)
    if not users:
        measures = [row.name for row in MEASURES.values() if name in row.options]
        needed = _NEEDS.get(name) or " or ".join(measures)
        message = f"no prediction depends on it, which takes {needed}; remove it"
        yield Finding(path, message, "warning", reads, at_key=True)
    elif (other := _unused(section, users, name)) is not None:
        message = f"is used with {other[0]} {other[1]} only; remove it, or list `{other[0]}: [{other[1]}]`"
        yield Finding(path, message, "warning", reads, at_key=True)
    elif all(value == _declared(protocol, item, name) for item in users for value in section.listed[name]):
        yield Finding(path, "lists only what the protocol declares; remove it, or list others", "warning")


def _unused(section: Multiverse, users: Sequence[Prediction], name: str) -> tuple[str, str] | None:
    """The option and value without which a choice says nothing, where they occur nowhere."""
    other = CHOICES[name].only_with if name in CHOICES else None
    if other is None or other[1] in section.listed.get(other[0], ()):
        return None
    return None if any(item.options.get(other[0]) == other[1] for item in users) else other


def _declared(protocol: Protocol, prediction: Prediction, name: str) -> object:
    if is_shared(name):
        with suppress(ValueError):  # a path that leads nowhere has been named
            return declared_shared(protocol, [name])[name]
        return None
    return prediction.options.get(name, MEASURES[prediction.measure].options[name].default)


def declared_shared(protocol: Protocol, names: Iterable[str]) -> dict[str, Any]:
    """The protocol's own values of choices of conditions, group and ablation.

    Raises:
        ValueError: If a path leads nowhere.
    """
    own = {
        "replacement": protocol.ablation.replacement,
        "select": protocol.group.select,
        "by": protocol.group.by,
    }
    return {
        name: declared_value(protocol.conditions, name) if kind_of(name) == CONDITIONS else own[name]
        for name in names
    }


def _draws(protocol: Protocol, section: Multiverse) -> Iterator[Finding]:
    """A two-sided p-value is at least 2/(B + 1), which must reach the level."""
    tested = [
        item for item in protocol.predictions if item.contrast.null is not None and item.role != "descriptive"
    ]
    if not tested:
        return
    path = ("multiverse", "draws")
    level, n_deciding = protocol.decision.level, max(1, len(protocol.deciding))
    depends = (("decision",), ("predictions",))
    at_level, adjusted = map(protocol.decision.fewest_draws, (1, n_deciding))
    if section.draws < at_level:
        message = (
            f"must be at least {at_level} for a two-sided p-value to reach {level:g}; found {section.draws}: "
            "raise it"
        )
        yield Finding(path, message, depends=depends)
    elif section.draws < adjusted:
        message = (
            f"with fewer than {adjusted} draws no two-sided p-value reaches {level:g} / {n_deciding} "
            f"deciding predictions, so no difference can refute a hypothesis; found {section.draws}: raise it"
        )
        yield Finding(path, message, "warning", depends=depends)
