"""One registration for a whole series: which members it has, and what each of them comes to.

What all members share (plan, text, code, versions, seed) stands once. A member's run is compared with its own
part, and so is confirmatory by itself; the series is if every member that was registered is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint, Lock, RegisteredMember
from hypotest.registration.locks.canonical import canonical, canonical_hash, protocol_hash
from hypotest.registration.locks.recorded import stored_plan

SERIES = "series"
"""In the place of the layer of a single run."""
_OF_MEMBERS = ("weights", "tokenizer", "frequencies", "positions")
"""Hashes that members may differ in."""


def member_of(subject: dict[str, int | str], known: Fingerprint) -> RegisteredMember:
    """The part of a fingerprint that is a member's own.

    Args:
        subject: What the member is called in the plan: ``layer`` or ``revision`` -> which.
        known: What its plan comes to.
    """
    hashes = {name: getattr(known.hashes, name) for name in _OF_MEMBERS}
    return RegisteredMember(
        subject=subject,
        **hashes,
        revision=known.revision,
        layer=known.layer,
        split=known.split,
        evidence=known.evidence,
    )


def series_fingerprint(
    plan: Protocol, known: Fingerprint, members: Sequence[RegisteredMember]
) -> Fingerprint:
    """What a series comes to.

    Args:
        plan: Of the series.
        known: What one of its members comes to.
        members: All of them, in their order.
    """
    over: dict[str, Any] = {
        name: canonical_hash([getattr(item, name) for item in members]) for name in _OF_MEMBERS
    }
    return replace(
        known,
        plan=canonical(plan),
        hashes=replace(known.hashes, protocol=protocol_hash(plan), **over),
        revision=None,
        layer=SERIES,
        evidence={},
    )


def expected_of_member(lock: Lock, run: Fingerprint) -> Fingerprint:
    """What a run of a registered series must agree with.

    Args:
        lock: With members.
        run: What is run; of a member that was not registered, it is compared with the first.

    Raises:
        ValueError: If the plan of the lock cannot be read here, since a plug-in is gone.
    """
    subject = run.plan.get("subject", {}).items()
    member = next((item for item in lock.members if item.subject.items() <= subject), lock.members[0])
    called: dict[str, Any] = member.subject
    plan = canonical(stored_plan(lock.plan).member(**called))
    own: dict[str, Any] = {name: getattr(member, name) for name in _OF_MEMBERS}
    return replace(
        lock.fingerprint,
        plan=plan,
        hashes=replace(lock.hashes, protocol=canonical_hash(plan), **own),
        revision=member.revision,
        layer=member.layer,
        split=member.split,
        evidence=member.evidence,
    )
