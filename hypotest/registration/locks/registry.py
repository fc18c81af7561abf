"""The registry: every registration of a folder of protocols, in the order in which they were made.

``registry.jsonl`` lies beside the protocols. Each line is ``{"entry": n, "previous": hash, "lock": {...},
"hash": ...}``; ``hash`` is the SHA-256 of the other three as canonical JSON, and ``previous`` the hash of the
line before. Registering again adds a line and replaces the lock file; older lines stay.

What the chain shows: a line that was altered, moved, removed or doubled no longer fits its neighbours, and
the lock files show that the last line was removed. What no chain can show: that somebody wrote all of it
anew, lock files included. For that its hash must have left their hands: commit and push it, or send it to
somebody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypotest.errors import OutputError, one_line
from hypotest.records.registration import Entry, Lock
from hypotest.records.stored.files import bytes_if_there, held
from hypotest.registration.locks.canonical import canonical_hash, canonical_json, refuse_constant
from hypotest.registration.locks.lock import (
    LOCK_SUFFIX,
    lock_data,
    lock_file,
    parse_lock,
    read_lock,
)

REGISTRY = "registry.jsonl"
FIRST = "0" * 64
"""What the first entry names as the previous one."""
_KEYS = ("entry", "previous", "lock", "hash")


def append_entry(folder: Path, compose: Callable[[tuple[Entry, ...], str], Lock | None]) -> Entry | None:
    """Add an entry to a folder's registry.

    The file is locked while it is read, checked and written, so that two registrations at once follow each
    other; the line goes to the disk in one write.

    Args:
        folder: Of the protocols.
        compose: Given the entries so far and the hash of the last one, the lock to add; None to leave
            everything as it is.

    Returns:
        The new entry, or None.

    Raises:
        OutputError: If the chain does not verify (nothing is added then), or cannot be written.
    """
    path = folder / REGISTRY
    try:
        with path.open("a+b") as stream, held(stream):
            stream.seek(0)
            entries, problems = _read_chain(stream.read(), REGISTRY)
            require_chain(path, problems)
            previous = entries[-1].hash if entries else FIRST
            lock = compose(entries, previous)
            if lock is None:
                return None
            content = {"entry": len(entries) + 1, "previous": previous, "lock": lock_data(lock)}
            digest = canonical_hash(content)
            line = canonical_json({**content, "hash": digest}) + "\n"
            stream.write(line.encode("ascii"))
            stream.flush()
            os.fsync(stream.fileno())
            return Entry(len(entries) + 1, previous, lock, digest)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def require_chain(path: Path, problems: tuple[str, ...]) -> None:
    """Refuse to add to a registry with problems.

    Raises:
        OutputError: If there are any; names all.
    """
    if problems:
        raise OutputError(
            f"{path}: nothing is added to a registry that does not verify:\n"
            + "\n".join(f"  {item}" for item in problems)
            + "\nRestore it from version control or a backup; `hypotest registry verify` checks it."
        )


def read_registry(folder: Path) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Read a folder's registry and check its chain.

    Args:
        folder: Of the protocols.

    Returns:
        The entries that could be read, and what is wrong, each with ``registry.jsonl:line``; no entry
        and no problem where there is no registry.

    Raises:
        OutputError: If it is there and cannot be read.
    """
    path = folder / REGISTRY
    content = bytes_if_there(path)
    if content is None:
        return (), ()
    return _read_chain(content, REGISTRY)


def verify_registry(folder: Path) -> tuple[int, tuple[str, ...]]:
    """Check a folder's registry and the lock files beside it.

    Found are lines that were altered, moved, removed or doubled; a lock file that is not its protocol's last
    entry, has no entry at all (also after the last line was removed), is damaged or missing. A registry
    that was rewritten from end to end together with its lock files is not found; see this module.

    Args:
        folder: Of the protocols; the registry's own path will do.

    Returns:
        The number of entries, and what is wrong; nothing if all agrees.

    Raises:
        OutputError: If there is neither registry nor lock file, or they cannot be read.
    """
    folder = folder.parent if folder.name == REGISTRY else folder
    files = {path.name: path for path in sorted(folder.glob(f"*{LOCK_SUFFIX}"))}
    if not files and not (folder / REGISTRY).exists():
        raise OutputError(f"{folder}: holds no {REGISTRY} and no lock; name the folder of the protocols")
    entries, chain = read_registry(folder)
    problems = list(chain)
    last = {lock_file(Path(entry.lock.file)).name: entry for entry in entries}
    for name in sorted({*files, *last}):
        problem = _compare(files.get(name), last.get(name), name)
        problems += [f"{name}: {problem}"] if problem else []
    return len(entries), tuple(problems)


