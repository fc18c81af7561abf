"""The lock file beside a protocol: what was registered, as JSON.

``rare-tokens.yaml`` has its lock in ``rare-tokens.lock.json``. The same lock stands in the registry
(`hypotest.registration.locks.registry`), so that an edited lock file is found out.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hypotest.errors import OutputError, one_line
from hypotest.records.registration import LOCK_VERSION, Fingerprint, GitState, Later, Lock, RegisteredMember
from hypotest.records.seen import Seen
from hypotest.records.stored.files import write_whole
from hypotest.registration.locks.canonical import canonical_hash, canonical_json, refuse_constant

LOCK_SUFFIX = ".lock.json"
_LARGEST_LOCK = 64 * 2**20  # bytes; a lock names every text file, so it may be long


def lock_file(protocol: Path) -> Path:
    """Where a protocol's lock lies.

    Examples:
        >>> lock_file(Path("protocols/rare-tokens.yaml")).name
        'rare-tokens.lock.json'
    """
    return protocol.with_name(protocol.stem + LOCK_SUFFIX)


def compose_lock(
    fingerprint: Fingerprint,
    file: str,
    previous: str,
    *,
    registered: datetime,
    seen: Seen,
    git: GitState | None,
    later: Later | None = None,
    members: tuple[RegisteredMember, ...] = (),
) -> Lock:
    """Put a lock together.

    Args:
        fingerprint: What the protocol comes to.
        file: Name of the protocol's file.
        previous: Hash of the registry's last entry.
        registered: Now, with a time zone.
        seen: What is known of the evaluation split's documents having been seen.
        git: State of the repository; None where there is none.
        later: Of a subject that comes later.
        members: Of a series.
    """
    values = {item.name: getattr(fingerprint, item.name) for item in fields(Fingerprint)}
    return Lock(
        **{**values, "plan": json.loads(canonical_json(fingerprint.plan))},
        lock=LOCK_VERSION,
        file=file,
        registered=registered.astimezone(UTC).isoformat(timespec="seconds"),
        later=later,
        seen=seen,
        git=git,
        previous=previous,
        members=members,
    )


def lock_data(lock: Lock) -> dict[str, Any]:
    """A lock as plain data, what a reader looks for first standing first."""
    data = asdict(lock)
    if not lock.members:
        del data["members"]
    first = ("lock", "protocol_id", "file", "registered", "later")
    last = ("seen", "git", "previous")
    middle = [name for name in data if name not in (*first, *last)]
    return {name: data[name] for name in (*first, *middle, *last)}


def lock_hash(lock: Lock) -> str:
    """SHA-256 of the lock as canonical JSON: the indentation of its file does not matter."""
    return canonical_hash(lock_data(lock))


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock file in one step; what was there is replaced.

    The same lock gives the same bytes, also one that comes out of the registry.

    Raises:
        OutputError: If it cannot be written.
    """
    data = {name: json.loads(canonical_json(value)) for name, value in lock_data(lock).items()}
    text = json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
    write_whole(path, text)


def read_lock(path: Path) -> Lock:
    """Read a lock file.

    Raises:
        OutputError: If it is missing, no JSON, of another version, or not what `write_lock` writes.
    """
    try:
        if path.stat().st_size > _LARGEST_LOCK:
            raise OutputError(f"{path}: too large for a lock")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise OutputError(f"{path}: must be UTF-8 text") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        return parse_lock(json.loads(text, parse_constant=refuse_constant))
    except (ValueError, RecursionError) as error:
        raise OutputError(f"{path}: is no lock: {one_line(error)}") from None


def parse_lock(data: Any) -> Lock:
    """Read a lock from plain data.

    Raises:
        ValueError: If it is not what this version writes, or contradicts itself.
    """
    version = data.get("lock") if isinstance(data, dict) else None
    if type(version) is not int or version != LOCK_VERSION:
        raise ValueError(f"`lock` must be {LOCK_VERSION}; found {str(version)[:40]!r}")
    try:
        lock = _adapter().validate_json(canonical_json(data), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if canonical_json(lock_data(lock)) != canonical_json(data):
        raise ValueError("it has keys that no lock has")
    if canonical_hash(lock.plan) != lock.hashes.protocol:
        raise ValueError("its plan does not give hashes.protocol")
    if (lock.plan.get("id"), lock.plan.get("seed")) != (lock.protocol_id, lock.seed):
        raise ValueError("protocol_id and seed must be those of its plan")
    _time(lock.registered)
    return lock


def registered_at(lock: Lock) -> datetime:
    """When it was registered."""
    return _time(lock.registered)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("`registered` must be a time with a time zone")
    return time


@cache
def _adapter() -> TypeAdapter[Lock]:
    return TypeAdapter(Lock)
