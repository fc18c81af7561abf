"""The log of documents that networks were run over: a file of the cache that is only ever added to.

One JSON object per line, written before the network is run, so that a run that is killed has its line too.
It lies beside the evidence, not within: deleting the evidence leaves it. What it cannot show is what happened
on another machine, with another cache or without hypotest, or before both the log and the evidence were
deleted: evidence without its line is noticed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime
from functools import cache as cached
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hypotest.errors import OutputError
from hypotest.records.seen import Viewing
from hypotest.records.stored.files import bytes_if_there, held
from hypotest.registration.locks.canonical import canonical_hash, canonical_json, refuse_constant

LOG = "documents-seen.jsonl"
"""Within the cache."""


def log_viewing(cache: Path, viewing: Viewing) -> None:
    """Add a line, on the disk before this returns.

    The line goes out in one write behind the end of the file, which is held meanwhile. Behind a line that was
    cut off it begins on a line of its own.

    Args:
        cache: The cache's folder.
        viewing: What is about to be done.

    Raises:
        OutputError: If it cannot be written: then the network must not be run.
    """
    content = asdict(viewing)
    line = canonical_json({**content, "sha256": canonical_hash(content)}).encode("ascii") + b"\n"
    path = cache / LOG
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as stream, held(stream):
            end = stream.seek(0, os.SEEK_END)
            if end:
                stream.seek(end - 1)
                line = line if stream.read(1) == b"\n" else b"\n" + line
            written = stream.write(line)
            os.fsync(stream.fileno())
        if written != len(line):
            raise OSError(None, "the disk is full")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}. What a network is run over is written "
            "down there first; free some space, or set HYPOTEST_CACHE to a folder that can be written"
        ) from None


def read_log(cache: Path) -> tuple[tuple[Viewing, ...], int]:
    """Read the log.

    Args:
        cache: The cache's folder.

    Returns:
        The lines, the oldest first, and the number of those that are damaged; no line where there is no log.

    Raises:
        OutputError: If it is there and cannot be read.
    """
    path = cache / LOG
    content = bytes_if_there(path)
    if content is None:
        return (), 0
    lines = [line for line in content.split(b"\n") if line.strip()]
    viewings = [_viewing(line) for line in lines]
    whole = tuple(item for item in viewings if item is not None)
    return whole, len(lines) - len(whole)


def _viewing(line: bytes) -> Viewing | None:
    """What a line says; None where it is not what was written."""
    try:
        data: Any = json.loads(line.decode("ascii"), parse_constant=refuse_constant)
        if not isinstance(data, dict) or data.pop("sha256", None) != canonical_hash(data):
            return None
        viewing = _adapter().validate_json(canonical_json(data), strict=True)
        datetime.fromisoformat(viewing.time)
        return viewing
    except (ValueError, RecursionError, ValidationError):
        return None


@cached
def _adapter() -> TypeAdapter[Viewing]:
    return TypeAdapter(Viewing)
