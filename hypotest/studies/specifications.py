"""Every way to test a prediction that a protocol's ``multiverse:`` section names.

A prediction is crossed with the choices that concern it and no others: another tail rule is no other test of
attention. What is varied stands in a specification's ``choices``; everything else is as declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from hypotest.measures.registry import filled_options
from hypotest.records.multiverse import Specification, Value
from hypotest.records.prediction import Prediction
from hypotest.records.protocol import SHARED_CHOICES, Multiverse, Protocol, TopFraction
from hypotest.registration.multiverse import concerning, declared_shared

Choices = Mapping[str, Value | None]


def specifications(protocol: Protocol) -> tuple[Specification, ...]:
    """Cross the choices that concern each prediction, the declared specification first.

    ``bins`` varies under the estimator ``binned`` only and is None under others.

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
        name: _with_declared(declared[name], getattr(_section(protocol), name))
        for name in SHARED_CHOICES
        if getattr(_section(protocol), name)
    }
    return tuple(dict(zip(values, row, strict=True)) for row in product(*values.values()))


def with_shared(protocol: Protocol, choices: Choices) -> Protocol:
    """The protocol with other choices of evidence and group.

    Where rare ends at the percentile at which common begins, both move; a gap between them stays where
    common begins.
    """
    chosen = {
        **declared_shared(protocol),
        **{name: choices[name] for name in SHARED_CHOICES if name in choices},
    }
    conditions, percentile = protocol.conditions, chosen["percentile"]
    rare, common = conditions.rare.target_frequency, conditions.common.target_frequency
    border = percentile if rare.below_percentile == common.from_percentile else common.from_percentile
    rare = rare.model_copy(update={"below_percentile": percentile, "of": chosen["of"]})
    common = common.model_copy(update={"from_percentile": border, "of": chosen["of"]})
    group, size = protocol.group, chosen["top_fraction"]
    if isinstance(size, float):
        changed = {"select": TopFraction(top_fraction=size), "otherwise": None}
        group = group.model_copy(update=changed)
    return protocol.model_copy(
        update={
            "conditions": conditions.model_copy(
                update={
                    "rare": conditions.rare.model_copy(update={"target_frequency": rare}),
                    "common": conditions.common.model_copy(update={"target_frequency": common}),
                }
            ),
            "ablation": protocol.ablation.model_copy(update={"replacement": chosen["replacement"]}),
            "group": group,
        }
    )


def with_options(prediction: Prediction, choices: Choices) -> Prediction:
    """The prediction with other options of its measure."""
    own = {name: value for name, value in choices.items() if name not in SHARED_CHOICES and value is not None}
    return prediction.model_copy(update={"options": {**prediction.options, **own}})


def _of_prediction(protocol: Protocol, prediction: Prediction) -> list[Specification]:
    section, options = _section(protocol), filled_options(prediction)
    declared: dict[str, Value] = {**declared_shared(protocol), **options}
    values = {
        name: _with_declared(declared[name], getattr(section, name))
        for name in concerning(prediction)
        if getattr(section, name)
    }
    estimators = values.get("estimator", (options.get("estimator", ""),))
    if "binned" not in estimators:
        values.pop("bins", None)
    elif "bins" in values and options["estimator"] != "binned" and "bins" not in prediction.options:
        values["bins"] = section.bins  # the default was not chosen by anybody
    found: dict[tuple[Value | None, ...], Specification] = {}
    start = _without_bins({name: declared[name] for name in values}, options)
    for row in product(*values.values()):
        choices = _without_bins(dict(zip(values, row, strict=True)), options)
        found.setdefault(
            tuple(choices.values()), Specification(prediction.id, choices, is_declared=choices == start)
        )
    return sorted(found.values(), key=lambda item: not item.is_declared)


def _without_bins(choices: dict[str, Value], options: Choices) -> dict[str, Value | None]:
    binned = choices.get("estimator", options.get("estimator")) == "binned"
    return {name: None if name == "bins" and not binned else value for name, value in choices.items()}


def _with_declared(declared: Value, listed: tuple[Value, ...]) -> tuple[Value, ...]:
    return (declared, *(value for value in listed if value != declared))


def _section(protocol: Protocol) -> Multiverse:
    return protocol.multiverse or Multiverse()
