"""Every way to test a prediction that a protocol's ``multiverse:`` section names.

A prediction is crossed with the choices that concern it and no others: another tail rule is no other test of
attention. What is varied stands in a specification's ``choices``; everything else is as declared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from hypotest.measures.option import Option
from hypotest.measures.registry import CHOICES, filled_options, measure_of
from hypotest.predicates.alternatives import with_value
from hypotest.records.protocol.choices import CONDITIONS, Multiverse, is_shared, kind_of, plain
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.multiverse import concerning, declared_shared, varied_group
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
    """Every combination of the choices of conditions, group and ablation; the declared one first."""
    declared = declared_values(protocol)
    values = {
        name: _with_declared(declared[name], listed)
        for name, listed in _section(protocol).listed.items()
        if is_shared(name)
    }
    return tuple(dict(zip(values, row, strict=True)) for row in product(*values.values()))


def declared_values(protocol: Protocol) -> dict[str, Value]:
    """The protocol's own values of the shared choices that it varies, as tables hold them."""
    names = [name for name in _section(protocol).listed if is_shared(name)]
    return {name: plain(value) for name, value in declared_shared(protocol, names).items()}


def with_shared(protocol: Protocol, choices: Choices) -> Protocol:
    """The protocol with other choices of conditions, group and ablation."""
    listed, declared = _section(protocol).listed, declared_values(protocol)
    chosen = {
        name: next(item for item in listed[name] if plain(item) == value)
        for name, value in choices.items()
        if is_shared(name) and value != declared[name]
    }
    conditions, ablation = protocol.conditions, protocol.ablation
    for name, value in chosen.items():
        if kind_of(name) == CONDITIONS:
            conditions = with_value(conditions, name, value)
    if "replacement" in chosen:
        ablation = ablation.model_copy(update={"replacement": chosen["replacement"]})
    group = varied_group(protocol.group, chosen.get("select"), chosen.get("by"))
    return protocol.model_copy(update={"conditions": conditions, "ablation": ablation, "group": group})


def with_options(prediction: Prediction, choices: Choices) -> Prediction:
    """The prediction with other options of its measure."""
    own = {name: value for name, value in choices.items() if not is_shared(name) and value is not None}
    return prediction.model_copy(update={"options": {**prediction.options, **own}})


def _of_prediction(protocol: Protocol, prediction: Prediction) -> list[Specification]:
    listed, options, rows = (
        _section(protocol).listed,
        filled_options(prediction),
        measure_of(prediction).options,
    )
    declared: dict[str, Value] = {**declared_values(protocol), **options}
    kinds = concerning(prediction)
    values = {
        name: _with_declared(declared[name], listed[name])
        for kind in kinds
        for name in listed
        if kind_of(name) == kind
    }
    for name in list(values):
        other = rows[name].only_with if name in rows else None
        if other is None:
            continue
        if other[1] not in values.get(other[0], (options[other[0]],)):
            del values[name]
        elif options[other[0]] != other[1] and name not in prediction.options:
            values[name] = listed[name]  # the default was not chosen by anybody
    specifications: dict[tuple[Value | None, ...], Specification] = {}
    start = _used({name: declared[name] for name in values}, options, rows)
    for row in product(*values.values()):
        choices = _used(dict(zip(values, row, strict=True)), options, rows)
        specifications.setdefault(
            tuple(choices.values()), Specification(prediction.id, choices, is_declared=choices == start)
        )
    return sorted(specifications.values(), key=lambda item: not item.is_declared)


def _used(choices: dict[str, Value], options: Choices, rows: Mapping[str, Option]) -> dict[str, Value | None]:
    """The choices, None where one says nothing beside the others."""
    together = {**options, **choices}
    return {
        name: value if name not in rows or rows[name].is_used(together) else None
        for name, value in choices.items()
    }


def _with_declared(declared: Value, listed: tuple[Any, ...]) -> tuple[Value, ...]:
    return (declared, *(value for value in map(plain, listed) if value != declared))


def _section(protocol: Protocol) -> Multiverse:
    return protocol.multiverse or Multiverse()


def occurring(wanted: Sequence[Specification]) -> dict[str, tuple[Value, ...]]:
    """Every value of each choice, the declared ones first."""
    by_choice: dict[str, dict[Value, None]] = {}
    names = dict.fromkeys(name for item in wanted for name in item.choices)
    for name in sorted(names, key=lambda name: (not is_shared(name), name not in CHOICES)):
        for item in wanted:
            value = item.choices.get(name)
            if value is not None:
                by_choice.setdefault(name, {})[value] = None
    return {name: tuple(values) for name, values in by_choice.items()}
