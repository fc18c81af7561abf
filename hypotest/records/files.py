"""Files: whether one that somebody names can be read, and how one is written."""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path

from hypotest.errors import OutputError

MAX_BYTES = 2**31
"""Of a table, of a text, and of all texts of a corpus together: room for the validation part of The Pile."""


def file_obstacle(path: str | Path, most: int = MAX_BYTES) -> str:
    """Why a file cannot be read; empty if it can.

    Links are followed. Devices and pipes are refused: some never end, others never begin.

    Args:
        path: The file.
        most: Bytes that it may have.
    """
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            return "must be a file; found a folder: name the files inside it"
        if not stat.S_ISREG(found.st_mode):
            return "must be a regular file; found a device or pipe"
        if not os.access(path, os.R_OK):
            return "cannot be read: Permission denied"
    except FileNotFoundError:
        return "no such file: check the path"
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if found.st_size > most:
        return f"must have at most {most / 2**20:,.0f} MiB; found {found.st_size / 2**20:,.0f} MiB"
    return ""


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there completely or not at all; what was there is replaced.

    Args:
        path: The file; folders that are missing above it are made.
        text: Its content.

    Raises:
        OutputError: If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
