"""Registering a protocol: what it comes to is written down before the evaluation split is looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypotest.engine.progress import StartStage
from hypotest.engine.session import Session
from hypotest.errors import OutputError
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.preflight import check_command, require_places
from hypotest.pipeline.registered.registered import what_was_seen
from hypotest.pipeline.subject import network_in_memory
from hypotest.records.registered import Registered
from hypotest.records.registration import Entry, Fingerprint, Later, Lock, RegisteredMember
from hypotest.records.seen import Seen
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.registration.locks.lock import (
    LOCK_SUFFIX,
    compose_lock,
    lock_data,
    lock_file,
    read_lock,
    write_lock,
)
from hypotest.registration.locks.registry import (
    REGISTRY,
    append_entry,
    last_entry,
    read_registry,
    require_chain,
)
from hypotest.registration.locks.repository import git_state
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.sections.registration import registered_page
from hypotest.studies.register.comes_to import what_it_comes_to, whole_series

show_as(Registered, registered_page)


def register(
    protocol: str | Path,
    *,
    fresh_documents: bool = False,
    device: str = "auto",
    start_stage: StartStage | None = None,
    subject: Any = None,
) -> Registered:
    """Write a protocol's lock, and enter it into the registry beside it.

    A series has one lock, which names every member. The model is loaded and the text read for their
    hashes; nothing is run through the model. Evidence of the selection split may have been collected and
    looked at; then a plan with a premise or a deciding prediction that is undefined there is refused, as
    the run would. The cache's log tells which documents of the evaluation split this network was run over
    before, at any layer and under any plan: the lock says so, and runs under it are exploratory then.

    Registering the same again changes nothing. Registering something else adds an entry and replaces the
    lock file; the older entry stays in the registry.

    Args:
        protocol: Path of the protocol; of one run, or of a series.
        fresh_documents: Keep every document that the network was run over before out of the evaluation
            split, which is drawn from the others. The lock names them, and runs keep them out too; what an
            earlier lock of the protocol keeps out stays out until this is asked again.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        start_stage: Told of each stage and its number of steps, for progress.
        subject: As for `hypotest.run`.

    Returns:
        The lock, and what was done.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem.
        CorpusError: If too few documents are left to evaluate on.
        RunError: If the subject or text cannot be had, the registry does not verify, or it or the lock
            cannot be written.
    """
    path = protocol_file(protocol)
    given = None if subject is None else network_in_memory(subject)
    plan = load_protocol(path, network=None if given is None else given.name)
    check_command(device=device)
    check_registry(path)
    session = Session.start(plan.seed, stages_shown(start_stage), device)
    if plan.is_series:
        known, members, documents = whole_series(plan, path, session, fresh_documents=fresh_documents)
    else:
        known, documents = what_it_comes_to(plan, path, session, given, fresh_documents=fresh_documents)
        members = ()
    weights = {item.weights for item in members}
    return add_registration(
        path,
        known,
        lambda entries: what_was_seen(entries, known, documents, session.cache, weights),
        datetime.now(UTC),
        members=members,
    )


def add_registration(
    path: Path,
    fingerprint: Fingerprint,
    seen: Callable[[tuple[Entry, ...]], Seen],
    registered: datetime,
    later: Later | None = None,
    members: tuple[RegisteredMember, ...] = (),
) -> Registered:
    """Enter what a protocol comes to into the registry beside it, and write its lock.

    Args:
        path: The protocol's file.
        fingerprint: What it comes to.
        seen: Given the registry's entries, what is known of its evaluation documents having been seen.
        registered: Now.
        later: Of a subject that comes later.
        members: Of a series.

    Raises:
        OutputError: If the registry does not verify, or it or the lock cannot be written.
    """
    file = lock_file(path)
    former: list[Entry] = []

    def compose(entries: tuple[Entry, ...], previous: str) -> Lock | None:
        _refuse_shared_lock(entries, path)
        last = last_entry(entries, path.name)
        former.extend([last] if last else [])
        lock = compose_lock(
            fingerprint,
            path.name,
            previous,
            registered=registered,
            seen=seen(entries),
            git=git_state(path, _own_files(path.parent)),
            later=later,
            members=members,
        )
        same = (
            last is not None
            and last.lock.fingerprint == lock.fingerprint
            and last.lock.members == lock.members
        )
        # what was bound to the subject that came later stays so when it is registered again
        return None if same and last is not None and later in (None, last.lock.later) else lock

    added = append_entry(path.parent, compose)
    entry = added or former[0]
    restored = added is None and not _agrees(file, entry.lock)
    if added is not None or restored:
        write_lock(file, entry.lock)
    return Registered(
        lock=entry.lock,
        file=file,
        entry=entry.entry,
        hash=entry.hash,
        is_new=added is not None,
        replaced=former[0].lock.registered if added is not None and former else None,
        restored=restored,
    )


def check_registry(path: Path) -> None:
    """Refuse, before anything is read, where the registry could not take another entry.

    Raises:
        OutputError: If it does not verify, or it or the lock cannot be written.
    """
    require_places(path.parent, REGISTRY, lock_file(path).name)
    entries, problems = read_registry(path.parent)
    require_chain(path.parent / REGISTRY, problems)
    _refuse_shared_lock(entries, path)


def _refuse_shared_lock(entries: tuple[Entry, ...], path: Path) -> None:
    """Two protocols whose names differ in the suffix only would share a lock file."""
    file = lock_file(path)
    other = next(
        (
            entry.lock.file
            for entry in reversed(entries)
            if entry.lock.file != path.name and lock_file(path.with_name(entry.lock.file)) == file
        ),
        None,
    )
    if other is not None:
        raise OutputError(f"{file}: is the lock of {other}; give {path.name} another name")


def _agrees(file: Path, lock: Lock) -> bool:
    try:
        return lock_data(read_lock(file)) == lock_data(lock)
    except OutputError:
        return False


def _own_files(folder: Path) -> tuple[str, ...]:
    return (REGISTRY, *(path.name for path in sorted(folder.glob(f"*{LOCK_SUFFIX}"))))
