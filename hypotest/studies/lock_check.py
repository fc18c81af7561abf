"""A run's claim to be registered, against the registry beside the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypotest.errors import OutputError
from hypotest.records.registration import Registration
from hypotest.records.verification import Check, Difference
from hypotest.registration.lock import lock_data, lock_hash
from hypotest.registration.registry import REGISTRY, read_registry
from hypotest.studies.conditions import section, shortened
from hypotest.studies.differences import differences

_NAME = "registration"
_SHARED = ("protocol", "weights", "tokenizer", "text")


def check_registration(
    registration: Registration | None, manifest: Mapping[str, Any], base: Path
) -> Iterator[Check]:
    """Whether the lock that a run names was registered, and says of the run what the run says of itself.

    Args:
        registration: From ``results.json``; None where the run says nothing of it.
        manifest: Of the run.
        base: Folder of the protocol, which holds the registry.
    """
    if registration is None:
        return
    claimed, status = registration.lock, registration.status
    confirmatory = status == "confirmatory"
    if claimed is None or (confirmatory and (registration.reasons or registration.deviations)):
        if confirmatory:
            doubt = Difference("registration", status, "no lock, or reasons why the run is exploratory")
            yield Check(_NAME, "differs", "it contradicts itself", (doubt,))
        else:
            yield Check(_NAME, "agrees", f"{status}: no lock is claimed")
        return
    try:
        entries, problems = read_registry(base)
    except OutputError:
        entries, problems = (), ()
    if not entries and not problems:
        detail = f"no readable {REGISTRY} in {base}; --protocol says where the protocol lies"
        yield Check(_NAME, "not checked", detail)
        return
    lock = next((entry.lock for entry in entries if lock_hash(entry.lock) == claimed), None)
    if lock is None or problems:
        found = f"not in {REGISTRY}" if not problems else f"{REGISTRY} was altered"
        wrong = Difference("registration.lock", shortened(claimed), found)
        yield Check(_NAME, "differs", "the registry does not vouch for it", (wrong,))
        return
    theirs, mine = section(lock_data(lock), "hashes"), section(manifest, "hashes")
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
