"""Zip files that are the same bytes for the same content, and that are unpacked without trusting them."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from hypotest.errors import OutputError
from hypotest.records.stored.folders import errors_name

_BEGAN = (1980, 1, 1, 0, 0, 0)
"""The time of every file."""
_UNIX = 3
_MODE = 0o600 << 16
_CHUNK = 2**20
MOST_FILES = 1_000_000
MOST_BYTES = 2**40
MOST_TIMES = 500
"""So many times as large as the archive may be what it holds, where that is more than `_SMALL`: arrays of
zeros shrink a lot, and so does what is made to fill a disk."""
_SMALL = 2**30


def pack(
    files: Mapping[str, Path | bytes],
    archive: Path,
    level: int = 6,
    on_file: Callable[[], None] = lambda: None,
) -> None:
    """Write files into a zip, sorted by name and all of one time; the same files give the same bytes.

    Args:
        files: Name within the archive, with forward slashes -> a file, or its content.
        archive: Where it goes; what is there is replaced once all is written.
        level: Of compression.
        on_file: Called after each file, for progress.

    Raises:
        OutputError: If something cannot be read or written.
    """
    aside = archive.with_name(f".{archive.name}.{uuid.uuid4().hex}")
    with errors_name(archive):
        archive.parent.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
                for name in sorted(files):
                    _add(target, name, files[name])
                    on_file()
            os.replace(aside, archive)
        finally:
            aside.unlink(missing_ok=True)


def _add(target: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    entry = zipfile.ZipInfo(name, _BEGAN)
    entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, _UNIX, _MODE
    if isinstance(content, bytes):
        target.writestr(entry, content)
        return
    entry.file_size = content.stat().st_size  # large files need other headers
    with content.open("rb") as source, target.open(entry, "w") as stream:
        shutil.copyfileobj(source, stream, _CHUNK)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip from anywhere into an empty folder.

    Args:
        archive: The zip.
        folder: Gets the files, and nothing outside it does.

    Raises:
        OutputError: If it is no zip, damaged, too large, or holds anything but plain files below the folder.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            entries = source.infolist()
            _refuse(archive, entries, folder)
            for entry in entries:
                place = folder.joinpath(*PurePosixPath(entry.filename).parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with source.open(entry) as stream, place.open("xb") as target:
                    shutil.copyfileobj(stream, target, _CHUNK)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise OutputError(f"{archive}: must be a whole zip file; found damage: {error}") from None
    except OSError as error:
        raise OutputError(f"{archive}: cannot be unpacked: {error.strerror or error}") from None


def _refuse(archive: Path, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    """Refuse what leaves the folder, is no plain file, or is too large."""
    if len(entries) > MOST_FILES:
        raise OutputError(f"{archive}: must hold at most {MOST_FILES:,} files; found {len(entries):,}")
    seen: set[str] = set()
    for entry in entries:
        if problem := _problem(entry, seen):
            raise OutputError(f"{archive}: {entry.filename!r} {problem}: it is not unpacked")
        seen.add(entry.filename.casefold())
    total, packed = sum(entry.file_size for entry in entries), archive.stat().st_size
    if total > MOST_BYTES or (total > _SMALL and total > MOST_TIMES * packed):
        raise OutputError(
            f"{archive}: {packed:,} bytes would become {total:,}: no run is like that, and it is not unpacked"
        )
    free = shutil.disk_usage(folder).free
    if total > free:
        raise OutputError(
            f"{archive}: needs {total:,} bytes in {folder}, whose disk has {free:,}: TMPDIR names another"
        )


def _problem(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    """What is wrong with a file of a zip; empty if nothing is."""
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or any(sign in name for sign in "\\:\0"):
        return "leads out of its folder, or is no name of a file"
    if kind not in (0, stat.S_IFREG):
        return "is no plain file"
    if entry.flag_bits & 1:
        return "is encrypted"
    if name.casefold() in seen:
        return "is there twice"
    return ""
