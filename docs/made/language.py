"""The protocol language, from the JSON Schema by which editors complete it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from docs.made.text import paragraphs, sentence, table
from hypotest.registration.schema import schema

_ELSEWHERE = {"Expectation"}


@cache
def _schema() -> dict[str, Any]:
    return schema()


def page() -> str:
    """Every key of a protocol."""
    document = _schema()
    definitions = document["definitions"]
    sections = [
        paragraphs(f"({anchor(name)})=\n## {name}", sentence(entry.get("description", "")), _keys(entry))
        for name, entry in definitions.items()
        if name not in _ELSEWHERE and entry.get("properties")
    ]
    return paragraphs(
        "# The protocol language",
        "Every key, its type, range and default, made from the schema that `hypotest init` writes beside a protocol. "
        "[Your own protocol](../guide/own-protocol.md) says how they go together; `hypotest validate` says what is "
        "wrong, by line and column.",
        "## A protocol",
        _keys(document),
        *sections,
    )


def anchor(name: str) -> str:
    """Of a section."""
    return f"protocol-{name.lower()}"


def _keys(entry: Mapping[str, Any]) -> str:
    required = entry.get("required", ())
    rows = [
        (f"`{name}`" + (" *" if name in required else ""), _type(item), _plain(item.get("description", "")))
        for name, item in entry.get("properties", {}).items()
    ]
    said = "`*`: required.\n" if any(name in required for name in entry.get("properties", {})) else ""
    return paragraphs(table(["key", "type", "what it is"], rows), said)


def _plain(text: str) -> str:
    """A description, with what is YAML in it set as code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else _coded(piece) for piece in pieces)


def _coded(text: str) -> str:
    text = re.sub(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", lambda found: f"`{found[0]}`", text)
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([_*<>\[\]])", r"\\\1", piece) for piece in pieces
    )


def _type(item: Mapping[str, Any]) -> str:
    if "$ref" in item:
        name = item["$ref"].rsplit("/", 1)[-1]
        has = _schema()["definitions"].get(name, {}).get("properties")
        return f"[{name}](#{anchor(name)})" if has and name not in _ELSEWHERE else name.lower()
    if "anyOf" in item:
        return " or ".join(dict.fromkeys(map(_type, item["anyOf"])))
    if "allOf" in item:
        return " and ".join(map(_type, item["allOf"]))
    if item.get("type") == "array":
        return f"list of {_type(item.get('items', {}))}"
    if "enum" in item or "const" in item:
        return "one word" if "enum" in item else "fixed"
    return {"object": "mapping", "string": "text", "integer": "whole number", "number": "number"}.get(
        str(item.get("type")), str(item.get("type", "any"))
    )


def keys_of(options: Any) -> str:
    """The keys of a noun's options, from their records."""
    entry = TypeAdapter(options).json_schema()
    properties: Mapping[str, Mapping[str, Any]] = entry.get("properties", {})
    rows = [
        (
            f"`{name}`",
            _plain(item.get("description", "")),
            f"`{_value(item['default'])}`" if "default" in item else "",
        )
        for name, item in properties.items()
    ]
    return table(["key", "what it is", "default"], rows)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)
