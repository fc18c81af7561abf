"""Evidence on disk: arrays in folders that are complete or absent, each with a checksum.

A collection is a folder of numbered shards; a shard is a folder of ``.npy`` files and their SHA-256.
It is written under another name, flushed to disk and renamed, so that a run that is killed leaves only
whole shards, and the next one goes on behind them.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.share import ALONE, Share
from hypotest.errors import EvidenceError, OutputError

Arrays = Mapping[str, NDArray[Any]]
_CHECKSUMS = "sha256.json"
_PARSING = Lock()
_LONGEST_HEADER = 2**16
"""Of a ``.npy`` file, in bytes."""


def evidence_key(settings: Mapping[str, Any]) -> str:
    """Name of the evidence that depends on these settings: 32 hexadecimal digits."""
    text = json.dumps(settings, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def collect_shards(
    folder: Path,
    n_shards: int,
    compute: Callable[[int], Arrays],
    on_shard: Callable[[], None] = lambda: None,
    share: Share = ALONE,
) -> dict[str, NDArray[Any]]:
    """Make the shards that are not there yet, then read all and join them along the first axis.

    Args:
        folder: The collection.
        n_shards: How many shards it has.
        compute: As in `make_shards`.
        on_shard: As in `make_shards`.
        share: As in `make_shards`.

    Raises:
        EvidenceError: If a shard on disk is damaged.
        OutputError: If the disk is full or the folder cannot be written.
    """
    make_shards(folder, n_shards, compute, on_shard, share)
    return read_shards(folder, n_shards)


def make_shards(
    folder: Path,
    n_shards: int,
    compute: Callable[[int], Arrays],
    on_shard: Callable[[], None] = lambda: None,
    share: Share = ALONE,
) -> None:
    """Compute the shards that are not there yet.

    Args:
        folder: The collection.
        n_shards: How many shards it has.
        compute: Arrays of a shard, given its number; must not depend on other shards.
        on_shard: Called when a shard is there, for progress.
        share: Of this process, where several collect the same.

    Raises:
        OutputError: If the disk is full or the folder cannot be written.
    """

    def is_there(number: int) -> bool:
        return (folder / f"{number:05d}" / _CHECKSUMS).exists()

    for number in share.order(n_shards, is_there):
        if not is_there(number):
            write_shard(folder / f"{number:05d}", compute(number))
        on_shard()


def read_shards(folder: Path, n_shards: int) -> dict[str, NDArray[Any]]:
    """Read and check all shards of a collection, joined along the first axis.

    Raises:
        EvidenceError: If a shard is missing or damaged.
    """
    places = [folder / f"{number:05d}" for number in range(n_shards)]
    with ThreadPoolExecutor() as threads:  # most of the time goes into checksums, which need no lock
        shards = list(threads.map(read_shard, places))
    # one array at a time, so that not all of them are held twice
    return {name: np.concatenate([shard.pop(name) for shard in shards]) for name in list(shards[0])}


def write_shard(shard: Path, arrays: Arrays, *, flush: bool = True) -> None:
    """Write a shard so that it is there completely or not at all.

    Args:
        shard: Its folder.
        arrays: By name.
        flush: Whether it shall outlive a power failure, which takes some 10 ms; without, what one leaves
            behind is damaged and says so when it is read.

    Raises:
        OutputError: If it cannot be written.
    """
    temporary = shard.with_name(f".{shard.name}.{uuid.uuid4().hex}")
    try:
        temporary.mkdir(parents=True)
        checksums = {}
        for name, array in arrays.items():
            file = temporary / f"{name}.npy"
            with file.open("wb") as stream:
                np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
                if flush:
                    stream.flush()
                    os.fsync(stream.fileno())
            checksums[name] = _sha256(file)
        with (temporary / _CHECKSUMS).open("w", encoding="utf-8") as text:
            json.dump(checksums, text)
            if flush:
                text.flush()
                os.fsync(text.fileno())
        os.rename(temporary, shard)
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY} and (shard / _CHECKSUMS).exists():
            return  # another run has just written the same shard
        if error.errno == errno.ENOSPC:
            raise OutputError(
                f"the disk is full: evidence goes to {shard.parent}; free some space or set HYPOTEST_CACHE "
                "to a folder elsewhere. What was finished is kept, and the next run goes on from there"
            ) from None
        raise OutputError(f"cannot write evidence to {shard}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_shard(shard: Path) -> dict[str, NDArray[Any]]:
    """Read one shard and check every array against its checksum.

    Raises:
        EvidenceError: If it is missing or damaged.
    """
    try:
        checksums = read_checksums(shard)
        arrays = {}
        for name, expected in checksums.items():
            file = shard / f"{name}.npy"
            content = np.fromfile(file, dtype=np.uint8)
            if hashlib.sha256(content.data).hexdigest() != expected:
                raise EvidenceError(
                    f"the cached evidence {file} is damaged (its checksum differs); delete {shard} and run "
                    "again: only that part is collected anew"
                )
            arrays[name] = _array_in(content)
    except (OSError, ValueError) as error:
        raise _unreadable(shard, error) from None
    return arrays


def _array_in(content: NDArray[np.uint8]) -> NDArray[Any]:
    """What the bytes of a file hold, as ``numpy.load`` reads it; safe in several threads, which that is not.

    A header is Python that numpy parses, and two threads that parse in one interpreter of 3.11 or 3.12 now
    and then end in ``SystemError: AST constructor recursion depth mismatch``, after hours of collection.
    """
    stream = io.BytesIO(content[:_LONGEST_HEADER].tobytes())
    with _PARSING:
        np.lib.format.read_magic(stream)
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    return content[stream.tell() :].view(dtype).reshape(shape)


def kept(shard: Path, names: Collection[str], compute: Callable[[], Arrays]) -> Arrays:
    """What can be computed again at any time, from the cache if it is there.

    A shard that is damaged is not complained of but made anew, and a cache that cannot be written is done
    without: the arrays are the same either way.

    Args:
        shard: Named after everything that the arrays depend on.
        names: Of all the arrays.
        compute: Makes them.
    """
    if os.path.lexists(shard):
        try:
            stored = read_shard(shard)
            if stored.keys() == set(names):
                return stored
        except EvidenceError:
            pass
        _remove(shard)
    arrays = compute()
    with suppress(OutputError):
        write_shard(shard, arrays)
    return arrays


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink()


def read_checksums(shard: Path) -> dict[str, str]:
    """Name of each array of a shard -> SHA-256 of its file.

    Raises:
        EvidenceError: If the shard is missing or damaged.
    """
    try:
        checksums = json.loads((shard / _CHECKSUMS).read_text(encoding="utf-8"))
        if not isinstance(checksums, dict) or not all(isinstance(item, str) for item in checksums.values()):
            raise ValueError(f"{_CHECKSUMS} holds no checksums")
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(shard, error) from None
    return checksums


def _unreadable(shard: Path, error: Exception) -> EvidenceError:
    return EvidenceError(
        f"the cached evidence {shard} is missing or unreadable ({error}); delete it and run again"
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
