"""A file that somebody names, before it is read: there, regular, of a size that fits into memory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

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
