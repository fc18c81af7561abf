"""Checks of the declared alternatives, and which of them concern which prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypotest.measures.option import Option
from hypotest.measures.registry import CHOICES, MEASURES
from hypotest.predicates.combine import declared_choice, with_choice
from hypotest.records.protocol.choices import OF_CONDITIONS, SHARED_CHOICES, Multiverse
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol, TopFraction
from hypotest.registration.checks.conditions import overlap_findings
from hypotest.registration.findings import Finding, shown

_NEEDS = {
    "replacement": "a measure that rests on ablation",
    "top_fraction": "a measure of the group",
}


def concerning(prediction: Prediction) -> tuple[str, ...]:
    """The choices on which a prediction's outcome can depend, in the order of the records.

    Examples:
        >>> concerning(Prediction(id="a", measure="hill_alpha", contrast={"null": "size_matched"}))
        ('percentile', 'of', 'replacement', 'top_fraction', 'tail')
        >>> concerning(Prediction(id="a", measure="attention_gini", contrast={"by": "document"}))
        ('percentile', 'of')
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


def _values(protocol: Protocol, section: Multiverse, name: str) -> Iterator[Finding]:
    values = getattr(section, name)
    for place, value in enumerate(values):
        path = ("multiverse", name, place)
        option = choice_option(name)
        if value in values[:place]:
            yield Finding(path, f"must be listed once; found {shown(value)} again: remove it")
        elif option is not None and not option.accepts(value):
            yield Finding(path, f"must be {option.required}; found {shown(value)}")
        elif name in OF_CONDITIONS and (message := _conditions_then(protocol, name, value)):
            yield Finding(path, f"{message}; found {shown(value)}", depends=(("conditions",),))


def choice_option(name: str) -> Option | None:
    """The range of a choice's values; None where the schema has checked them."""
    if name == "percentile":
        return Option(15.0, "", above=0, below=100)
    if name == "top_fraction":
        return Option(0.02, "", above=0, at_most=0.5)
    return CHOICES.get(name)


def _conditions_then(protocol: Protocol, name: str, value: Any) -> str:
    """What is wrong with the conditions under another value of a choice; empty if nothing is."""
    if declared_choice(protocol.conditions.values(), name) is None:
        return "no condition of this protocol depends on it: remove it"
    then = protocol.model_copy(update={"conditions": with_choice(protocol.conditions, name, value)})
    overlap = next(overlap_findings(then), None)
    return "" if overlap is None else f"with it, conditions.{protocol.names.second} {overlap.message}"


def _use(protocol: Protocol, section: Multiverse, name: str) -> Iterator[Finding]:
    if any(item.measure not in MEASURES for item in protocol.predictions):
        return  # what an unknown measure would have used cannot be said
    users = [item for item in protocol.predictions if name in concerning(item)]
    reads = (("predictions",),)
    path = ("multiverse", name)
    if not users:
        measures = [row.name for row in MEASURES.values() if name in row.options]
        needed = _NEEDS.get(name) or " or ".join(measures)
        message = f"no prediction depends on it, which takes {needed}; remove it"
        yield Finding(path, message, "warning", reads, at_key=True)
    elif (other := _unused(section, users, name)) is not None:
        message = f"is used with {other[0]} {other[1]} only; remove it, or list `{other[0]}: [{other[1]}]`"
        yield Finding(path, message, "warning", reads, at_key=True)
    elif all(value == _declared(protocol, item, name) for item in users for value in getattr(section, name)):
        yield Finding(path, "lists only what the protocol declares; remove it, or list others", "warning")


def _unused(section: Multiverse, users: Sequence[Prediction], name: str) -> tuple[str, str] | None:
    """The option and value without which a choice says nothing, where they occur nowhere."""
    other = CHOICES[name].only_with if name in CHOICES else None
    if other is None or other[1] in section.listed.get(other[0], ()):
        return None
    return None if any(item.options.get(other[0]) == other[1] for item in users) else other


def _declared(protocol: Protocol, prediction: Prediction, name: str) -> object:
    if name in SHARED_CHOICES:
        return declared_shared(protocol)[name]
    return prediction.options.get(name, MEASURES[prediction.measure].options[name].default)


def declared_shared(protocol: Protocol) -> dict[str, Any]:
    """The protocol's own values of the choices of evidence and group; None where it has none."""
    select = protocol.group.select
    return {
        **{name: declared_choice(protocol.conditions.values(), name) for name in OF_CONDITIONS},
        "replacement": protocol.ablation.replacement,
        "top_fraction": select.top_fraction if isinstance(select, TopFraction) else select,
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
