"""Protocols to begin with, and the schema file that makes editors explain them.

The first line of a template names ``hypotest.schema.json``, which is written beside the protocol: editors
then complete and explain keys without a network, by the schema of the version that will read the file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from hypotest.errors import OutputError, ProtocolError
from hypotest.measures.registry import MEASURES
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import shown, suggestion
from hypotest.registration.load import judge, load_protocol
from hypotest.registration.schema import schema
from hypotest.registration.source import read_source

SCHEMA_FILE = "hypotest.schema.json"
DEFAULT = "minimal"
_FOLDER = Path(__file__).parent / "templates"
_ABOUT = {
    "minimal": "two predictions; every default is written out",
    "rare-tokens": "ten predictions, decided by neurons alike in all but rare targets",
    "rare-tokens-as-published": "the same, decided by random neurons",
    "smollm2": "rare-tokens on a public model of 135 million parameters, which a package brings",
    "numbers": "digits against words as the tokens to be predicted",
    "induction": "tokens that occurred before in the block against new ones",
    "code": "code against docstrings of the same packages",
    "language": "two languages of one kind of text; the texts are yours",
    "agreement": "minimal pairs of subject and verb, by the difference of two logits; brings its examples",
}
_BRINGS = {"agreement": ("agreement.jsonl",)}
"""Files that are written beside a template."""
_PATTERNS = {"language": ("conditions.german.document.path", "conditions.english.document.path")}
"""Of a template that tells texts of one's own apart: where the pattern of each one's files stands."""
_MEASURES = "# Measures:\n"
"""Behind this line a template lists what can be measured."""
_ID_LINE = re.compile(r"^id: (\S+)( *)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Started:
    """What ``hypotest init`` has written."""

    protocol: Path
    schema_file: Path
    schema_state: Literal["written", "kept", "differs"]
    """``kept``: it was there and says the same; ``differs``: it was there, says something else, and stays."""


def template_names() -> tuple[str, ...]:
    """Names of the templates, the default first."""
    return tuple(_ABOUT)


def template_text(name: str) -> str:
    """The text of a template.

    Raises:
        ProtocolError: If there is none of this name; lists all.
    """
    if name not in _ABOUT:
        width = max(map(len, _ABOUT))
        listed = "\n".join(f"  {one:<{width}}  {about}" for one, about in _ABOUT.items())
        raise ProtocolError(
            f"unknown template {shown(name)}{suggestion(name, _ABOUT)}; templates are\n{listed}"
        )
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return text.replace(_MEASURES, _MEASURES + _listed(), 1)


def _listed() -> str:
    """Every measure on a line of comment, plug-ins' too."""
    width = max(map(len, MEASURES))
    lines = (
        f"#   {name:<{width}}  {item.words.title.format(first='the first', second='the second')}\n"
        for name, item in MEASURES.items()
    )
    return "".join(lines)


def schema_text() -> str:
    """The JSON schema as it stands in a file, without the last line break."""
    return json.dumps(schema(), indent=2, ensure_ascii=False)


def start_protocol(name: str = DEFAULT, path: str | os.PathLike[str] | None = None) -> Started:
    """Write a template, and the schema beside it; what exists is never overwritten.

    A folder that is not there is created, as wherever something is written. The protocol's id becomes the
    name of the file, so that two studies do not share a folder of reports.

    Args:
        name: Of the template.
        path: Of the protocol to write; in a folder, or without a path, it is called as the template is.

    Raises:
        ProtocolError: If there is no such template, the file exists, or its name does not end in .yaml
            or .yml.
        OutputError: If a file cannot be written.
    """
    return _start(template_text(name), _target(name, path), _BRINGS.get(name, ()))


def start_from(name: str, target: Path, changes: Mapping[str, tuple[Any, str]]) -> Started:
    """As `start_protocol`, with other values, which are listed at the head of the file.

    Args:
        name: Of the template.
        target: The file to write.
        changes: Dotted key -> new value, and why it is another one.

    Raises:
        ProtocolError: As `start_protocol`.
        OutputError: As `start_protocol`.
    """
    return _start(_with_values(template_text(name), changes), target, _BRINGS.get(name, ()))


def template_plan(name: str, path: str | os.PathLike[str] | None) -> tuple[Protocol, Path]:
    """A template as a protocol, and the file that it would be written to; its text need not be here.

    Raises:
        ProtocolError: If there is no such template, or the file could not be written.
    """
    template_text(name)
    target = _target(name, path)
    _check(target)
    protocol, problems = judge(read_source(_FOLDER / f"{name}.yaml"))
    assert protocol is not None, problems
    return protocol, target


def patterns_of(name: str) -> tuple[str, ...]:
    """Keys of a template under which patterns of one's own texts stand, one for each; mostly none."""
    return _PATTERNS.get(name, ())


