"""What all parts of a protocol have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Lower-case letters, digits, dashes; safe as a file name."""


def either(words: str | tuple[str, ...] | None, otherwise: Any, wanted: str) -> Discriminator:
    """Read a value as a word (any, if None) or as something else, so that an error names what was meant.

    Left to itself, pydantic reports the failure of every alternative of a union.
    """

    def alternative(value: Any) -> str | None:
        if isinstance(value, otherwise | BaseModel) and not isinstance(value, bool):
            return "other"
        allowed = (words,) if isinstance(words, str) else words
        is_word = isinstance(value, str) and (allowed is None or value in allowed)
        return "word" if is_word else None

    return Discriminator(alternative, custom_error_type="alternatives", custom_error_message=wanted)


class Strict(BaseModel):
    """Frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class BuiltLate:
    """A part whose model knows all that is registered, and so is built when it is first used."""

    model: Callable[[], type[BaseModel]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What pydantic asks an annotation for."""
        return handler.generate_schema(self.model())
