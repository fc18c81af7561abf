"""Files: whether one that somebody names can be read, and how one is written."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hypotest.errors import OutputError

if sys.platform != "win32":
    import fcntl

MAX_BYTES = 2**31
"""Of a table, of a text, and of all texts of a corpus together: room for the validation part of The Pile."""

_POINTER = b"version https://git-lfs.github.com/spec/"
POINTER_WORDS = "is a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`"


def file_obstacle(path: str | Path, most: int = MAX_BYTES) -> str:
    """Why a file cannot be read; empty if it can.

    Links are followed. Devices and pipes are refused: some never end, others never begin.

    Args:
        path: The file.
        most: Bytes that it may have.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            return "must be a file; found a folder: name the files inside it"
        if not stat.S_ISREG(status.st_mode):
            return "must be a regular file; found a device or pipe"
        if not os.access(path, os.R_OK):
            return "cannot be read: Permission denied"
    except FileNotFoundError:
        return "no such file: check the path"
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if is_pointer(path):
        return POINTER_WORDS
    if status.st_size > most:
        return f"must have at most {most / 2**20:,.0f} MiB; found {status.st_size / 2**20:,.0f} MiB"
    return ""


def is_pointer(path: str | Path) -> bool:
    """Whether a file is what Git LFS leaves in the place of a large one that it has not fetched."""
    try:
        with open(path, "rb") as stream:
            return stream.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


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


def require_run(folder: Path) -> None:
    """Say at once that a folder is none that a run left behind.

    Only what is certain: a damaged run is for `hypotest verify` to describe.

    Args:
        folder: Of a run, perhaps.

    Raises:
        OutputError: If there is no such folder, or it holds neither file by which a run is known, or only
            files of those names that something else has written.
    """
    if not folder.is_dir():
        kind = "a file" if folder.exists() else "nothing of that name"
        raise OutputError(f"{folder}: must be the folder of a run; found {kind}: {_RUNS}")
    names = [name for name in _KNOWN_BY if (folder / name).is_file()]
    if not names:
        listed = " nor ".join(_KNOWN_BY)
        raise OutputError(f"{folder}: holds neither {listed}. Is it the folder of a run? {_RUNS}")
    if all(_is_foreign(folder / name, _KNOWN_BY[name]) for name in names):
        raise OutputError(f"{folder}: {' and '.join(names)} there are not hypotest's. {_RUNS}")


_KNOWN_BY = {"results.json": "schema_version", "manifest.json": "hypotest"}
"""Files by which a run is known -> a key that each has."""
_RUNS = "Runs are folders such as reports/<protocol id>/<time>-<hash>"


def _is_foreign(path: Path, key: str) -> bool:
    """Whether it is JSON of something else; what cannot be read may be a damaged run."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return not isinstance(content, dict) or key not in content


def python_hash(folder: Path) -> str:
    """SHA-256 over paths and contents of a folder's Python files; line breaks count alike on all systems."""
    digest = hashlib.sha256()
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py")):
        content = (folder / name).read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def bytes_if_there(path: Path) -> bytes | None:
    """What a file holds; None where there is none.

    Raises:
        OutputError: If it is there and cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from None


@contextmanager
def held(stream: IO[bytes]) -> Iterator[None]:
    """Nobody else appends to an open file meanwhile; on Windows, appending in one write has to do."""
    if sys.platform != "win32":
        fcntl.flock(stream, fcntl.LOCK_EX)  # released when the file is closed
    yield
