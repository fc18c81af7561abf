"""The choices of a multiverse in words."""

from __future__ import annotations

from collections.abc import Mapping

from hypotest.predicates.alternatives import paths_of
from hypotest.records.protocol.choices import CONDITIONS, kind_of
from hypotest.records.protocol.group import Rule
from hypotest.studies.multiverse.record import Value

_NAMES = {
    "replacement": "ablated to",
    "select": "group",
    "by": "ranked by",
    "variance": "variance kept",
    "estimator": "estimator",
    "bins": "bins",
    "method": "communities",
    "resolution": "resolution",
    "tail": "tail",
}


def choice_name(choice: str) -> str:
    """A choice as figures and tables call it.

    Examples:
        >>> choice_name("rare.target.frequency.below_percentile, common.target.frequency.from_percentile")
        'rare below_percentile, common from_percentile'
    """
    if kind_of(choice) == CONDITIONS:
        return ", ".join(f"{path[0]} {path[-1]}" for path in paths_of(choice))
    return _NAMES.get(choice, choice)


def value_text(choice: str, value: Value | None) -> str:
    """A value as figures and tables write it.

    Examples:
        >>> value_text("select", '{"top_fraction": 0.05}'), value_text("select", '{"ids": [1, 7]}')
        ('top 5 %', '2 named neurons')
        >>> value_text("variance", 0.9), value_text("bins", None), value_text("select", "plateau")
        ('0.9', 'none', 'plateau')
    """
    if value is None:
        return "none"
    if choice == "select" and str(value).startswith("{"):
        rule = Rule.model_validate_json(str(value))
        return f"{len(rule.ids):,} named neurons" if rule.ids else rule.words.removeprefix("the ")
    if kind_of(choice) == CONDITIONS:
        return str(value) if isinstance(value, str) else f"{value:g}"
    return value.replace("_", " ") if isinstance(value, str) else f"{value:g}"


def choices_text(choices: Mapping[str, Value | None]) -> str:
    """Several choices in one line.

    Examples:
        >>> choices_text({"rare.index.from": 10, "replacement": "zero"})
        'rare from 10, ablated to zero'
    """
    return ", ".join(f"{choice_name(name)} {value_text(name, value)}" for name, value in choices.items())
