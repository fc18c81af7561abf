"""Registering a protocol: what it comes to is written down before the evaluation split is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypotest.collect.evidence_folder import is_collected, read_selection
from hypotest.collect.store import cache_folder
from hypotest.errors import OutputError
from hypotest.pipeline.definedness import check_defined
from hypotest.pipeline.fingerprint import fingerprint
from hypotest.pipeline.manifest import Stopwatch
from hypotest.pipeline.prepare import prepare
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.reach import check_reach
from hypotest.pipeline.registered import seen_before
from hypotest.records.progress import StartStage, silent
from hypotest.records.registration import Entry, Lock, Registered
from hypotest.registration import load_protocol
from hypotest.registration.lock import LOCK_SUFFIX, compose_lock, lock_data, lock_file, read_lock, write_lock
from hypotest.registration.registry import REGISTRY, append_entry, last_entry
from hypotest.registration.repository import git_state


def register(protocol: str | Path, *, device: str = "auto", start_stage: StartStage = silent) -> Registered:
    """Write a protocol's lock, and enter it into the registry beside it.

    The model is loaded and the text read for their hashes; nothing is run through the model. Evidence of the
    selection split may have been collected and looked at; then a plan with a premise or a deciding prediction
    that is undefined there is refused, as the run would. If evidence of the evaluation split was, the lock
    says so, and runs under it are exploratory.

    Registering the same again changes nothing. Registering something else adds an entry and replaces the
    lock file; the older entry stays in the registry.

    Args:
        protocol: Path of the protocol.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        start_stage: Told of each stage and its number of steps, for progress.

    Returns:
        The lock, and what was done.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem.
        RunError: If the subject or text cannot be had, the registry does not verify, or it or the lock
            cannot be written.
    """
    path = Path(protocol)
    plan = load_protocol(path)
    prepared = prepare(plan, path.parent, device, Streams(plan.seed), Stopwatch(start_stage))
    check_reach(plan, prepared.sampled.positions, prepared.subject.n_neurons, path)
    cache = cache_folder() / "evidence"
    if is_collected(cache, prepared.keys.selection):  # explore or power have looked at it
        check_defined(plan, read_selection(cache, prepared.keys.selection), Streams(plan.seed), path)
    found = fingerprint(plan, prepared)
    file = lock_file(path)
    former: list[Entry] = []

    def compose(entries: tuple[Entry, ...], previous: str) -> Lock | None:
        _refuse_shared_lock(entries, path)
        last = last_entry(entries, path.name)
        former.extend([last] if last else [])
        lock = compose_lock(
            found,
            path.name,
            previous,
            registered=datetime.now(UTC),
            evaluation_evidence_existed=seen_before(entries, found, cache),
            git=git_state(path, _own_files(path.parent)),
        )
        return None if last is not None and last.lock.fingerprint == lock.fingerprint else lock

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
