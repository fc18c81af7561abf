"""A run's claim to be registered, against the registry beside the protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from hypotest.errors import OutputError, one_line
from hypotest.pipeline.registered.manifest import recorded_fingerprint
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Deviation, Fingerprint, Lock, Registration
from hypotest.registration.locks.canonical import canonical_json
from hypotest.registration.locks.deviations import find_deviations
from hypotest.registration.locks.later import expected_of, is_waiting
from hypotest.registration.locks.lock import lock_hash, registered_at
from hypotest.registration.locks.registry import REGISTRY, read_registry
from hypotest.studies.verify.conditions import shortened
from hypotest.studies.verify.differences import differences
from hypotest.studies.verify.record import Check, Difference

_NAME = "registration"


def check_registration(
    registration: Registration | None, plan: Protocol | None, manifest: Mapping[str, Any], base: Path
) -> Iterator[Check]:
    """Whether the lock that a run names was registered, and what the run did otherwise than it says.

    Whether evaluation documents were seen before the registration is taken from the lock; the cache may be
    another by now.

    Args:
        registration: From ``results.json``; None where the run says nothing of it.
        plan: From ``results.json``; None if it is none.
        manifest: Of the run.
        base: Folder of the protocol, which holds the registry.
    """
    if registration is None:
        return
    status, claimed = registration.status, registration.lock
    if claimed is None:
        if status == "confirmatory":
            doubt = Difference(_NAME, status, "no lock")
            yield Check(_NAME, "differs", "it contradicts itself", (doubt,))
        else:
            yield Check(_NAME, "agrees", f"{status}: no lock is claimed")
        return
    try:
        entries, problems = read_registry(base)
    except OutputError:
        entries, problems = (), ()
    if not entries and not problems:
        detail = f"no readable {REGISTRY} in {base}; protocol= says where the protocol lies"
        yield Check(_NAME, "not checked", detail)
        return
    lock = next((entry.lock for entry in entries if lock_hash(entry.lock) == claimed), None)
    if lock is None or problems:
        state = f"not in {REGISTRY}" if not problems else f"{REGISTRY} was altered"
        wrong = Difference("registration.lock", shortened(claimed), state)
        yield Check(_NAME, "differs", "the registry does not vouch for it", (wrong,))
        return
    try:
        if plan is None:
            raise ValueError("results.json holds no valid plan")
        deviations = _deviations(lock, recorded_fingerprint(plan, manifest))
    except ValueError as error:
        detail = f"what the run did cannot be read: {one_line(error, 200)}"
        yield Check(_NAME, "not checked", detail)
        return
    changed = (
        *differences(_plain(registration.deviations), _plain(deviations), "deviations"),
        *_contradictions(registration, lock, deviations, manifest),
    )
    if changed:
        yield Check(_NAME, "differs", "not what its lock and its manifest say", changed)
        return
    count = f"{len(deviations)} deviations" if deviations else "nothing deviates from the lock"
    yield Check(_NAME, "agrees", f"{status}; {count}, which is in {REGISTRY}")


def _deviations(lock: Lock, run: Fingerprint) -> tuple[Deviation, ...]:
    return find_deviations(expected_of(lock, run), run)


def _contradictions(
    registration: Registration, lock: Lock, deviations: tuple[Deviation, ...], manifest: Mapping[str, Any]
) -> Iterator[Difference]:
    if registration.registered != lock.registered:
        yield Difference("registration.registered", str(registration.registered), lock.registered)
    if registration.status != "confirmatory":
        return
    started = _started(manifest)
    grounds = (
        (bool(registration.reasons), "its own reasons"),
        (bool(deviations), "deviations"),
        (is_waiting(lock), "its registration waited for a subject"),
        (not lock.seen.nothing, "evaluation documents were, or may have been, seen before the registration"),
        (started is None or started < registered_at(lock), "not started after the registration"),
    )
    for holds, ground in grounds:
        if holds:
            yield Difference("registration.status", registration.status, f"exploratory: {ground}")


def _started(manifest: Mapping[str, Any]) -> datetime | None:
    try:
        started = datetime.fromisoformat(str(manifest.get("started")))
    except ValueError:
        return None
    return started if started.tzinfo is not None else None


def _plain(deviations: tuple[Deviation, ...]) -> dict[str, Any]:
    return {item.key: json.loads(canonical_json(asdict(item))) for item in deviations}
