"""Every measure that a protocol can name: the files of this folder, and what installed packages add."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

import hypotest.measures as package
from hypotest.measures.measure import INTERFACE, Measure, Words
from hypotest.records.prediction import Prediction

ENTRY_POINTS = "hypotest.measures"
"""Where installed packages name theirs: ``kurtosis = "package.module:MEASURE"``."""


def _found() -> Mapping[str, Measure]:
    """By name: our own in alphabetical order, what a file calls ``MEASURE``; then those of other packages."""
    names = (item.name for item in pkgutil.iter_modules(package.__path__))
    modules = (import_module(f"{package.__name__}.{name}") for name in names)
    found = {module.MEASURE.name: module.MEASURE for module in modules if hasattr(module, "MEASURE")}
    for entry in _entries():
        try:
            found[entry.name] = _checked(entry.name, entry.load(), found)
        except Exception as error:  # whatever a package does when it is imported: the others are still there
            where = f"measure {entry.name!r} of {entry.value}"
            warnings.warn(f"{where} is left out: {type(error).__name__}: {error}", stacklevel=2)
    return MappingProxyType(found)


def _entries() -> list[EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINTS), key=lambda item: item.name)


def _checked(name: str, measure: object, known: Mapping[str, Measure]) -> Measure:
    """A measure of another package.

    Raises:
        ValueError: If it cannot be used here.
    """
    if not isinstance(measure, Measure):
        raise ValueError(f"must be a GroupMeasure or ConditionMeasure; found {type(measure).__name__}")
    if measure.interface != INTERFACE:
        raise ValueError(f"written for version {measure.interface} of the interface; this is {INTERFACE}")
    if measure.name != name or name in known:
        taken = "which is taken" if name in known else f"but calls itself {measure.name!r}"
        raise ValueError(f"is named {name!r}, {taken}")
    for option, row in measure.options.items():
        if isinstance(row.default, bool) or (isinstance(row.default, str) and row.default not in row.choices):
            what = "a number, or a word with `choices` that name it"
            raise ValueError(f"option {option!r}: its default must be {what}; found {row.default!r}")
    return measure


MEASURES: Mapping[str, Measure] = _found()
"""Every measure that a protocol can name."""


def packages_of(measures: Iterable[str]) -> dict[str, str]:
    """Which of these measures other packages bring -> the package and its version."""
    asked = set(measures)
    return {
        entry.name: f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
        for entry in _entries()
        if entry.name in asked
    }


def measure_of(prediction: Prediction) -> Measure:
    """The measure of a prediction of a valid protocol.

    Raises:
        KeyError: If there is none of that name; `check_protocol` reports that.
    """
    return MEASURES[prediction.measure]


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


def words_of(name: str, title: str) -> Words:
    """Words for a measure; one that is not here is described by the title that a result keeps."""
    measure = MEASURES.get(name)
    if measure is not None:
        return measure.words
    return Words(title, "", title, "less", "greater", title, f"How large is this: {title}?", title)
