"""What keeps its label together: within which units of the rows a condition holds everywhere or nowhere.

Only such units can change labels without tearing apart what belongs together. A unit is named by the factors
that tell its members apart; one unit is finer than another if it has all its factors and more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Unit = Literal["type", "token", "document", "document_type", "span", "position"]
"""Target types; types of the current token; documents; target types within documents; spans of text; rows."""

_FACTORS: dict[Unit, frozenset[str]] = {
    "type": frozenset({"target"}),
    "token": frozenset({"token"}),
    "document": frozenset({"document"}),
    "document_type": frozenset({"document", "target"}),
    "span": frozenset({"document", "span"}),
}
_EVERYTHING = frozenset({"target", "token", "document", "span", "position"})

UNIT_WORDS: dict[Unit, str] = {
    "type": "token types to be predicted",
    "token": "types of the current token",
    "document": "documents",
    "document_type": "token types within documents",
    "span": "spans of text",
    "position": "single positions",
}
"""In the plural."""


def common_unit(units: Iterable[Unit]) -> Unit:
    """The coarsest unit within which labels are constant that are constant within each of these.

    Examples:
        >>> common_unit(["type", "type"]), common_unit(["type", "document"]), common_unit(["token", "type"])
        ('type', 'document_type', 'position')
    """
    factors = frozenset[str]().union(*map(_factors, units))
    return next((unit for unit, own in _FACTORS.items() if own == factors), "position")


def constant_within(exchange: Unit, unit: Unit) -> bool:
    """Whether labels that are constant within `exchange` are so within a unit: itself, or a finer one.

    Examples:
        >>> constant_within("type", "document_type"), constant_within("document", "type")
        (True, False)
    """
    return _factors(exchange) <= _factors(unit)


def _factors(unit: Unit) -> frozenset[str]:
    return _FACTORS.get(unit, _EVERYTHING)
