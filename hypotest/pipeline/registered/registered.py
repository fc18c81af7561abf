"""Whether a run is confirmatory: what its protocol's lock says, and what has changed since.

A lock that cannot be trusted (damaged, edited, from elsewhere, not in the registry) never stops a run: it
makes it exploratory, and the report says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from hypotest.errors import OutputError, one_line
from hypotest.pipeline.registered.seen import seen_before
from hypotest.pipeline.texts.document_log import read_log
from hypotest.records.registration import Deviation, Entry, Fingerprint, Lock, Registration
from hypotest.records.seen import Seen, Viewing
from hypotest.registration.locks.deviations import find_deviations
from hypotest.registration.locks.later import expected_of, is_waiting
from hypotest.registration.locks.lock import lock_data, lock_file, lock_hash, read_lock, registered_at
from hypotest.registration.locks.registry import REGISTRY, last_entry, read_registry
from hypotest.report.sections.seen import seen_sentence

_CHECKSUMS = "sha256.json"  # of every finished part of evidence


def registration_of(
    path: Path, run: Fingerprint, documents: Collection[str], cache: Path, unbound: str = ""
) -> Registration:
    """Say what a run is, before it collects anything.

    Confirmatory means: the lock beside the protocol is the last entry of a registry that verifies, nothing
    that it names differs in this run, and neither it nor the cache knows of evaluation documents that were
    seen before it.

    Args:
        path: The protocol's file.
        run: Of the plan as it is run.
        documents: Hashes of the documents of its evaluation split.
        cache: The cache's folder.
        unbound: Why a registration that waits for its subject was not bound to this one; see
            `hypotest.pipeline.registered.later.bind_subject`.
    """
    file = lock_file(path)
    if not file.exists():
        return Registration("exploratory", (f"not registered: no {file.name} beside the protocol",))
    try:
        lock = read_lock(file)
    except OutputError as error:
        reason = str(error).removeprefix(f"{file}: ")
        return Registration("exploratory", (f"the lock {file.name} cannot be used: {reason}",))
    try:
        expected = expected_of(lock, run)
    except ValueError as error:
        reason = one_line(error, 200)
        return Registration("exploratory", (f"the plan in {file.name} cannot be read here: {reason}",))
    deviations = find_deviations(expected, run)
    evaluation = expected.evidence.get("evaluation", "")
    reasons = [
        *_distrust(path, lock),
        *_of_later(lock, run, unbound),
        *_too_late(lock, run.hashes.weights, evaluation, documents, cache),
        *_changes(deviations),
    ]
    return Registration(
        status="exploratory" if reasons else "confirmatory",
        reasons=tuple(reasons),
        registered=lock.registered,
        lock=lock_hash(lock),
        deviations=deviations,
        subject_later=None if lock.later is None else lock.later.criterion,
    )


def kept_out_of_evaluation(path: Path) -> tuple[str, ...]:
    """Hashes of the documents that a protocol's lock keeps out of its evaluation split.

    A lock that cannot be read keeps none out: what is run beside it is exploratory anyhow.

    Args:
        path: The protocol's file.
    """
    try:
        return read_lock(lock_file(path)).kept_out
    except OutputError:
        return ()


def evidence_existed(cache: Path, evaluation: str) -> bool:
    """Whether any part of an evaluation split's evidence lies in the cache, finished or not."""
    return next(_parts(cache, evaluation), None) is not None


def what_was_seen(
    entries: tuple[Entry, ...],
    fingerprint: Fingerprint,
    documents: Collection[str],
    cache: Path,
    weights: Collection[str] = (),
) -> Seen:
    """What is known, when a plan is registered, of its evaluation documents having been seen.

    The log of the cache tells. Evidence of which it says nothing (the log was deleted, or the evidence comes
    from another machine) may be of any document, and counts as such; so does what an earlier registration of
    the same id, for the same weights and some of the same text, knew and the log has forgotten.

    Args:
        entries: Of the registry.
        fingerprint: What is to be registered.
        documents: Hashes of the documents of its evaluation split.
        cache: The cache's folder.
        weights: Of a series, those of each member.

    Raises:
        OutputError: If the log cannot be read.
    """
    log, damaged = read_log(cache)
    return seen_before(
        log,
        weights or (fingerprint.hashes.weights,),
        documents,
        damaged_lines=damaged,
        unlogged_evidence=any(_unlogged(entries, fingerprint, log, cache / "evidence")),
    )


