"""The section ``multiverse`` of a protocol: other defensible choices of the analysis.

Beside those of conditions, group and ablation, which stand here, every option of a measure can be varied that
says so (`hypotest.measures`); they are asked for as nulls are (`hypotest.records.protocol.nulls`).
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model
from pydantic.fields import FieldInfo

from hypotest.records.protocol.group import By, Select
from hypotest.records.protocol.strict import BuiltLate, Strict

AblationKind = Literal["mean", "zero", "resample"]
CONDITIONS = "conditions"
SHARED_CHOICES = (CONDITIONS, "replacement", "select", "by")
"""Choices that change evidence or group, which several predictions share; all others are options of
measures. Of the first there are as many as it lists paths."""


class Multiverse(Strict):
    """Other defensible choices of the analysis, for ``hypotest multiverse``; a run does not look at them."""

    conditions: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(
        default={},
        description="path of an option below `conditions` -> other values, such as "
        "`rare.target.frequency.of: [occurrences]`; several paths with a comma between them change together",
    )
    replacement: tuple[AblationKind, ...] = Field(default=(), description="what ablated neurons are set to")
    select: tuple[Select, ...] = Field(
        default=(), description="which neurons are tested, as `group.select` says it"
    )
    by: tuple[By, ...] = Field(default=(), description="what neurons are ranked by")
    draws: int = Field(
        default=999, ge=1, le=10**6, description="number of draws of each null, in every specification"
    )

    @property
    def listed(self) -> dict[str, tuple[Any, ...]]:
        """Choice -> the values that are listed, where there are some; shared choices first."""
        values = {name: value for name, value in self if name not in ("draws", CONDITIONS) and value}
        shared = {name: values.pop(name) for name in SHARED_CHOICES if name in values}
        return {**self.conditions, **shared, **values}


def kind_of(choice: str) -> str:
    """Which of the shared choices, or which option of a measure, a name of `Multiverse.listed` is.

    Examples:
        >>> kind_of("rare.target.frequency.of"), kind_of("select"), kind_of("bins")
        ('conditions', 'select', 'bins')
    """
    return CONDITIONS if "." in choice else choice


def is_shared(choice: str) -> bool:
    """Whether several predictions share it."""
    return kind_of(choice) in SHARED_CHOICES


def plain(value: Any) -> str | int | float:
    """A value as tables and records hold it: numbers and words as they are, anything else as JSON.

    Examples:
        >>> plain(0.5), plain("zero"), plain(True), plain(("a", "b"))
        (0.5, 'zero', 'true', '["a", "b"]')
    """
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    content = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.dumps(content, ensure_ascii=False)


@cache
def multiverse_model() -> type[Multiverse]:
    """The record with a field for every option of a measure that can be varied."""
    known = import_module("hypotest.measures.registry").CHOICES
    fields: dict[str, Any] = {
        # the type is made from the option, which mypy cannot read
        name: (tuple[_kind(option), ...], FieldInfo(default=(), description=option.description))  # type: ignore[misc]
        for name, option in known.items()
    }
    return create_model("Multiverse", __base__=Multiverse, __doc__=Multiverse.__doc__, **fields)


def _kind(option: Any) -> Any:
    return Literal[option.choices] if option.choices else type(option.default)


AllChoices = Annotated[Multiverse, BuiltLate(multiverse_model)]
