"""A value against a JSON schema, for the keywords that hypotest's schemas use.

An unknown keyword is an error: what is not checked must not look as if it had been.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_NOTES = {"$schema", "definitions", "title", "description", "default"}


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    """Everything in a value that a schema refuses, with its path."""
    return list(_errors(schema, value, schema, "$"))


def _errors(entry: dict[str, Any], value: Any, root: dict[str, Any], at: str) -> Iterator[str]:
    if entry.get("type") is not None and not _is(value, entry["type"]):
        yield f"{at}: not of type {entry['type']}"
        return
    for keyword, demanded in entry.items():
        if keyword in _NOTES or keyword in ("type", "then"):
            continue
        outcome = _CHECKS[keyword](entry, demanded, value, root, at)
        yield from ([f"{at}: {keyword}"] if outcome is False else outcome if outcome is not True else ())


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _reference(entry, demanded, value, root, at):
    return _errors(root["definitions"][demanded.removeprefix("#/definitions/")], value, root, at)


def _properties(entry, demanded, value, root, at):
    if isinstance(value, dict):
        for name in demanded.keys() & value.keys():
            yield from _errors(demanded[name], value[name], root, f"{at}.{name}")


def _additional(entry, demanded, value, root, at):
    others = value.keys() - entry.get("properties", {}).keys() if isinstance(value, dict) else ()
    for name in others:
        if demanded is False:
            yield f"{at}.{name}: unknown"
        elif demanded is not True:
            yield from _errors(demanded, value[name], root, f"{at}.{name}")


def _pattern_properties(entry, demanded, value, root, at):
    for pattern, schema in demanded.items():
        for name in value if isinstance(value, dict) else ():
            if re.search(pattern, name):
                yield from _errors(schema, value[name], root, f"{at}.{name}")


def _items(entry, demanded, value, root, at):
    for place, item in enumerate(value if isinstance(value, list) else ()):
        yield from _errors(demanded, item, root, f"{at}[{place}]")


def _condition(entry, demanded, value, root, at):
    holds = not list(_errors(demanded, value, root, at))
    return _errors(entry["then"], value, root, at) if holds else True


def _number_of(parts, value, root, at):
    return sum(not list(_errors(part, value, root, at)) for part in parts)


_CHECKS = {
    "$ref": _reference,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "items": _items,
    "if": _condition,
    "allOf": lambda e, parts, v, root, at: [x for part in parts for x in _errors(part, v, root, at)],
    "anyOf": lambda e, parts, v, root, at: _number_of(parts, v, root, at) > 0,
    "oneOf": lambda e, parts, v, root, at: _number_of(parts, v, root, at) == 1,
    "required": lambda e, names, v, root, at: not isinstance(v, dict) or set(names) <= v.keys(),
    "const": lambda e, wanted, v, root, at: v == wanted and isinstance(v, bool) is isinstance(wanted, bool),
    "enum": lambda e, wanted, v, root, at: v in wanted,
    "pattern": lambda e, wanted, v, root, at: re.search(wanted, v) is not None,
    "minLength": lambda e, wanted, v, root, at: len(v) >= wanted,
    "maxLength": lambda e, wanted, v, root, at: len(v) <= wanted,
    "maxItems": lambda e, wanted, v, root, at: len(v) <= wanted,
    "maxProperties": lambda e, most, v, root, at: len(v) <= most,
    "propertyNames": lambda e, name, v, root, at: [x for key in v for x in _errors(name, key, root, at)],
    "minProperties": lambda e, least, v, root, at: len(v) >= least,
    "minItems": lambda e, wanted, v, root, at: len(v) >= wanted,
    "uniqueItems": lambda e, wanted, v, root, at: not wanted or len(set(map(str, v))) == len(v),
    "minimum": lambda e, wanted, v, root, at: v >= wanted,
    "maximum": lambda e, wanted, v, root, at: v <= wanted,
    "exclusiveMinimum": lambda e, wanted, v, root, at: v > wanted,
    "exclusiveMaximum": lambda e, wanted, v, root, at: v < wanted,
}
