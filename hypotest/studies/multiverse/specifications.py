"""Every way to test a prediction that a protocol's ``multiverse:`` section names.

A prediction is crossed with the choices that concern it and no others: another tail rule is no other test of
attention. What is varied stands in a specification's ``choices``; everything else is as declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from hypotest.measures.option import Option
from hypotest.measures.registry import filled_options, measure_of
from hypotest.predicates.combine import with_choice
from hypotest.records.protocol.choices import OF_CONDITIONS, SHARED_CHOICES, Multiverse
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol, TopFraction
from hypotest.registration.checks.multiverse import concerning, declared_shared
from hypotest.studies.multiverse.record import Specification, Value

Choices = Mapping[str, Value | None]


def specifications(protocol: Protocol) -> tuple[Specification, ...]:
    """Cross the choices that concern each prediction, the declared specification first.

    An option that says something beside a value of another one only varies there, and is None elsewhere.

    Args:
        protocol: A valid protocol with a ``multiverse:`` section.

    Returns:
        Specifications by prediction, in protocol order; one alone for a prediction that nothing concerns.
    """
    return tuple(item for prediction in protocol.predictions for item in _of_prediction(protocol, prediction))


def shared_choices(protocol: Protocol) -> tuple[dict[str, Value | None], ...]:
    """Every combination of percentile, its meaning, replacement and group size; the declared one first."""
    declared = declared_shared(protocol)
    values = {
        name: _with_declared(declared[name], listed)
        for name, listed in _section(protocol).listed.items()
        if name in SHARED_CHOICES
    }
    return tuple(dict(zip(values, row, strict=True)) for row in product(*values.values()))


def with_shared(protocol: Protocol, choices: Choices) -> Protocol:
    """The protocol with other choices of evidence and group.

    A border between the conditions moves in both; what is no border stays (`hypotest.predicates.combine`).
    """
    chosen = {
        **declared_shared(protocol),
        **{name: choices[name] for name in SHARED_CHOICES if name in choices},
    }
    conditions = protocol.conditions
    for name in OF_CONDITIONS:
        if chosen[name] is not None:
            conditions = with_choice(conditions, name, chosen[name])
    group, size = protocol.group, chosen["top_fraction"]
    if isinstance(size, float):
        changed = {"select": TopFraction(top_fraction=size), "otherwise": None}
        group = group.model_copy(update=changed)
    return protocol.model_copy(
        update={
            "conditions": conditions,
            "ablation": protocol.ablation.model_copy(update={"replacement": chosen["replacement"]}),
            "group": group,
        }
    )


def with_options(prediction: Prediction, choices: Choices) -> Prediction:
    """The prediction with other options of its measure."""
    own = {name: value for name, value in choices.items() if name not in SHARED_CHOICES and value is not None}
    return prediction.model_copy(update={"options": {**prediction.options, **own}})


def _of_prediction(protocol: Protocol, prediction: Prediction) -> list[Specification]:
    listed, options, rows = (
        _section(protocol).listed,
        filled_options(prediction),
        measure_of(prediction).options,
    )
    declared: dict[str, Value] = {**declared_shared(protocol), **options}
    values = {
        name: _with_declared(declared[name], listed[name])
        for name in concerning(prediction)
        if name in listed
    }
    for name in list(values):
        other = rows[name].only_with if name in rows else None
        if other is None:
            continue
        if other[1] not in values.get(other[0], (options[other[0]],)):
            del values[name]
        elif options[other[0]] != other[1] and name not in prediction.options:
            values[name] = listed[name]  # the default was not chosen by anybody
    found: dict[tuple[Value | None, ...], Specification] = {}
    start = _used({name: declared[name] for name in values}, options, rows)
    for row in product(*values.values()):
        choices = _used(dict(zip(values, row, strict=True)), options, rows)
        found.setdefault(
            tuple(choices.values()), Specification(prediction.id, choices, is_declared=choices == start)
        )
    return sorted(found.values(), key=lambda item: not item.is_declared)


def _used(choices: dict[str, Value], options: Choices, rows: Mapping[str, Option]) -> dict[str, Value | None]:
    """The choices, None where one says nothing beside the others."""
    together = {**options, **choices}
    return {
        name: value if name not in rows or rows[name].is_used(together) else None
        for name, value in choices.items()
    }


def _with_declared(declared: Value, listed: tuple[Value, ...]) -> tuple[Value, ...]:
    return (declared, *(value for value in listed if value != declared))


def _section(protocol: Protocol) -> Multiverse:
    return protocol.multiverse or Multiverse()
