"""The choices of a multiverse in words."""

from __future__ import annotations

from collections.abc import Mapping

from hypotest.studies.multiverse.record import PLATEAU, Value

_NAMES = {
    "percentile": "percentile",
    "of": "percentile of",
    "replacement": "ablated to",
    "top_fraction": "group",
    "variance": "variance kept",
    "estimator": "estimator",
    "bins": "bins",
    "method": "communities",
    "resolution": "resolution",
    "tail": "tail",
}


def choice_name(choice: str) -> str:
    """A choice as figures and tables call it."""
    return _NAMES.get(choice, choice)


def value_text(choice: str, value: Value | None) -> str:
    """A value as figures and tables write it.

    Examples:
        >>> value_text("top_fraction", 0.05), value_text("variance", 0.9), value_text("bins", None)
        ('top 5 %', '0.9', 'none')
    """
    if value is None:
        return "none"
    if choice == "top_fraction" and value != PLATEAU:
        return f"top {100 * float(value):g} %"
    return value.replace("_", " ") if isinstance(value, str) else f"{value:g}"


def choices_text(choices: Mapping[str, Value | None]) -> str:
    """Several choices in one line.

    Examples:
        >>> choices_text({"percentile": 10.0, "replacement": "zero"})
        'percentile 10, ablated to zero'
    """
    return ", ".join(f"{choice_name(name)} {value_text(name, value)}" for name, value in choices.items())
