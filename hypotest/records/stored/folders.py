"""Folders that are there completely or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypotest.errors import OutputError


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """A fresh folder to fill, which takes the place of `folder` once everything in it is on the disk.

    Raises:
        OutputError: If it cannot be written; what was there stays.
    """
    with errors_name(folder), built_aside(folder) as aside:
        yield aside
        flush(aside)
        former = folder.parent / f".{folder.name}.{os.getpid()}.former"
        shutil.rmtree(former, ignore_errors=True)
        if folder.exists():
            folder.rename(former)
        try:
            aside.rename(folder)
        except OSError:
            if former.exists():
                former.rename(folder)
            raise
        shutil.rmtree(former, ignore_errors=True)
        flush_folder(folder.parent)


@contextmanager
def errors_name(folder: Path) -> Iterator[None]:
    """Turn what the system says into an `OutputError` that names the folder."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written: {error.strerror or error}. Free space or choose another "
            "place; nothing half-written was left there, and collected evidence stays in the cache."
        ) from error


@contextmanager
def built_aside(folder: Path) -> Iterator[Path]:
    """A temporary folder on the same file system, gone afterwards unless it was renamed."""
    aside = folder.parent / f".{folder.name}.{os.getpid()}.partial"
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def flush(folder: Path) -> None:
    """Everything in a folder is on the disk afterwards."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        else:
            flush_folder(path)
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """The folder's own list of names is."""
    if os.name != "posix":  # elsewhere folders cannot be opened, nor need they be
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
