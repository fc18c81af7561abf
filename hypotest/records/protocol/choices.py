"""The section ``multiverse`` of a protocol: other defensible choices of the analysis.

Beside those of evidence and group, which stand here, every option of a measure can be varied that says so
(`hypotest.measures`); they are asked for as nulls are (`hypotest.records.protocol.nulls`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, create_model
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

from hypotest.records.protocol.strict import Strict

AblationKind = Literal["mean", "zero", "resample"]
OF_CONDITIONS = ("percentile", "of")
"""Choices that reach the predicates of conditions."""
SHARED_CHOICES = (*OF_CONDITIONS, "replacement", "top_fraction")
"""Choices that change evidence or group, which several predictions share; all others are options of "
"measures."""


class Multiverse(Strict):
    """Other defensible choices of the analysis, for ``hypotest multiverse``; a run does not look at them."""

    percentile: tuple[float, ...] = Field(
        default=(), description="in percent: the border between conditions that are ranges of frequency"
    )
    of: tuple[Literal["types", "occurrences"], ...] = Field(
        default=(), description="what the percentile is a share of"
    )
    replacement: tuple[AblationKind, ...] = Field(default=(), description="what ablated neurons are set to")
    top_fraction: tuple[float, ...] = Field(default=(), description="group size, a share of the layer")
    draws: int = Field(
        default=999, ge=1, le=10**6, description="number of draws of each null, in every specification"
    )

    @property
    def listed(self) -> dict[str, tuple[Any, ...]]:
        """Choice -> the values that are listed, where there are some; shared choices first."""
        values = {name: value for name, value in self if name != "draws" and value}
        return dict(sorted(values.items(), key=lambda item: item[0] not in SHARED_CHOICES))


@cache
def multiverse_model() -> type[Multiverse]:
    """The record with a field for every option of a measure that can be varied."""
    known = import_module("hypotest.measures.registry").CHOICES
    fields: dict[str, Any] = {
        name: (tuple[_kind(option), ...], FieldInfo(default=(), description=option.description))  # type: ignore[misc]
        for name, option in known.items()
    }
    return create_model("Multiverse", __base__=Multiverse, __doc__=Multiverse.__doc__, **fields)


def _kind(option: Any) -> Any:
    return Literal[option.choices] if option.choices else type(option.default)


class _AllOfThem:
    """In a model that is built when it is first used."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(multiverse_model())


AllChoices = Annotated[Multiverse, _AllOfThem()]
