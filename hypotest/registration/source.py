"""A YAML file as plain data, with the place of every key and value.

A protocol is data and nothing else: no tags, no aliases, one document, bounded size and depth. The
file is read from YAML's events rather than by a loader, so that nothing is constructed, nothing
expands, and no depth of nesting can exhaust the stack.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from hypotest.registration.findings import Finding, KeyPath, shown
from hypotest.registration.text import read_text, refuse

MAX_DEPTH = 24
MAX_VALUES = 5_000
MAX_DIGITS = 40


@dataclass(slots=True)
class YamlSource:
    """What a file says, and where it says it. Lines and columns count from 0."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    """KeyPath of a mapping's entry -> place of its key."""
    values: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    """KeyPath -> place of its value."""
    findings: list[Finding] = field(default_factory=list)
    """What is wrong and does not keep the rest from being read."""

    def mark(self, path: KeyPath, at_key: bool = False) -> tuple[int, int]:
        """Place of a key; of the nearest enclosing one that exists, if this one is missing."""
        if path in self.keys and (at_key or self._is_collection(path)):
            return self.keys[path]
        for end in range(len(path), 0, -1):
            places = self.values if end == len(path) else self.keys
            mark = places.get(path[:end], self.values.get(path[:end]))
            if mark is not None:
                return mark
        return (0, 0)

    def where(self, mark: tuple[int, int]) -> str:
        """``file:line:column``, counted from 1."""
        return f"{self.file}:{mark[0] + 1}:{mark[1] + 1}"

    def _is_collection(self, path: KeyPath) -> bool:
        # A block collection begins on the line after its key; the key is what a reader looks for.
        value: Any = self.data
        try:
            for part in path:
                value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
        return isinstance(value, dict | list)


def read_source(file: str | os.PathLike[str]) -> YamlSource:
    """Read a YAML file without interpreting it.

    Args:
        file: KeyPath of a UTF-8 file of at most 256 KiB.

    Returns:
        Its data and places. ``findings`` lists what could be skipped: repeated keys, tags, aliases,
        empty values, numbers that are not finite.

    Raises:
        ProtocolError: If the file cannot be read, or is not one YAML mapping.
    """
    path = os.fspath(file)
    text = read_text(path)
    source = YamlSource(path if path.isprintable() else shown(path))
    # The parser warns about directives and doubtful numbers; both are judged here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _build(source, _events(source.file, text))
    return source


_HINTS = (
    ("'\\t'", "indent with spaces, not tabs"),
    (
        "mapping values are not allowed",
        "check the indentation; a text that contains ': ' needs quotes",
    ),
    ("expected ':'", "every key is followed by a colon and a space"),
    ("expected <block end>", "check the indentation: keys of one mapping begin in one column"),
    ("cannot start any token", "a text that begins with a special character needs quotes"),
    ("expected ',' or", "close the bracket"),
    ("unexpected end of stream", "close the quotes"),
)


def _events(name: str, text: str) -> Iterator[Event]:
    """Parse, and turn every failure of the parser into a `ProtocolError`."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context or "cannot be read")
        hint = next((hint for sign, hint in _HINTS if sign in problem), "check the syntax here")
        refuse(where, f"must be YAML; {problem}: {hint}")
    except Exception as error:
        # On damaged escapes and directives the parser raises ValueError, TypeError and others
        # without a place; whatever they are, the file is not YAML.
        position = getattr(error, "position", None)
        where = name
        if isinstance(position, int):
            line = text.count("\n", 0, position)
            where = f"{name}:{line + 1}:{position - text.rfind(chr(10), 0, position)}"
        reason = getattr(error, "reason", None) or type(error).__name__
        refuse(where, f"must be YAML; {reason}: remove what is unusual here")


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen."""

    path: KeyPath
    content: dict[str, Any] | list[Any]
    key: str | None = None


