"""A YAML file as plain data, with the place of every key and value.

A protocol is data and nothing else: no tags, no aliases, one document, bounded size and depth. The file
is read from YAML's events rather than by a loader, so that nothing is constructed, nothing expands, and
no depth of nesting can exhaust the stack.
"""

from __future__ import annotations

import math
import os
import pathlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from hypotest.errors import Problem, ProtocolError
from hypotest.registration.findings import Finding, Path, nearest, shown

MAX_BYTES = 2**20
MAX_DEPTH = 24
MAX_VALUES = 20_000
MAX_DIGITS = 40


@dataclass(slots=True)
class Source:
    """What a file says, and where it says it. Lines and columns count from 0."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Path of a mapping's entry -> place of its key."""
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Path -> place of its value."""
    findings: list[Finding] = field(default_factory=list)
    """What is wrong and does not keep the rest from being read."""

    def mark(self, path: Path, at_key: bool = False) -> tuple[int, int]:
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

    def _is_collection(self, path: Path) -> bool:
        # A block collection begins on the line after its key; the key is what a reader looks for.
        value: Any = self.data
        try:
            for part in path:
                value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
        return isinstance(value, dict | list)


def read_source(file: str | os.PathLike[str]) -> Source:
    """Read a YAML file without interpreting it.

    Args:
        file: Path of a UTF-8 file of at most 1 MiB.

    Returns:
        Its data and places. ``findings`` lists what could be skipped: repeated keys, tags, aliases,
        empty values, numbers that are not finite.

    Raises:
        ProtocolError: If the file cannot be read, or is not one YAML mapping.
    """
    name = os.fspath(file)
    text = _read_text(name)
    source = Source(name)
    _build(source, _events(name, text))
    return source


def _refuse(where: str, message: str) -> NoReturn:
    raise ProtocolError([Problem(where, "", message)])


def _read_text(name: str) -> str:
    shown_name = name if name.isprintable() else shown(name)
    try:
        path = pathlib.Path(name)
        if path.is_dir():
            _refuse(shown_name, "must be a YAML file; found a folder: name a file inside it")
        if path.exists() and not path.is_file():
            _refuse(shown_name, "must be a regular file; found a device or pipe")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        _refuse(shown_name, "no such file" + _similar_file(name))
    except (OSError, ValueError) as error:
        # ValueError: a NUL character in the name.
        reason = getattr(error, "strerror", None) or str(error)
        _refuse(shown_name, f"cannot be read: {reason}")
    if len(content) > MAX_BYTES:
        _refuse(shown_name, f"must be at most {MAX_BYTES // 2**20} MiB: not a protocol")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        _refuse(
            f"{shown_name}:{line}:{column}",
            f"must be UTF-8 text; found byte 0x{content[error.start]:02x}: save the file as UTF-8",
        )
    if not text.strip():
        _refuse(shown_name, "is empty: `hypotest init` writes a protocol to begin with")
    return text


def _similar_file(name: str) -> str:
    path = pathlib.Path(name)
    try:
        files = [item.name for item in path.parent.iterdir() if item.suffix in (".yaml", ".yml")]
    except OSError:
        return ": check the path"
    match = nearest(path.name, files)
    return f"; did you mean '{path.parent / match}'?" if match else ": check the path"


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
    parser = YAML(typ="safe", pure=True)
    try:
        # The parser warns about directives and doubtful numbers; both are judged here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream = parser.parse(text)
        while True:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                event = next(stream, None)
            if event is None:
                return
            yield event
    except (ProtocolError, GeneratorExit):
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context or "cannot be read")
        hint = next((hint for sign, hint in _HINTS if sign in problem), "check the syntax here")
        _refuse(where, f"must be YAML; {problem}: {hint}")
    except Exception as error:
        # On damaged escapes and directives the parser raises ValueError, TypeError, AttributeError and
        # others without a place; whatever they are, the file is not YAML.
        position = getattr(error, "position", None)
        where = name
        if isinstance(position, int):
            line = text.count("\n", 0, position)
            where = f"{name}:{line + 1}:{position - text.rfind(chr(10), 0, position)}"
        reason = getattr(error, "reason", None) or type(error).__name__
        _refuse(where, f"must be YAML; {reason}: remove what is unusual here")


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen."""

    path: Path
    content: dict[str, Any] | list[Any]
    key: str | None = None


