"""A protocol as the file that a person would write: YAML in the order of the language, without defaults."""

from __future__ import annotations

import json
import re
from typing import Any

from hypotest.records.protocol.examples import SAMPLE_DEFAULTS
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.strict import Strict
from hypotest.registration.source import plain_scalar

_WIDTH = 100
"""Columns within which a mapping or list stays on its line."""
_PLAIN = re.compile(r"[A-Za-z0-9/](?:[A-Za-z0-9/_.()?;+*= '-]|:(?=[A-Za-z0-9]))*")
"""Text that needs no quotes, wherever it stands."""
_LINE = re.compile(_PLAIN.pattern.replace("|", "|,|", 1))
"""Text that needs none on a line of its own."""
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Keys that need none: they are text whatever they look like, ``null`` too."""


def written(record: Strict) -> dict[str, Any]:
    """A part of a protocol as a file has it: without defaults, each expectation under its hypothesis.

    Args:
        record: A protocol, or any part of one.
    """
    data: dict[str, Any] = record.model_dump(mode="json", exclude_defaults=True)
    if isinstance(record, Protocol):
        data["predictions"] = [written(item) for item in record.predictions]
        data = _of_material(data, record)
    if isinstance(record, Prediction):
        expected = data.pop("expects", {})
        data |= {name: _expectation(outcomes) for name, outcomes in expected.items()}
    return data


def _of_material(data: dict[str, Any], protocol: Protocol) -> dict[str, Any]:
    """Without the default text; with examples other keys of ``sample`` have their default."""
    changed = {"corpus": data.get("corpus") or None}
    if protocol.material != "text":
        sample = {
            name: value for name, value in data.get("sample", {}).items() if name not in SAMPLE_DEFAULTS
        }
        for name, default in SAMPLE_DEFAULTS.items():
            value = getattr(protocol.sample, name)
            if value != default:
                sample[name] = list(value) if isinstance(value, tuple) else value
        changed["sample"] = sample or None
    both = {**data, **changed}
    return {name: both[name] for name in type(protocol).model_fields if both.get(name) is not None}


def yaml_text(data: dict[str, Any]) -> str:
    """Plain data as YAML; what belongs together and is short stands on one line.

    Args:
        data: A protocol as plain data.

    Examples:
        >>> print(yaml_text({"id": "one", "group": {"select": {"top_fraction": 0.02}}}), end="")
        id: one
        group:
          select: {top_fraction: 0.02}
    """
    return "\n".join(line for key, value in data.items() for line in _entry(key, value, 0)) + "\n"


def _expectation(outcomes: list[str]) -> str | list[str]:
    if not outcomes:
        return "any"
    return outcomes if len(outcomes) > 1 else outcomes[0]


def _entry(key: str, value: Any, depth: int) -> list[str]:
    """A key with its value, as lines."""
    start = f"{'  ' * depth}{_key(key)}:"
    line = f"{start} {_scalar(value, _LINE) if isinstance(value, str) else _flow(value)}"
    whole = isinstance(value, dict | list) and value and (depth == 0 or len(line) > _WIDTH)
    if not whole or (isinstance(value, list) and len(line) <= _WIDTH and key != "predictions"):
        return [line]
    if isinstance(value, dict):
        return [start, *(line for name, item in value.items() for line in _entry(name, item, depth + 1))]
    lines = [start]
    for item in value:
        if not isinstance(item, dict) or not item:
            lines.append(f"{'  ' * (depth + 1)}- {_flow(item)}")
            continue
        first, *others = (line for name, of in item.items() for line in _entry(name, of, depth + 2))
        lines += [f"{'  ' * (depth + 1)}- {first.lstrip()}", *others]
    return lines


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _key(key: str) -> str:
    return key if _WORD.fullmatch(key) else _scalar(key)


def _scalar(value: Any, plain: re.Pattern[str] = _PLAIN) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if plain.fullmatch(value) and value == value.strip() and plain_scalar(value) == value:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)