def _unlogged(
    entries: tuple[Entry, ...], fingerprint: Fingerprint, log: Sequence[Viewing], cache: Path
) -> Iterator[bool]:
    logged = {item.evidence for item in log}
    times = {item.time for item in log}
    yield any(folder.name not in logged for folder in cache.glob("*") if folder.is_dir())
    for entry in entries:
        lock = entry.lock
        same_study = (
            lock.protocol_id == fingerprint.protocol_id
            and lock.hashes.weights == fingerprint.hashes.weights
            and not set(lock.hashes.text.values()).isdisjoint(fingerprint.hashes.text.values())
        )
        if same_study or (lock.evidence and lock.evidence == fingerprint.evidence):
            forgotten = any(item.last not in times for item in lock.seen.by)
            yield lock.seen.unlogged_evidence or forgotten


def _distrust(path: Path, lock: Lock) -> Iterator[str]:
    """Why this is not a lock of this protocol that the registry vouches for."""
    if lock.file != path.name:
        yield f"the lock belongs to {lock.file}"
    try:
        entries, problems = read_registry(path.parent)
    except OutputError as error:
        yield f"the registry cannot be read: {error}"
        return
    if problems:
        yield f"the registry does not verify ({problems[0]}): see `hypotest registry verify`"
        return
    entry = last_entry(entries, lock.file)
    if entry is None or lock_data(entry.lock) != lock_data(lock):
        kind = "not in" if entry is None else f"not the last entry of {lock.file} in"
        yield f"the lock is {kind} {REGISTRY}: altered, or from elsewhere"


def _too_late(
    lock: Lock, weights: str, evaluation: str, documents: Collection[str], cache: Path
) -> Iterator[str]:
    if not lock.seen.nothing:
        yield seen_sentence(lock.seen, lock.split.get("evaluation_documents", len(documents)))
        return
    since = registered_at(lock)
    try:
        log, _ = read_log(cache)
    except OutputError as error:
        yield f"the log of documents cannot be read: {error}"
        return
    before = [item for item in log if _time(item) < since]
    seen = seen_before(before, (weights,), documents)
    if seen.documents:  # the protocol was registered with another cache
        yield seen_sentence(seen, len(documents))
        return
    parts = _parts(cache / "evidence", evaluation)
    times = [part.stat().st_mtime for part in parts]
    earliest = datetime.fromtimestamp(min(times), UTC) if times else None
    if earliest is not None and earliest < since:
        yield (
            f"evidence of the evaluation split is from {earliest.isoformat(timespec='seconds')}, before the "
            "registration"
        )


def _time(item: Viewing) -> datetime:
    time = datetime.fromisoformat(item.time)
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _of_later(lock: Lock, run: Fingerprint, unbound: str) -> Iterator[str]:
    if is_waiting(lock):
        yield f"the registration waits for its subject, and was not bound to this one: {unbound or 'unknown'}"
    elif lock.later is not None and lock.hashes.weights != run.hashes.weights:
        yield (
            "the registration is for the first network that satisfies it, which another one was (bound on "
            f"{lock.later.bound})"
        )


def _changes(deviations: tuple[Deviation, ...]) -> Iterator[str]:
    if deviations:
        count = len(deviations)
        yield f"{count} {'deviation' if count == 1 else 'deviations'} from what was registered"


def _parts(cache: Path, key: str) -> Iterator[Path]:
    if key.isalnum():  # a lock may have been edited: its keys must not lead elsewhere
        yield from (cache / key).rglob(_CHECKSUMS)
