"""The section ``conditions`` of a protocol: two conditions with any names, each a predicate on positions.

Which predicates there are, and what they take, stands in a file for each (`hypotest.predicates`, and packages
that add some). They are asked for as nulls are (`hypotest.records.protocol.nulls`), once the first is
read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Annotated, Any, NamedTuple, Optional

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo

from hypotest.records.protocol.strict import BuiltLate, Name, Strict

COMBINATIONS = {
    "all": "positions for which all of these hold",
    "any": "positions for which at least one of these holds",
    "not": "positions for which this does not hold",
}
"""How predicates combine."""


class Conditions(NamedTuple):
    """The names of a protocol's two conditions."""

    first: str
    """On which the group is selected, and measured."""
    second: str

    def other(self, name: str) -> str:
        """The one that is not this one."""
        return self.second if name == self.first else self.first


UNNAMED = Conditions("the first condition", "the second")
"""In texts that speak of any two conditions."""


def named(text: str, names: Conditions) -> str:
    """A text with the names of both conditions in the place of ``{first}`` and ``{second}``.

    Examples:
        >>> named("{first} - {second}", Conditions("rare", "common"))
        'rare - common'
    """
    return text.replace("{first}", names.first).replace("{second}", names.second)


class OneKey(Strict):
    """A mapping with exactly one of its keys."""

    @model_validator(mode="after")
    def _one(self) -> OneKey:
        if len(self._given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"must have exactly one of {known}")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name == self.key}

    @property
    def _given(self) -> list[str]:
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    @property
    def key(self) -> str:
        """The one that is given."""
        (name,) = self._given
        return name

    @property
    def value(self) -> Any:
        """What it is given."""
        return getattr(self, self.key)


class Condition(OneKey):
    """Which positions belong to a condition."""


class Leaf(NamedTuple):
    """One predicate of a condition."""

    path: tuple[str | int, ...]
    """Of its value, from the condition: ``("all", 0, "target", "matches")``."""
    name: str
    """Of the predicate."""
    about: str | None
    """``target`` or ``token``, if it stands under such a key."""
    options: Any


def leaves(condition: Condition, path: tuple[str | int, ...] = ()) -> Iterator[Leaf]:
    """The predicates of a condition, in the order in which they are written."""
    key, value = condition.key, condition.value
    if key == "not":
        yield from leaves(value, (*path, key))
    elif key in COMBINATIONS:
        for place, item in enumerate(value):
            yield from leaves(item, (*path, key, place))
    elif isinstance(value, OneKey):
        yield Leaf((*path, key, value.key), value.key, key, value.value)
    else:
        yield Leaf((*path, key), key, None, value)


@cache
def condition_model() -> type[Condition]:
    """The record with a key for every predicate that is known, and those that combine them."""
    known = import_module("hypotest.predicates.registry")
    fields: dict[str, Any] = {}
    for about, words in known.ABOUT.items():
        inner: dict[str, Any] = {
            name: _optional(item.options, item.words.summary)
            for name, item in known.PREDICATES.items()
            if about in item.about
        }
        model = create_model(about.capitalize(), __base__=OneKey, __doc__=f"What holds of {words}.", **inner)
        fields[about] = _optional(model, f"what holds of {words}")
    for name, item in known.PREDICATES.items():
        if not item.about:
            fields[name] = _optional(item.options, item.words.summary)
    several = Annotated[tuple["Condition", ...], Field(min_length=1, max_length=100)]  # the model made here
    for name, words in COMBINATIONS.items():
        fields[name] = _optional("Condition" if name == "not" else several, words)
    made = create_model(
        "Condition", __base__=Condition, __doc__=Condition.__doc__, __module__=__name__, **fields
    )
    made.model_rebuild(force=True, _types_namespace={"Condition": made})
    return made


def _optional(kind: Any, description: str) -> tuple[Any, FieldInfo]:
    """A key that may be left out."""
    return (Optional[kind], FieldInfo(default=None, description=description))  # noqa: UP045  # a name may be text


def _as_mapping(value: Any) -> Any:
    """A plan that was kept has a list, ``[{name: condition}, ...]``: their order says which is the first."""
    if isinstance(value, list | tuple) and all(isinstance(item, dict) and len(item) == 1 for item in value):
        value = {name: condition for item in value for name, condition in item.items()}
    return with_tuples(value)


def with_tuples(value: Any) -> Any:
    """Lists as tuples, at every depth: what was read by a function is checked as Python's, strictly."""
    if isinstance(value, dict):
        return {key: with_tuples(item) for key, item in value.items()}
    return tuple(map(with_tuples, value)) if isinstance(value, list | tuple) else value


def _two(value: dict[str, Condition]) -> dict[str, Condition]:
    if len(value) != 2:
        raise ValueError(
            "must be two conditions, each with a name of your own: the group is selected on the first"
        )
    return value


AnyCondition = Annotated[Condition, BuiltLate(condition_model)]
TwoConditions = Annotated[dict[Name, AnyCondition], BeforeValidator(_as_mapping), AfterValidator(_two)]