def _build(source: Source, events: Iterator[Event]) -> None:
    stack: list[_Open] = []
    documents = values = 0
    for event in events:
        mark = (event.start_mark.line, event.start_mark.column)
        where = source.where(mark)
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                _refuse(where, "must be one document; found a second one: remove the '---'")
            if event.tags or (event.version is not None and tuple(event.version) != (1, 2)):
                _refuse(where, "must be plain YAML 1.2; found a directive: remove the '%' line")
            continue
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            stack.pop()
            continue
        if not isinstance(event, ScalarEvent | AliasEvent | MappingStartEvent | SequenceStartEvent):
            continue
        values += 1
        if values > MAX_VALUES:
            _refuse(where, f"must hold at most {MAX_VALUES} values: not a protocol")
        if not stack and not isinstance(event, MappingStartEvent):
            _refuse(where, "must be a mapping, `key: value` line by line; found something else")
        top = stack[-1] if stack else None
        if top is not None and isinstance(top.content, dict) and top.key is None:
            _open_key(source, top, event, mark)
            continue
        path = _path_of_next(top)
        value = _value(source, path, event, mark)
        if top is not None:
            _put(source, top, path, value, mark)
        if isinstance(value, dict | list) and not isinstance(event, ScalarEvent | AliasEvent):
            if len(stack) == MAX_DEPTH:
                _refuse(where, f"must be nested at most {MAX_DEPTH} deep: not a protocol")
            stack.append(_Open(path, value))
            if top is None and isinstance(value, dict):
                source.data = value
    if not documents:
        _refuse(source.file, "is empty: `hypotest init` writes a protocol to begin with")


def _open_key(source: Source, top: _Open, event: Event, mark: tuple[int, int]) -> None:
    if not isinstance(event, ScalarEvent) or event.tag is not None:
        _refuse(source.where(mark), "a key must be a single word; found a collection, alias or tag")
    top.key = str(event.value)
    path = (*top.path, top.key)
    if not top.key.isprintable():
        _refuse(source.where(mark), f"a key must be printable; found {shown(top.key)}")
    if path in source.keys:
        first = source.keys[path][0] + 1
        message = f"repeated key; the first is on line {first}: remove one of them"
        source.findings.append(Finding(path, message, mark=mark, taints=False))
    else:
        source.keys[path] = mark


def _path_of_next(top: _Open | None) -> Path:
    if top is None:
        return ()
    if isinstance(top.content, list):
        return (*top.path, len(top.content))
    return (*top.path, top.key or "")


def _put(source: Source, top: _Open, path: Path, value: Any, mark: tuple[int, int]) -> None:
    if isinstance(top.content, list):
        top.content.append(value)
    else:
        # The first of two equal keys counts; the second is parsed and dropped.
        top.content.setdefault(str(path[-1]), value)
        top.key = None
    source.values.setdefault(path, mark)


def _value(source: Source, path: Path, event: Event, mark: tuple[int, int]) -> Any:
    def report(message: str) -> None:
        source.findings.append(Finding(path, message, mark=mark))

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
    text = str(event.value)
    if event.style is not None or tag is not None:
        value: Any = text
    else:
        value = _plain_scalar(text)
    if value is None:
        report(
            "must have a value; found nothing: give one, write {} for defaults, or remove the key"
        )
    elif isinstance(value, str) and not _encodable(value):
        report("must be text; found half of a surrogate pair: remove the escape")
        return None
    elif isinstance(value, float) and not math.isfinite(value):
        report(f"must be a finite number; found {shown(text)}")
        return None
    elif isinstance(value, _TooLong):
        report(f"must be a number of at most {MAX_DIGITS} digits; found {len(text)}")
        return None
    return value


class _TooLong:
    """Stands for a whole number that no key could mean."""


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _plain_scalar(text: str) -> Any:
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
            return _TooLong()
        return int(text, 10) if _INT.fullmatch(text) else int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return math.inf if _NOT_FINITE.fullmatch(text) else text
