"""Every measure that a protocol can name, found in the files of this folder."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

import hypotest.measures as package
from hypotest.measures.measure import Measure, Words
from hypotest.records.prediction import Prediction


def _found() -> Mapping[str, Measure]:
    """By name, in alphabetical order: what a file calls ``MEASURE``."""
    modules = (
        import_module(f"{package.__name__}.{item.name}") for item in pkgutil.iter_modules(package.__path__)
    )
    measures = (module.MEASURE for module in modules if hasattr(module, "MEASURE"))
    return MappingProxyType({measure.name: measure for measure in measures})


MEASURES: Mapping[str, Measure] = _found()
"""Every measure that a protocol can name."""


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