def shipped_plan(name: str) -> Protocol:
    """A template as a protocol; its subject need not be here.

    Raises:
        ProtocolError: If there is no such template.
    """
    template_text(name)
    return load_protocol(_FOLDER / f"{name}.yaml", subject=False)


def control_protocol(name: str) -> Path:
    """The shipped protocol of a network whose organisation is known; ``protocols/controls`` has a copy."""
    return _FOLDER / "controls" / f"{name}.yaml"


def _target(name: str, path: str | os.PathLike[str] | None) -> Path:
    target = Path(f"{name}.yaml") if path is None else Path(path)
    return target / f"{name}.yaml" if os.path.isdir(target) else target


def _with_values(text: str, changes: Mapping[str, tuple[Any, str]]) -> str:
    """Other values in a template, whose comments stay."""
    if not changes:
        return text
    yaml = YAML(typ="rt")
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    data = yaml.load(text)
    for key, (value, _) in changes.items():
        *way, last = key.split(".")
        place = data
        for step in way:
            place = place.setdefault(step, CommentedMap())  # of a key whose default was not written
        place[last] = _in_a_line(value)
    stream = StringIO()
    yaml.dump(data, stream)
    lines = [f"#   {key}: {why}" for key, (_, why) in changes.items()]
    head = "\n".join(["# Changed from the template by `hypotest init --model`:", *lines, "#"])
    dumped = stream.getvalue()
    for key, (_, why) in changes.items():
        dumped = _with_reason(dumped, key.rpartition(".")[2], why)
    first, _, rest = dumped.partition("\n")
    return f"{first}\n#\n{head}\n{rest.removeprefix('#').lstrip(chr(10))}"


def _with_reason(text: str, key: str, why: str) -> str:
    """The comment behind a value gives way to why it is that value, where one stands there."""
    behind = re.compile(rf"^( *{re.escape(key)}: [^#\n]*)# [^\n]*((?:\n {{20,}}#[^\n]*)*)$", re.MULTILINE)
    return behind.sub(lambda match: f"{match[1]}# {why}", text, count=1)


def _in_a_line(value: Any) -> Any:
    written: Any
    if isinstance(value, Mapping):
        written = CommentedMap({key: _in_a_line(item) for key, item in value.items()})
    elif isinstance(value, list):
        written = CommentedSeq([_in_a_line(item) for item in value])
    else:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    written.fa.set_flow_style()
    return written


def _start(text: str, target: Path, brought: Sequence[str] = ()) -> Started:
    try:
        _check(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        for place in (target.parent / name for name in brought):
            _require_free(place)
            _write(place, (_FOLDER / place.name).read_text(encoding="utf-8"))
        _write(target, _with_id(text, target.stem))
        schema_file = target.parent / SCHEMA_FILE
        return Started(target, schema_file, _write_schema(schema_file))
    except OSError as error:
        where = shown(str(error.filename or target))
        raise OutputError(f"{where} cannot be written: {error.strerror or error}") from error
    except ValueError as error:  # a NUL character in the name
        raise ProtocolError(f"{shown(str(target))}: must be the name of a file: {error}") from error


def _check(target: Path) -> None:
    if target.suffix not in (".yaml", ".yml"):
        raise ProtocolError(
            f"{shown(str(target))}: must end in .yaml or .yml: call it {shown(f'{target.name}.yaml')}"
        )
    _require_free(target)


def _require_free(target: Path) -> None:
    if os.path.lexists(target):
        raise ProtocolError(f"{shown(str(target))} exists and is left as it is; name another file")


def _with_id(text: str, stem: str) -> str:
    """A template under the id that a file's name suggests; its own if none can be made of it."""
    name = re.sub(r"[^a-z0-9_-]+", "-", stem.lower()).strip("-_")[:64]
    if not name:
        return text
    # Without quotes YAML would read 2027 as a number, and true as a truth value.
    written = name if name[0].isalpha() and name not in ("true", "false", "null") else f'"{name}"'

    def renamed(match: re.Match[str]) -> str:
        # Comments stay in their column where there is room.
        return f"id: {written:<{max(len(match[1] + match[2]) - 1, len(written))}} "

    return _ID_LINE.sub(renamed, text, count=1)


def _write(path: Path, text: str) -> None:
    """Write a new file; a fragment of one does not stay."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _write_schema(path: Path) -> Literal["written", "kept", "differs"]:
    text = schema_text() + "\n"
    try:
        _write(path, text)
        return "written"
    except FileExistsError:
        try:
            return "kept" if path.read_text(encoding="utf-8") == text else "differs"
        except (OSError, UnicodeDecodeError):
            return "differs"