def last_entry(entries: tuple[Entry, ...], file: str) -> Entry | None:
    """The newest registration of a protocol's file."""
    return next((entry for entry in reversed(entries) if entry.lock.file == file), None)


def _compare(path: Path | None, entry: Entry | None, name: str) -> str:
    """What is wrong between a lock file and its protocol's last entry; empty if nothing is."""
    if path is None:
        assert entry is not None  # the name comes from one of the two
        return f"missing; registered in {REGISTRY}:{entry.entry}"
    try:
        lock = read_lock(path)
    except OutputError as error:
        return str(error).removeprefix(f"{path}: ")
    if entry is None:
        return f"has no entry in {REGISTRY}: it was removed, or the lock comes from elsewhere"
    if lock_file(Path(lock.file)).name != name:
        return f"belongs to {lock.file}"
    if lock_data(lock) != lock_data(entry.lock):
        return (
            f"is not the last entry of {entry.lock.file} ({REGISTRY}:{entry.entry}): it was altered, or an "
            "entry was removed or added"
        )
    return ""


def _read_chain(content: bytes, name: str) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    lines = content.split(b"\n")
    problems = []
    if lines.pop():
        lines = content.split(b"\n")
        problems.append(f"{name}:{len(lines)}: the line is cut off: no line break at its end")
    entries: list[Entry] = []
    previous, seen = FIRST, dict[str, int]()
    for number, line in enumerate(lines, start=1):
        entry, data, problem = _read_line(line)
        where = f"{name}:{number}: "
        digest = data.get("hash")
        if problem:
            problems.append(where + problem)
        elif digest in seen:
            problems.append(f"{where}a copy of line {seen[digest]}")
        else:
            problem = _misplaced(data, number, previous)
            problems += [where + problem] if problem else []
        if isinstance(digest, str):
            seen.setdefault(digest, number)
            previous = digest
        if entry is not None:
            entries.append(entry)
    return tuple(entries), tuple(problems)


def _read_line(line: bytes) -> tuple[Entry | None, dict[str, Any], str]:
    """The entry of a line if it is whole, what can be read of it, and what is wrong with the line itself."""
    try:
        data = json.loads(line.decode("utf-8"), parse_constant=refuse_constant)
        if not isinstance(data, dict) or set(data) != set(_KEYS):
            return None, {}, f"altered: must be an object of {', '.join(_KEYS)}"
        digest = canonical_hash({key: data[key] for key in _KEYS[:-1]})
        text = canonical_json(data).encode("ascii")
    except (ValueError, RecursionError):  # no JSON, or numbers and depths that JSON does not have
        return None, {}, "altered: no JSON" if line.strip() else "altered: an empty line"
    if digest != data["hash"]:
        return None, data, "altered: its content does not give its hash"
    if text != line:
        return None, data, "altered: the same content, written in another way"
    try:
        lock = parse_lock(data["lock"])
    except (ValueError, RecursionError) as error:
        return None, data, f"altered: its lock is none: {one_line(error)}"
    if type(data["entry"]) is not int or lock.previous != data["previous"]:
        return None, data, "altered: entry or previous is not that of its lock"
    return Entry(data["entry"], data["previous"], lock, data["hash"]), data, ""


def _misplaced(data: dict[str, Any], number: int, previous: str) -> str:
    if data["entry"] != number:
        return f"is entry {data['entry']}, must be {number}: entries were removed, added or reordered"
    if data["previous"] != previous:
        before = (
            "must be the first" if number == 1 else f"line {number - 1} is not the one it was added after"
        )
        return f"does not follow: {before}; that was altered and given a new hash, removed or exchanged"
    return ""
