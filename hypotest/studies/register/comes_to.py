"""What a protocol, or each member of a series, comes to here, before anything is run through it."""

from __future__ import annotations

import gc
from collections.abc import Collection
from pathlib import Path

from hypotest.collect.evidence_folder import is_collected, read_selection
from hypotest.engine.session import Session
from hypotest.errors import SubjectError
from hypotest.pipeline.checks.channels import check_channels
from hypotest.pipeline.checks.definedness import check_defined
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.collection import documents_of
from hypotest.pipeline.prepare import prepare
from hypotest.pipeline.registered.fingerprint import fingerprint
from hypotest.pipeline.registered.registered import kept_out_of_evaluation
from hypotest.pipeline.registered.seen import documents_seen
from hypotest.pipeline.subject import load_subject
from hypotest.pipeline.texts.document_log import read_log
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint, RegisteredMember
from hypotest.registration.locks.series import member_of, series_fingerprint
from hypotest.studies.series.checkpoints import checkpoints_of, require_all
from hypotest.studies.series.members import loaded, members_of
from hypotest.subjects.kinds import Subject


def what_it_comes_to(
    plan: Protocol, path: Path, session: Session, subject: Subject | None, *, fresh_documents: bool
) -> tuple[Fingerprint, tuple[str, ...]]:
    """Hashes of everything that a run's numbers depend on, and the documents of its evaluation split.

    Args:
        plan: Of one run.
        path: The protocol's file.
        session: Device, cache and progress.
        subject: Instead of the one that the plan names.
        fresh_documents: Keep out what the subject was run over before.

    Raises:
        ProtocolError: If it cannot be run.
        CorpusError: If too few documents are left.
        RunError: If subject or text cannot be had.
    """
    kept_out: Collection[str] = kept_out_of_evaluation(path)
    if fresh_documents:
        subject = subject or load_subject(plan, path.parent, session.device, session.stage)
        kept_out = documents_seen(read_log(session.cache)[0], (subject.fingerprint,))
    return _of_run(plan, path, session, subject, kept_out)


def whole_series(
    plan: Protocol, path: Path, session: Session, *, fresh_documents: bool
) -> tuple[Fingerprint, tuple[RegisteredMember, ...], tuple[str, ...]]:
    """The same of a series: over all of it, of each member, and the evaluation documents of any.

    Args:
        plan: Of the series.
        path: The protocol's file.
        session: Device, cache and progress.
        fresh_documents: Keep out what any member was run over before.

    Raises:
        ProtocolError: If a member cannot be run.
        CorpusError: If too few documents are left.
        RunError: If a member or the text cannot be had, or no member can be tested.
    """
    kept_out: Collection[str] = kept_out_of_evaluation(path)
    base, skipped = path.parent, list[str]()
    checkpoints = require_all(checkpoints_of(plan, base))
    if fresh_documents:
        weights = {
            loaded(item).fingerprint for item in members_of(plan, checkpoints, base, session.device, skipped)
        }
        kept_out = documents_seen(read_log(session.cache)[0], weights)
    known: Fingerprint | None = None
    members: list[RegisteredMember] = []
    documents: set[str] = set()
    for member in members_of(plan, checkpoints, base, session.device, skipped):
        known, of_member = _of_run(
            member.plan, path, session.within(member.name.shown), loaded(member), kept_out
        )
        own = member.plan.subject
        called: dict[str, int | str] = {axis: getattr(own, axis) for axis in plan.subject.axes}
        members.append(member_of(called, known))
        documents.update(of_member)
        gc.collect()  # nnsight leaves cycles that hold a model
    if known is None:
        raise SubjectError(f"subject: no member of the series can be tested ({'; '.join(skipped)})")
    return series_fingerprint(plan, known, members), tuple(members), tuple(sorted(documents))


def _of_run(
    plan: Protocol, path: Path, session: Session, subject: Subject | None, kept_out: Collection[str]
) -> tuple[Fingerprint, tuple[str, ...]]:
    prepared = prepare(plan, path.parent, session, subject, kept_out=kept_out)
    check_channels(plan, prepared.subject.channels, prepared.subject.name, path)
    check_reach(plan, prepared, prepared.subject.n_neurons, path)
    if is_collected(session.evidence, prepared.keys.selection):  # explore or power have looked at it
        check_defined(plan, read_selection(session.evidence, prepared.keys.selection), session.streams, path)
    documents = documents_of(prepared, prepared.samples["evaluation"])
    return fingerprint(plan, prepared), documents
