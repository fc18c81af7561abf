"""What a measure is called wherever it is spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from hypotest.records.protocol.conditions import Conditions, named


@dataclass(frozen=True, slots=True)
class MeasureWords:
    """What texts say of a measure: explanations, methods, reports, axes.

    ``{first}`` and ``{second}`` stand for the names of the protocol's conditions.
    """

    title: str
    """What is measured, in a few words."""
    unit: str
    what: str
    """Continues "Measured:", for a reader who knows the question and not the statistics."""
    less: str
    """What the outcome says."""
    greater: str
    label: str
    """Of its axis, with the unit."""
    question: str
    method: str
    """One clause for the methods paragraph, with its source."""
    transformed: str = ""
    """A sentence on what is transformed before it is measured; empty: nothing is."""
    transformed_if: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The value of an option -> the sentence then."""
    beside: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name of a number that stands beside the tested one -> what it is."""

    def of(self, names: Conditions) -> MeasureWords:
        """The words with the names of a protocol's conditions."""
        texts: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        said = {name: named(text, names) for name, text in texts.items() if isinstance(text, str)}
        beside = {named(name, names): named(text, names) for name, text in self.beside.items()}
        return MeasureWords(**{**texts, **said, "beside": beside})