def _build(source: YamlSource, events: Iterator[Event]) -> None:
    stack: list[_Open] = []
    documents = values = 0
    for event in events:
        mark = (event.start_mark.line, event.start_mark.column)
        where = source.where(mark)
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                refuse(where, "must be one document; found a second one: remove the '---'")
            if event.tags or (event.version is not None and tuple(event.version) != (1, 2)):
                refuse(where, "must be plain YAML 1.2; found a directive: remove the '%' line")
            continue
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            stack.pop()
            continue
        if not isinstance(event, NodeEvent):
            continue
        values += 1
        if values > MAX_VALUES:
            refuse(where, f"must hold at most {MAX_VALUES} values: not a protocol")
        if not stack and not isinstance(event, MappingStartEvent):
            refuse(where, "must be a mapping, `key: value` line by line; found something else")
        top = stack[-1] if stack else None
        if top is not None and isinstance(top.content, dict) and top.key is None:
            _open_key(source, top, event, mark)
            continue
        path = _path_of_next(top)
        value = _value(source, path, event, mark)
        if top is not None:
            _put(source, top, path, value, mark)
        if isinstance(value, dict | list):
            if len(stack) == MAX_DEPTH:
                refuse(where, f"must be nested at most {MAX_DEPTH} deep: not a protocol")
            stack.append(_Open(path, value))
            if top is None and isinstance(value, dict):
                source.data = value
    if not documents:
        refuse(source.where((0, 0)), "is empty: `hypotest init` writes a protocol to begin with")


def _open_key(source: YamlSource, top: _Open, event: NodeEvent, mark: tuple[int, int]) -> None:
    if not isinstance(event, ScalarEvent) or event.tag is not None:
        refuse(source.where(mark), "a key must be a single word; found a collection, alias or tag")
    top.key = str(event.value)
    path = (*top.path, top.key)
    if not top.key.isprintable():
        refuse(source.where(mark), f"a key must be printable; found {shown(top.key)}")
    if path in source.keys:
        first = source.keys[path][0] + 1
        message = f"repeated key; the first is on line {first}: remove one of them"
        source.findings.append(Finding(path, message, mark=mark, taints=False))
    else:
        source.keys[path] = mark


def _path_of_next(top: _Open | None) -> KeyPath:
    if top is None:
        return ()
    if isinstance(top.content, list):
        return (*top.path, len(top.content))
    return (*top.path, top.key or "")


def _put(source: YamlSource, top: _Open, path: KeyPath, value: Any, mark: tuple[int, int]) -> None:
    if isinstance(top.content, list):
        top.content.append(value)
    else:
        # The first of two equal keys counts; the second is parsed and dropped.
        top.content.setdefault(str(path[-1]), value)
        top.key = None
    source.values.setdefault(path, mark)


def _value(source: YamlSource, path: KeyPath, event: NodeEvent, mark: tuple[int, int]) -> Any:
    """The value that an event begins: an empty collection, a scalar, or None if it is refused."""

    def report(message: str) -> None:
        # An empty value is placed where the next token begins; the reader looks for its key.
        place = source.keys.get(path, mark) if getattr(event, "value", None) == "" else mark
        source.findings.append(Finding(path, message, mark=place))

    if isinstance(event, AliasEvent):
        report("must be written out; found an alias (*): copy the value here")
        return None
    tag = getattr(event, "tag", None)
    if tag is not None:
        report(f"must be plain data; found the tag {shown(str(tag))}: remove it")
    if isinstance(event, MappingStartEvent):
        return {}
    if isinstance(event, SequenceStartEvent):
        return []
    text = str(getattr(event, "value", ""))
    quoted = getattr(event, "style", None) is not None
    value = text if quoted or tag is not None else plain_scalar(text)
    refused = refusal(text, value)
    if refused:
        report(refused)
        return None
    return value


def refusal(text: str, value: Any) -> str:
    """Why a scalar cannot stand in a protocol; empty if it can."""
    if value is None:
        return "must have a value; found nothing: add one, write {} for defaults, or remove the key"
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number; found {shown(text)}"
    if isinstance(value, int) and len(text) > MAX_DIGITS:
        return f"must be a number of at most {MAX_DIGITS} digits; found {len(text)}"
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        return "must be text; found half of a surrogate pair: remove the escape"
    return ""


_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def plain_scalar(text: str) -> Any:
    """Resolve a scalar without quotes by the core schema of YAML 1.2, section 10.3.2.

    `yes` and dates stay text: in a protocol they are no values of their own.
    """
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text) or _BASED_INT.fullmatch(text):
        if len(text) > MAX_DIGITS:
            return 0  # refused for its length; Python refuses to read thousands of digits
        return int(text, 10) if _INT.fullmatch(text) else int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return math.inf if _NOT_FINITE.fullmatch(text) else text
