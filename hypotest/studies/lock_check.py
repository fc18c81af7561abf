"""A run's claim to be registered, against the registry beside the protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypotest.records.verification import Check, Difference
from hypotest.studies.conditions import section
from hypotest.studies.differences import differences

REGISTRY = "registry.jsonl"
_NAME = "registration"
_SHARED = ("protocol", "weights", "tokenizer", "text")


def check_registration(
    registration: Mapping[str, Any] | None, manifest: Mapping[str, Any], base: Path
) -> Iterator[Check]:
    """Whether the lock that a run names was registered, and says of the run what the run says of itself.

    Args:
        registration: From ``results.json``; None where the run says nothing of it.
        manifest: Of the run.
        base: Folder of the protocol, which holds the registry.
    """
    if registration is None:
        return
    claimed, status = registration.get("lock"), str(registration.get("status"))
    confirmatory = status == "confirmatory"
    if claimed is None or (confirmatory and (registration.get("reasons") or registration.get("deviations"))):
        if confirmatory:
            doubt = Difference("registration", status, "no lock, or reasons why the run is exploratory")
            yield Check(_NAME, "differs", "it contradicts itself", (doubt,))
        else:
            yield Check(_NAME, "agrees", f"{status}: no lock is claimed")
        return
    entries = _entries(base / REGISTRY)
    if entries is None:
        detail = f"no readable {REGISTRY} in {base}; --protocol says where the protocol lies"
        yield Check(_NAME, "not checked", detail)
        return
    lock = next((entry["lock"] for entry in entries if _hash(entry["lock"]) == claimed), None)
    if lock is None or not _is_chain(entries):
        found = f"not in {REGISTRY}" if lock is None else f"{REGISTRY} was altered"
        wrong = Difference("registration.lock", f"{str(claimed)[:12]}...", found)
        yield Check(_NAME, "differs", "the registry does not vouch for it", (wrong,))
        return
    theirs, mine = section(lock, "hashes"), section(manifest, "hashes")
    changed = tuple(
        item
        for name in _SHARED
        for item in differences(mine.get(name), theirs.get(name), f"lock: {name}")
        if confirmatory
    )
    if changed:
        yield Check(_NAME, "differs", "the run is not what was registered", changed)
    else:
        yield Check(_NAME, "agrees", f"{status}; the lock is in {REGISTRY}")


def _entries(registry: Path) -> list[dict[str, Any]] | None:
    """Its lines; None where there is no registry, or one that cannot be read."""
    try:
        found = [json.loads(line) for line in registry.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError):
        return None
    return found if all(isinstance(item, dict) and "lock" in item for item in found) else None


def _is_chain(entries: list[dict[str, Any]]) -> bool:
    """Whether each entry has its own hash, and names that of the one before."""
    previous = "0" * 64
    for entry in entries:
        content = {key: value for key, value in entry.items() if key != "hash"}
        if entry.get("previous") != previous or entry.get("hash") != _hash(content):
            return False
        previous = entry["hash"]
    return True


def _hash(value: Any) -> str:
    """As `hypotest register` hashes locks and entries: SHA-256 of canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
