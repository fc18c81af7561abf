"""Registrations of the small protocol, without a model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint, Hashes, Lock
from hypotest.records.seen import Seen
from hypotest.registration import canonical, protocol_hash
from hypotest.registration.locks.lock import compose_lock, lock_file, write_lock
from hypotest.registration.locks.registry import append_entry

NOTHING_SEEN = Seen(documents=0, by=(), unlogged_evidence=False, damaged_lines=0)
EVIDENCE_EXISTED = Seen(documents=0, by=(), unlogged_evidence=True, damaged_lines=0)
REGISTERED = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def fingerprint_of(plan: Protocol, **hashes: Any) -> Fingerprint:
    """What a plan would come to; hashes may be given."""
    values: dict[str, Any] = {
        "protocol": protocol_hash(plan),
        **{
            name: 32 * code
            for name, code in zip(
                ("weights", "tokenizer", "frequencies", "positions", "code"),
                ("a1", "b2", "c3", "d4", "e5"),
                strict=True,
            )
        },
        "text": {"a.txt": 64 * "1", "b.txt": 64 * "2"},
    }
    return Fingerprint(
        protocol_id=plan.id,
        plan=canonical(plan),
        hashes=Hashes(**{**values, **hashes}),
        revision=None,
        layer=3,
        versions={"hypotest": "0.1.0", "numpy": "2.4.6"},
        seed=plan.seed,
        split={"selection_documents": 30, "evaluation_documents": 31},
        evidence={"selection": 32 * "5", "evaluation": 32 * "6"},
        kept_out=(),
    )


def enter(
    folder: Path,
    fingerprint: Fingerprint,
    file: str = "p.yaml",
    make: Callable[[Lock], Lock] = lambda lock: lock,
) -> Lock:
    """Register a fingerprint under a file's name; returns the lock."""
    entry = append_entry(
        folder,
        lambda entries, previous: make(
            compose_lock(
                fingerprint,
                file,
                previous,
                registered=REGISTERED,
                seen=NOTHING_SEEN,
                git=None,
            )
        ),
    )
    assert entry is not None
    write_lock(lock_file(folder / file), entry.lock)
    return entry.lock


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file by hand."""
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data, indent=2), encoding="utf-8")


def with_plan(fingerprint: Fingerprint, plan: dict[str, Any]) -> Fingerprint:
    """Another canonical plan, its hash left as it was."""
    return dataclasses.replace(fingerprint, plan=plan)
