"""Every measure that a protocol can name: the files of this folder, and what installed packages add."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hypotest.errors import RunError
from hypotest.measures.measure import INTERFACE, ConditionMeasure, GroupMeasure, Measure
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.records.protocol.choices import SHARED_CHOICES
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.stored.plugins import discover, require_place
from hypotest.testing.guarded import guarded

if TYPE_CHECKING:
    from hypotest.testing.group_measure import BoundMeasure

PACKAGE = "hypotest.measures"
"""Our own; and the entry points of installed packages: ``kurtosis = "package.module:MEASURE"``."""


def _checked(name: str, measure: object, known: Mapping[str, Measure]) -> Measure:
    """A measure of another package.

    Raises:
        ValueError: If it cannot be used here.
    """
    if not isinstance(measure, Measure):
        raise ValueError(f"must be a GroupMeasure or ConditionMeasure; found {type(measure).__name__}")
    require_place(name, measure.name, measure.interface, INTERFACE, known)
    for option, row in measure.options.items():
        if option in ("draws", *SHARED_CHOICES):
            raise ValueError(f"option {option!r} has the name of another key of a multiverse: choose another")
        other = next((item for item in known.values() if option in item.options), None)
        if other is not None and type(other.options[option].default) is not type(row.default):
            raise ValueError(f"option {option!r} is of another type in {other.name}: choose another name")
        if isinstance(row.default, bool) or (
            isinstance(row.default, str) and row.default not in row.choices and not row.is_condition
        ):
            what = "a number, or a word with `choices` that name it"
            raise ValueError(f"option {option!r}: its default must be {what}; found {row.default!r}")
    whose = f"measure {name!r}"
    if isinstance(measure, GroupMeasure):
        return replace(measure, bind=_guarded_bind(measure.bind, whose))
    assert isinstance(measure, ConditionMeasure)  # there are no others
    return replace(measure, compared=guarded(measure.compared, whose))


def _guarded_bind(bind: Callable[..., BoundMeasure], whose: str) -> Callable[..., BoundMeasure]:
    """Tied to evidence by another package, and so are the functions that it gives."""
    from_package = guarded(bind, whose)

    @wraps(bind)
    def guarded_bind(*args: Any) -> BoundMeasure:
        from hypotest.testing.group_measure import BoundMeasure

        bound = from_package(*args)
        if not isinstance(bound, BoundMeasure):
            raise RunError(f"{whose}: bind must return a BoundMeasure; found {type(bound).__name__}")
        functions = {
            item.name: guarded(function, whose)
            for item in fields(bound)
            if callable(function := getattr(bound, item.name))
        }
        return replace(bound, **functions)

    return guarded_bind


MEASURES: Mapping[str, Measure] = discover(PACKAGE, "MEASURE", _checked)
"""Every measure that a protocol can name."""


def _choices() -> Mapping[str, Option]:
    """Options that can be varied, by name; of words, all that any measure takes."""
    options: dict[str, Option] = {}
    for measure in MEASURES.values():
        for name, option in measure.options.items():
            if option.varies and len(option.choices) != 1:
                known = options.setdefault(name, option)
                words = tuple(dict.fromkeys((*known.choices, *option.choices)))
                options[name] = replace(known, choices=words)
    return MappingProxyType(options)


CHOICES: Mapping[str, Option] = _choices()
"""What a multiverse may list beside choices of evidence and group."""


def measure_of(prediction: Prediction) -> Measure:
    """The measure of a prediction of a valid protocol.

    Raises:
        KeyError: If there is none of that name; `check_protocol` reports that.
    """
    return MEASURES[prediction.measure]


def for_outcomes(protocol: Protocol) -> Protocol:
    """The plan that selects the group again only if a measure has no other interval: for outcomes alone."""
    needed = any(measure_of(item).level == "weights" for item in protocol.predictions)
    if needed or not protocol.reselects:
        return protocol
    intervals = protocol.intervals.model_copy(update={"reselection": False})
    return protocol.model_copy(update={"intervals": intervals})


def filled_options(prediction: Prediction) -> dict[str, str | int | float]:
    """Give the options of a prediction with the defaults of its measure filled in.

    Args:
        prediction: A prediction of a valid protocol.

    Returns:
        Every option of the measure; numbers have the type of the default.

    Raises:
        KeyError: As `measure_of` does.

    Examples:
        >>> contrast = {"null": "size_matched"}
        >>> filled_options(Prediction(id="a", measure="effective_dimension", contrast=contrast))
        {'variance': 0.95, 'scale': 'covariance'}
    """
    return measure_of(prediction).filled(prediction.options)


def words_of(name: str, title: str, names: Conditions) -> MeasureWords:
    """Words for a measure of two conditions; one that is not here has the title that a result keeps."""
    measure = MEASURES.get(name)
    if measure is not None:
        return measure.words.of(names)
    return MeasureWords(title, "", title, "less", "greater", title, f"How large is this: {title}?", title)
