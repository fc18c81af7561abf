"""Whether a run is confirmatory: what its protocol's lock says, and what has changed since.

A lock that cannot be trusted (damaged, edited, from elsewhere, not in the registry) never stops a run: it
makes it exploratory, and the report says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hypotest.errors import OutputError
from hypotest.records.registration import Deviation, Entry, Fingerprint, Lock, Registration
from hypotest.registration.deviations import find_deviations
from hypotest.registration.lock import lock_data, lock_file, lock_hash, read_lock, registered_at
from hypotest.registration.registry import REGISTRY, last_entry, read_registry

_CHECKSUMS = "sha256.json"  # of every finished part of evidence


def registration_of(path: Path, run: Fingerprint, trial: int | None, cache: Path) -> Registration:
    """Say what a run is, before it collects anything.

    Confirmatory means: the lock beside the protocol is the last entry of a registry that verifies, nothing
    that it names differs in this run, and no evidence of the evaluation split is older than it.

    Args:
        path: The protocol's file.
        run: Of the plan as it is run.
        trial: Positions per condition of a trial (``--limit``).
        cache: Folder of the evidence cache.
    """
    file = lock_file(path)
    if not file.exists():
        return Registration("exploratory", (f"not registered: no {file.name} beside the protocol",))
    try:
        lock = read_lock(file)
    except OutputError as error:
        reason = str(error).removeprefix(f"{file}: ")
        return Registration("exploratory", (f"the lock {file.name} cannot be used: {reason}",))
    deviations = find_deviations(lock.fingerprint, run)
    reasons = [*_distrust(path, lock), *_too_late(lock, cache), *_changes(deviations)]
    if trial is not None:
        reasons.append("a trial (--limit), which gives no verdict")
    return Registration(
        status="exploratory" if reasons else "confirmatory",
        reasons=tuple(reasons),
        registered=lock.registered,
        lock=lock_hash(lock),
        deviations=deviations,
    )


def evidence_existed(cache: Path, evaluation: str) -> bool:
    """Whether any part of an evaluation split's evidence lies in the cache, finished or not."""
    return next(_parts(cache, evaluation), None) is not None


def seen_before(entries: tuple[Entry, ...], found: Fingerprint, cache: Path) -> bool:
    """Whether evaluation data of a plan had been collected when it was, or under an earlier registration.

    Of an earlier registration of the same protocol id, for the same weights and some of the same text, the
    evaluation split counts as well: another seed draws another split of documents that have been seen.

    Args:
        entries: Of the registry.
        found: What is to be registered.
        cache: Folder of the evidence cache.
    """
    if evidence_existed(cache, found.evidence["evaluation"]):
        return True
    for entry in entries:
        lock = entry.lock
        same_evidence = lock.evidence == found.evidence
        same_study = (
            lock.protocol_id == found.protocol_id
            and lock.hashes.weights == found.hashes.weights
            and not set(lock.hashes.text.values()).isdisjoint(found.hashes.text.values())
        )
        if (same_evidence or same_study) and (
            lock.evaluation_evidence_existed or evidence_existed(cache, lock.evidence.get("evaluation", ""))
        ):
            return True
    return False


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


def _too_late(lock: Lock, cache: Path) -> Iterator[str]:
    if lock.evaluation_evidence_existed:
        yield "evidence of the evaluation split existed before the registration"
        return
    since = registered_at(lock)
    times = [part.stat().st_mtime for part in _parts(cache, lock.evidence.get("evaluation", ""))]
    earliest = datetime.fromtimestamp(min(times), UTC) if times else None
    if earliest is not None and earliest < since:
        yield (
            f"evidence of the evaluation split is from {earliest.isoformat(timespec='seconds')}, before the "
            "registration"
        )


def _changes(deviations: tuple[Deviation, ...]) -> Iterator[str]:
    if deviations:
        count = len(deviations)
        yield f"{count} {'deviation' if count == 1 else 'deviations'} from what was registered"


def _parts(cache: Path, key: str) -> Iterator[Path]:
    if key.isalnum():  # a lock may have been edited: its keys must not lead elsewhere
        yield from (cache / key).rglob(_CHECKSUMS)
