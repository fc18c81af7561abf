"""Conditions a little wider, narrower or otherwise different from those that a protocol has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from hypotest.predicates.combine import Definitions, predicate_of
from hypotest.records.protocol.conditions import COMBINATIONS, Condition, Leaf, OneKey, leaves


def varied(condition: Condition, change: Callable[[Leaf], Any]) -> Condition:
    """The condition with other options of its predicates."""
    return _varied(condition, (), {leaf.path: change(leaf) for leaf in leaves(condition)})


def wider(conditions: Definitions) -> list[tuple[str, Iterator[Definitions]]]:
    """Other definitions of two conditions that may have rows enough where a text is short of them.

    Args:
        conditions: Each one predicate, about the same; else there are none.

    Returns:
        Why, and the conditions, the smallest change first; a pair for each kind of change.
    """
    one, *more = leaves(next(iter(conditions.values())))
    other, *others = leaves(list(conditions.values())[1])
    if more or others or one[:3] != other[:3]:
        return []

    def changed(pairs: Iterable[tuple[Any, Any]]) -> Iterator[Definitions]:
        for pair in pairs:
            yield {
                name: _with_options(condition, options)
                for (name, condition), options in zip(conditions.items(), pair, strict=True)
            }

    return [(why, changed(pairs)) for why, pairs in predicate_of(one).wider(one.options, other.options)]


def differences(one: Definitions, other: Definitions) -> Iterator[tuple[str, Any, Any]]:
    """Dotted keys in which two definitions of the same form differ, and both values."""
    for name, condition in one.items():
        for here, there in zip(leaves(condition), leaves(other[name]), strict=True):
            key = ".".join(("conditions", name, *map(str, here.path)))
            if not isinstance(here.options, BaseModel):
                if here.options != there.options:
                    yield key, here.options, there.options
                continue
            for option in type(here.options).model_fields:
                old, new = getattr(here.options, option), getattr(there.options, option)
                if old != new:
                    yield f"{key}.{option}", old, new


def narrower(condition: Condition) -> Iterator[tuple[str, Condition]]:
    """Stricter definitions of a condition that is one predicate: what changes, and the condition."""
    one, *more = leaves(condition)
    if more or "not" in one.path:
        return
    for words, options in predicate_of(one).narrower(one.options):
        yield words, _with_options(condition, options)


def _with_options(condition: Condition, options: Any) -> Condition:
    """A condition that is one predicate, with other options."""
    return varied(condition, lambda leaf: options)


def _varied(condition: Condition, path: tuple[str | int, ...], changed: Mapping[Any, Any]) -> Condition:
    key, value = condition.key, condition.value
    new: Any
    if key == "not":
        new = _varied(value, (*path, key), changed)
    elif key in COMBINATIONS:
        new = tuple(_varied(item, (*path, key, place), changed) for place, item in enumerate(value))
    elif isinstance(value, OneKey):
        new = value.model_copy(update={value.key: changed[(*path, key, value.key)]})
    else:
        new = changed[(*path, key)]
    return condition.model_copy(update={key: new})
