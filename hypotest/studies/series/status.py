"""Whether a series is confirmatory as a whole: as registered, and with every member that was registered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hypotest.errors import OutputError
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results.results import Results
from hypotest.registration import protocol_hash
from hypotest.registration.locks.lock import lock_file, lock_hash, read_lock


def registration_of_series(
    plan: Protocol, path: Path, results: Sequence[Results], names: Sequence[str]
) -> Registration:
    """What a series is.

    A member that is confirmatory by itself does not make the series so: others may have come or gone since,
    and it is the one that was picked.

    Args:
        plan: The series, as it is run.
        path: Its file, beside which the lock lies.
        results: Of each member that was run.
        names: Of these.
    """
    said = [() if item.registration is None else item.registration.reasons for item in results]
    shared = [reason for reason in said[0] if all(reason in reasons for reasons in said)]
    reasons = [
        *shared,
        *(
            f"{name}: {reason}"
            for name, own in zip(names, said, strict=True)
            for reason in own
            if reason not in shared
        ),
    ]
    file = lock_file(path)
    try:
        lock = read_lock(file) if file.exists() else None
    except OutputError:  # its members say so
        lock = None
    if lock is not None and lock.members:
        if lock.hashes.protocol != protocol_hash(plan):
            reasons.append("the series is not the one that was registered: see its members")
        missing = len(lock.members) - len(results)
        if missing > 0:
            reasons.append(f"{missing} of {len(lock.members)} registered members have no result")
    return Registration(
        status="exploratory" if reasons or lock is None else "confirmatory",
        reasons=tuple(reasons),
        registered=None if lock is None else lock.registered,
        lock=None if lock is None else lock_hash(lock),
    )
