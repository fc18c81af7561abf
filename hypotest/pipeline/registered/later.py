"""Binding a registration to its subject: the first network that runs under it, before it is evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypotest.corpora.docstrings import TRAINING_PACKAGES, installed
from hypotest.corpora.files import read_bytes
from hypotest.engine.progress import silent
from hypotest.errors import OutputError
from hypotest.pipeline.collection import shape_of
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.registered.registered import what_was_seen
from hypotest.pipeline.texts.document_log import read_log
from hypotest.pipeline.texts.reading import read_text
from hypotest.records.protocol.material import CountedText
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Entry, Fingerprint, Later, Lock
from hypotest.records.seen import Viewing
from hypotest.registration.locks.deviations import find_deviations
from hypotest.registration.locks.later import expected_of, is_waiting, unmet
from hypotest.registration.locks.lock import (
    compose_lock,
    lock_data,
    lock_file,
    lock_hash,
    read_lock,
    registered_at,
    write_lock,
)
from hypotest.registration.locks.registry import append_entry, last_entry


def bind_subject(
    path: Path,
    plan: Protocol,
    fingerprint: Fingerprint,
    prepared: Prepared,
    documents: Collection[str],
    cache: Path,
) -> str:
    """Bind a protocol's waiting registration to the network that is about to be run.

    The entry is on the disk before this returns, and so before anything is evaluated. Nothing is bound where
    the run does otherwise than registered: it is exploratory then, and the registration goes on waiting.

    Args:
        path: The protocol's file.
        plan: As it is run.
        fingerprint: What it comes to.
        prepared: The network, with its text and positions.
        documents: Hashes of the documents of its evaluation split.
        cache: The cache's folder.

    Returns:
        Why it was not bound; empty if it was, or if nothing waits.
    """
    waiting = _waiting(path)
    if waiting is None or waiting.later is None:
        return ""
    reasons = [*_differences(waiting, fingerprint), *unmet(waiting.later, *shape_of(prepared))]
    if frequency_sources(plan, path.parent) != waiting.later.frequencies:
        reasons.append("its token counts come from another table or text than registered")
    try:
        log, _ = read_log(cache)
        reasons += _known_before(waiting, fingerprint, log)
        reasons += _others_first(waiting, waiting.later, fingerprint, documents, log)
        if reasons:
            return "; ".join(reasons)
        entry = _append(path, waiting, fingerprint, documents, cache)
        if entry is None:
            return "its lock is not the last entry of the registry"
        write_lock(lock_file(path), entry.lock)
    except OutputError as error:
        return str(error)
    return ""


def waits_for_subject(path: Path) -> bool:
    """Whether a protocol's registration waits for its network; a lock that cannot be read binds none.

    Args:
        path: The protocol's file.
    """
    return _waiting(path) is not None


def _waiting(path: Path) -> Lock | None:
    """The lock beside a protocol, if it waits."""
    try:
        lock = read_lock(lock_file(path))
    except OutputError:
        return None
    return lock if is_waiting(lock) else None


def frequency_sources(plan: Protocol, base: Path) -> dict[str, str]:
    """What token counts will be taken from, as far as no tokenizer is needed: source -> hash or version.

    Args:
        plan: A valid protocol.
        base: Folder that relative paths start from.

    Raises:
        CorpusError: If a table or text cannot be read.
    """
    chosen = plan.frequencies
    if isinstance(chosen, str) and chosen != "reference":
        content = read_bytes(base / chosen, f"frequencies: {chosen!r}")
        return {chosen: hashlib.sha256(content).hexdigest()}
    if isinstance(chosen, CountedText) and chosen.count != "reference":
        _, sources = read_text(chosen.count, base, "frequencies.count", silent)
        return {str(source): source.sha256 for source in sources}
    return {item.name: item.version for item in installed(TRAINING_PACKAGES)}


def _differences(waiting: Lock, fingerprint: Fingerprint) -> list[str]:
    deviations = find_deviations(expected_of(waiting, fingerprint), fingerprint)
    if not deviations:
        return []
    shown = ", ".join(item.key for item in deviations[:3])
    return [f"the run does otherwise than registered ({shown}{', ...' if len(deviations) > 3 else ''})"]


def _known_before(waiting: Lock, fingerprint: Fingerprint, log: Sequence[Viewing]) -> Iterator[str]:
    """A network that was run before the registration is none that comes later."""
    since = registered_at(waiting)
    times = [item.time for item in log if item.weights == fingerprint.hashes.weights]
    earlier = [time for time in times if datetime.fromisoformat(time) < since]
    if earlier:
        yield f"this network was run on {min(earlier)}, before the registration"


def _others_first(
    waiting: Lock, later: Later, fingerprint: Fingerprint, documents: Collection[str], log: Sequence[Viewing]
) -> Iterator[str]:
    """A network is not the first where another one was run since, under whatever plan.

    What the other gave may have been looked at, and the network passed over for it.
    Those that were there before the registration could not be bound, and those of another family or size
    would not do.
    """
    since, wanted = registered_at(waiting), set(documents)
    old = {item.weights for item in log if datetime.fromisoformat(item.time) < since}
    for item in log:
        if item.weights in old or item.weights == fingerprint.hashes.weights or _unfit(later, item):
            continue
        if shared := wanted.intersection(item.documents):
            yield (
                f"another network ({item.weights[:12]}…) that satisfies what can be checked was run first, "
                f"on {item.time[:19]} over {len(shared)} of the evaluation documents, by {item.plan}"
            )
            return


def _unfit(later: Later, item: Viewing) -> bool:
    return bool(item.family) and any(unmet(later, item.family, item.parameters))


def _append(
    path: Path, waiting: Lock, fingerprint: Fingerprint, documents: Collection[str], cache: Path
) -> Entry | None:
    def compose(entries: tuple[Entry, ...], previous: str) -> Lock | None:
        last = last_entry(entries, path.name)
        if last is None or not is_waiting(last.lock) or lock_data(last.lock) != lock_data(waiting):
            return None
        assert waiting.later is not None  # it waits
        bound = replace(
            waiting.later,
            bound=datetime.now(UTC).isoformat(timespec="seconds"),
            waited=lock_hash(waiting),
        )
        return compose_lock(
            fingerprint,
            path.name,
            previous,
            registered=registered_at(waiting),
            seen=what_was_seen(entries, fingerprint, documents, cache),
            git=waiting.git,
            later=bound,
        )

    return append_entry(path.parent, compose)
