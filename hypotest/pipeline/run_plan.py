"""A whole run on one screen: protocol, evidence, group and nulls, results, verdict, report."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from hypotest.collect.evidence_folder import evidence_digests, is_collected, read_evidence
from hypotest.collect.lesions import lesions_digest
from hypotest.engine.session import Session
from hypotest.groups.live import without_dead
from hypotest.pipeline.analysis.analysis import group_values
from hypotest.pipeline.analysis.results import analyse_every_split, ask_model, assemble
from hypotest.pipeline.checks.channels import check_channels
from hypotest.pipeline.checks.definedness import check_defined
from hypotest.pipeline.checks.plausibility import measure_cross_entropy
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.collection import collect_both, documents_of, self_check
from hypotest.pipeline.lesions import lesioned
from hypotest.pipeline.pieces import KeptPieces
from hypotest.pipeline.prepare import Prepared, prepare
from hypotest.pipeline.registered.fingerprint import fingerprint
from hypotest.pipeline.registered.later import bind_subject
from hypotest.pipeline.registered.manifest import Stopwatch, describe_run
from hypotest.pipeline.registered.registered import kept_out_of_evaluation, registration_of
from hypotest.pipeline.untrained import UntrainedNetwork, collect_untrained, describe_untrained
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint, Registration
from hypotest.records.results.corpus_result import CrossEntropy
from hypotest.records.results.results import Results
from hypotest.records.results.self_check import SelfCheck
from hypotest.report.export import write_run
from hypotest.report.run import Run
from hypotest.subjects.kinds import Subject
from hypotest.testing.selection import select

Load = Callable[[], Subject | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Begun:
    """What is known before anything is collected."""

    prepared: Prepared
    entropy: CrossEntropy | None
    fingerprint: Fingerprint
    registration: Registration


@dataclass(frozen=True, slots=True, eq=False)
class _Gathered:
    """What was collected."""

    was_cached: bool
    evidence: Evidence
    check: SelfCheck | None
    networks: tuple[UntrainedNetwork[dict[str, float]], ...]
    lesions: str
    """Their key; empty without any."""


def untold(_registration: Registration) -> None:
    """Of a run that is one of several, or made elsewhere: whoever began them says what they are."""


def run_plan(
    plan: Protocol,
    path: Path,
    folder: Path,
    session: Session,
    *,
    load: Load,
    force: bool = False,
    contexts: bool = True,
    on_registration: Callable[[Registration], None],
    started: datetime,
) -> Run:
    """Run a plan that is loaded already, as `hypotest.run` does.

    Args:
        plan: What is run.
        path: The protocol's file, whose folder relative paths start from.
        folder: Gets the run; must not exist.
        session: What it computes with.
        load: Gives the network, or None for the one that the plan names; called once, so that its memory can
            be freed before anything is tested.
        force: As for `hypotest.run`.
        contexts: As for `hypotest.run`.
        on_registration: As for `hypotest.run`.
        started: When the run began.
    """
    results, nulls, manifest, kept = _tested(
        plan, path, session, load, force, contexts, on_registration, started
    )
    write_run(folder, results, nulls, manifest, session.start_stage)
    kept.discard()
    return Run.open(folder)


def help_plan(
    plan: Protocol,
    path: Path,
    folder: Path,
    session: Session,
    *,
    load: Load,
    force: bool,
    contexts: bool,
) -> None:
    """Make a share of the shards and pieces of a run that another process makes as well, which reports it.

    Args:
        plan: As for `run_plan`, and so are the others.
        path: Of the protocol.
        folder: Gets the run, from that other process.
        session: What it computes with; says the share.
        load: As for `run_plan`.
        force: As for `hypotest.run`.
        contexts: As for `hypotest.run`.
    """
    *_, kept = _tested(plan, path, session, load, force, contexts, untold, datetime.now(UTC))
    if folder.exists():  # else the other may still look for them
        kept.discard()


def collect_plan(plan: Protocol, path: Path, session: Session, *, load: Load, force: bool) -> None:
    """Leave all that a run collects in the cache, and test nothing.

    Args:
        plan: As for `run_plan`, and so are the others.
        path: Of the protocol.
        session: What it computes with.
        load: As for `run_plan`.
        force: As for `hypotest.run`.
    """
    _gather(plan, path, _begin(plan, path, session, load, force).prepared, session)


def _begin(plan: Protocol, path: Path, session: Session, load: Load, force: bool) -> _Begun:
    kept_out = kept_out_of_evaluation(path)
    prepared = prepare(plan, path.parent, session, load(), kept_out=kept_out, force=force)
    check_channels(plan, prepared.subject.channels, prepared.subject.name, path)
    check_reach(plan, prepared, prepared.subject.n_neurons, path)
    entropy = measure_cross_entropy(prepared, session, force=force)
    fingerprint_now = fingerprint(plan, prepared)
    documents = documents_of(prepared, prepared.samples["evaluation"])
    unbound = bind_subject(path, plan, fingerprint_now, prepared, documents, session.cache)
    registration = registration_of(path, fingerprint_now, documents, session.cache, unbound)
    return _Begun(prepared, entropy, fingerprint_now, registration)


def _gather(plan: Protocol, path: Path, prepared: Prepared, session: Session) -> _Gathered:
    cached = is_collected(session.evidence, prepared.keys.evaluation)
    collect_both(
        plan, prepared, session, lambda selected: check_defined(plan, selected, session.streams, path)
    )
    # before the subject's is read: a network's own takes as much memory again
    networks = collect_untrained(plan, prepared, session, lambda other: group_values(plan, other))
    evidence = read_evidence(session.evidence, prepared.keys)
    check = self_check(prepared, evidence, session)
    selection_key = prepared.keys.selection
    evidence, lesions = lesioned([plan], prepared, evidence, evidence.selection, selection_key, session)
    return _Gathered(cached, evidence, check, networks, lesions)


def _tested(
    plan: Protocol,
    path: Path,
    session: Session,
    load: Load,
    force: bool,
    contexts: bool,
    on_registration: Callable[[Registration], None],
    started: datetime,
) -> tuple[Results, pl.DataFrame, dict[str, Any], KeptPieces]:
    """Results, draws and manifest of a run, and what was kept of it while it was not finished.

    Args:
        plan: As for `run_plan`, and so are the others.
        path: Of the protocol.
        session: What it computes with.
        load: Gives the network.
        force: As for `hypotest.run`.
        contexts: As for `hypotest.run`.
        on_registration: As for `hypotest.run`.
        started: When the run began.
    """
    watch = Stopwatch(session.start_stage)
    session = session.telling(watch)
    begun = _begin(plan, path, session, load, force)
    prepared, fingerprint_now, registration = begun.prepared, begun.fingerprint, begun.registration
    on_registration(registration)
    gathered = _gather(plan, path, prepared, session)
    evidence, check, lesions = gathered.evidence, gathered.check, gathered.lesions
    digests = evidence_digests(session.evidence, prepared.keys)
    if lesions:
        digests["lesions"] = lesions_digest(session.evidence, lesions)
    kept = KeptPieces.of(fingerprint_now, digests, session.cache)
    session = session.keeping(kept)
    selection = select(plan, without_dead(evidence), session.streams)
    facts = ask_model(plan, prepared, evidence, selection, check, begun.entropy, session, contexts)
    file, device = prepared.subject.file, str(prepared.subject.device)
    about_networks = describe_untrained(plan, prepared, gathered.networks)
    del prepared, begun  # all that follows needs memory of its own, and the model no more
    gc.collect()  # nnsight leaves cycles that hold it
    tested = analyse_every_split(plan, evidence, [network.value for network in gathered.networks], session)
    results = assemble(plan, evidence, tested, facts, registration)
    manifest = describe_run(
        fingerprint_now,
        file,
        device,
        results.ablation,
        session.memory,
        check,
        started.isoformat(),
        gathered.was_cached,
        watch.seconds,
        digests,
        networks=about_networks,
        lesions=lesions,
    )
    return results, tested.nulls, manifest, kept
