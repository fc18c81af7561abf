"""A file as text: bounded, UTF-8, or a clear refusal."""

from __future__ import annotations

import pathlib
from typing import NoReturn

from hypotest.errors import Problem, ProtocolError
from hypotest.registration.findings import nearest, shown

MAX_BYTES = 2**18
"""Fifty times a long protocol. For a token of this size the parser takes seconds, for 1 MiB minutes."""


def refuse(where: str, message: str) -> NoReturn:
    """Raise the error of a file that cannot be read any further."""
    raise ProtocolError([Problem(where, "", message)])


def read_text(name: str) -> str:
    """Read a file of at most 256 KiB.

    Args:
        name: Path of a UTF-8 file; a byte order mark is dropped.

    Raises:
        ProtocolError: If the file is missing, is no regular file, cannot be opened, is too large,
            is not UTF-8, or is empty.
    """
    shown_name = name if name.isprintable() else shown(name)
    try:
        path = pathlib.Path(name)
        if path.is_dir():
            refuse(shown_name, "must be a YAML file; found a folder: name a file inside it")
        if path.exists() and not path.is_file():
            refuse(shown_name, "must be a regular file; found a device or pipe")
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        refuse(shown_name, "no such file" + _similar_file(name))
    except (OSError, ValueError) as error:
        # ValueError: a NUL character in the name.
        reason = getattr(error, "strerror", None) or str(error)
        refuse(shown_name, f"cannot be read: {reason}")
    if len(content) > MAX_BYTES:
        refuse(f"{shown_name}:1:1", f"must be at most {MAX_BYTES // 2**10} KiB: not a protocol")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        refuse(
            f"{shown_name}:{line}:{column}",
            f"must be UTF-8 text; found byte 0x{content[error.start]:02x}: save the file as UTF-8",
        )
    if not text.strip():
        refuse(f"{shown_name}:1:1", "is empty: `hypotest init` writes a protocol to begin with")
    return text


def _similar_file(name: str) -> str:
    path = pathlib.Path(name)
    try:
        files = [item.name for item in path.parent.iterdir() if item.suffix in (".yaml", ".yml")]
    except OSError:
        return ": check the path"
    match = nearest(path.name, files)
    return f"; did you mean '{path.parent / match}'?" if match else ": check the path"
