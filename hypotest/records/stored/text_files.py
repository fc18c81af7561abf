"""The files of texts that a protocol names: one by one, as a folder, or by a pattern."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from hypotest.records.stored.files import file_obstacle

WITH_COLUMNS = re.compile(r"\.((jsonl|ndjson|csv|tsv)(\.gz|\.zst)?|parquet)$", re.IGNORECASE)
"""Names of files that hold many documents, each in a field of its own."""
_IN_FOLDERS = re.compile(r"\.((jsonl|ndjson|csv|tsv|txt|text|md|rst)(\.gz|\.zst)?|parquet)$", re.IGNORECASE)
_PATTERN = re.compile(r"[*?]|\[.+\]")
KINDS = ".txt, .md, .rst, .jsonl, .ndjson, .csv, .tsv (each also .gz or .zst), .parquet"
"""What is read of a folder."""
MAX_FILES = 100_000
"""That a folder or pattern stands for, at most."""


def is_many(name: str, base: Path) -> bool:
    """Whether a name stands for any number of files: a folder, or a pattern (``*``, ``?``, ``[...]``)."""
    if "\0" in name:
        return False
    return os.path.isdir(base / name) or (bool(_PATTERN.search(name)) and not os.path.lexists(base / name))


def files_of(name: str, base: Path) -> list[str]:
    """The files that a name stands for, in the order of their names.

    Of a folder those that are texts by their ending (`KINDS`), at any depth; of a pattern every file that
    fits it, ``**`` for folders at any depth. Hidden files and folders are left out. Anything else stands for
    itself, whether it is there or not.

    Args:
        name: As a protocol names it.
        base: Folder that relative names start from.
    """
    if not is_many(name, base):
        return [name]
    if os.path.isdir(base / name):
        paths = (path for path in _below(base / name) if _IN_FOLDERS.search(path))
        return sorted(os.path.join(name, path) for path in islice(paths, MAX_FILES + 1))
    try:
        fitting = glob.iglob(name, root_dir=base, recursive=True)
        return sorted(islice((path for path in fitting if os.path.isfile(base / path)), MAX_FILES + 1))
    except (OSError, ValueError, re.error):
        return []


def why_none(name: str, base: Path) -> str:
    """Why a folder or pattern stands for no file, or too many, and what to do; empty if it does not."""
    files = files_of(name, base)
    if len(files) > MAX_FILES:
        return f"stands for more than {MAX_FILES:,} files: put their texts into a .jsonl or .parquet"
    if files:
        return ""
    if os.path.isdir(base / name):
        return (
            f"the folder holds no text: {KINDS}; name files of other endings by a pattern, such as {name}/*"
        )
    return "no file fits the pattern: check it"


def named_obstacle(name: str, base: Path) -> str:
    """Why what a protocol names cannot be read; empty if it can."""
    if is_many(name, base):
        return why_none(name, base)
    return file_obstacle(base / name)


def _below(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [item for item in folders if not item.startswith(".")]
        inside = os.path.relpath(place, folder)
        yield from (os.path.normpath(os.path.join(inside, item)) for item in names if item[:1] != ".")
