"""Other values of options of conditions, by their paths: the alternatives that a multiverse lists.

A path begins with the name of a condition and goes on with its keys: ``rare.target.frequency.of``, in a list
``rare.all.#2.index.from``, as errors write it. Several with a comma between them change together, as a border
between the conditions does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from hypotest.records.protocol.conditions import Condition, condition_model, with_tuples

_Place = tuple[str | int, ...]


def paths_of(choice: str) -> tuple[_Place, ...]:
    """The paths that a choice changes together.

    Examples:
        >>> paths_of("rare.all.#2.index.from, common.index.below")
        (('rare', 'all', 1, 'index', 'from'), ('common', 'index', 'below'))
    """
    return tuple(tuple(map(_part, path.strip().split("."))) for path in choice.split(","))


def declared_value(conditions: Mapping[str, Condition], choice: str) -> Any:
    """The value that the protocol has at the paths of a choice.

    Raises:
        ValueError: If one of them leads nowhere, or their values differ.
    """
    content = {name: condition.model_dump() for name, condition in conditions.items()}
    values = [_at(content, path) for path in paths_of(choice)]
    if any(value != values[0] for value in values):
        listed = " and ".join(dict.fromkeys(str(value) for value in values))
        raise ValueError(
            f"changes values together that the protocol declares apart ({listed}): list them apart"
        )
    return values[0]


def with_value(conditions: Mapping[str, Condition], choice: str, value: Any) -> dict[str, Condition]:
    """Both conditions with another value at the paths of a choice.

    Raises:
        ValueError: If it is no value there.
    """
    content = {name: condition.model_dump() for name, condition in conditions.items()}
    for path in paths_of(choice):
        *before, last = path
        _at(content, path)
        holder = _at(content, tuple(before))
        if isinstance(holder, tuple):
            raise ValueError("must end with a key, not with a place in a list")
        holder[last] = value
    try:
        return {
            name: condition if content[name] == condition.model_dump() else _condition(content[name])
            for name, condition in conditions.items()
        }
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = str(first.get("ctx", {}).get("error", first["msg"]))
        raise ValueError(f"is no value of that option: {message[:1].lower()}{message[1:]}") from None


def _condition(content: Any) -> Condition:
    return condition_model().model_validate(with_tuples(content))


def _part(text: str) -> str | int:
    number = text.removeprefix("#")
    return int(number) - 1 if number != text and number.isascii() and number.isdigit() else text


def _at(content: Any, path: _Place) -> Any:
    for depth, part in enumerate(path):
        if _holds(content, part):
            content = content[part]
        else:
            there = ".".join(_text(item) for item in path[:depth]) or "conditions"
            known = "nothing further"
            if isinstance(content, dict):
                known = ", ".join(map(str, content))
            elif isinstance(content, tuple):
                known = f"#1 to #{len(content)}"
            raise ValueError(f"leads nowhere: {there} has no {_text(part)}; it has {known}")
    return content


def _holds(content: Any, part: str | int) -> bool:
    if isinstance(content, tuple):
        return isinstance(part, int) and 0 <= part < len(content)
    return isinstance(content, dict) and part in content


def _text(part: str | int) -> str:
    return f"#{part + 1}" if isinstance(part, int) else part
