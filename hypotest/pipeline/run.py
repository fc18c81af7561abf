"""A whole run on one screen: protocol, evidence, group and nulls, results, verdict, report."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, overload

from hypotest.collect.evidence_folder import (
    EvidenceKeys,
    evidence_digests,
    is_collected,
    read_evidence,
)
from hypotest.collect.lesions import lesions_digest, read_lesions
from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session, cache_folder
from hypotest.errors import ProtocolError
from hypotest.groups.live import without_dead
from hypotest.pipeline.analysis.analysis import group_values
from hypotest.pipeline.analysis.results import analyse_every_split, ask_model, assemble
from hypotest.pipeline.checks.channels import check_channels
from hypotest.pipeline.checks.definedness import check_defined
from hypotest.pipeline.checks.plausibility import measure_cross_entropy
from hypotest.pipeline.checks.preflight import check_command, results_folder
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.collection import collect_both, documents_of, self_check
from hypotest.pipeline.lesions import lesioned, with_lesions
from hypotest.pipeline.pieces import KeptPieces
from hypotest.pipeline.prepare import Prepared, prepare
from hypotest.pipeline.registered.fingerprint import fingerprint
from hypotest.pipeline.registered.later import bind_subject
from hypotest.pipeline.registered.manifest import Stopwatch, describe_run
from hypotest.pipeline.registered.registered import kept_out_of_evaluation, registration_of
from hypotest.pipeline.subject import network_in_memory, subject_in_memory
from hypotest.pipeline.trial import try_plan
from hypotest.pipeline.untrained import (
    UntrainedNetwork,
    collect_untrained,
    describe_untrained,
)
from hypotest.records.evidence.evidence import Evidence, SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results.self_check import SelfCheck
from hypotest.records.results.trial import TrialResult, require_positions
from hypotest.registration import load_protocol, protocol_hash
from hypotest.registration.built import protocol_file
from hypotest.report.export import write_run
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.run import Run
from hypotest.subjects.kinds import Subject
from hypotest.testing.selection import select


@overload
def run(
    protocol: str | Path,
    *,
    model: Any = ...,
    subject: Any = ...,
    tokenizer: Any = ...,
    out: str | Path | None = ...,
    seed: int | None = ...,
    device: str = ...,
    limit: None = ...,
    memory: float = ...,
    force: bool = ...,
    contexts: bool = ...,
    start_stage: StartStage | None = ...,
    on_registration: Callable[[Registration], None] = ...,
) -> Run: ...


@overload
def run(
    protocol: str | Path,
    *,
    model: Any = ...,
    subject: Any = ...,
    tokenizer: Any = ...,
    out: str | Path | None = ...,
    seed: int | None = ...,
    device: str = ...,
    limit: int,
    memory: float = ...,
    force: bool = ...,
    contexts: bool = ...,
    start_stage: StartStage | None = ...,
    on_registration: Callable[[Registration], None] = ...,
) -> TrialResult: ...


def run(
    protocol: str | Path,
    *,
    model: Any = None,
    subject: Any = None,
    tokenizer: Any = None,
    out: str | Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    limit: int | None = None,
    memory: float = MEMORY,
    force: bool = False,
    contexts: bool = True,
    start_stage: StartStage | None = None,
    on_registration: Callable[[Registration], None] = lambda registration: None,
) -> Run | TrialResult:
    """Run a protocol from the YAML file to the report, or try it out.

    Args:
        protocol: Path of the protocol.
        model: Instead of the one that the protocol names: a ``transformers`` causal language model in memory
            (float32, any device), itself or wrapped by nnsight. Its weights are hashed as any others; what
            ``verify(..., recollect=True)`` loads again is the protocol's model.
        subject: Instead of the network that the protocol names: a `hypotest.Network`, with its rows.
        tokenizer: Its fast tokenizer.
        out: Folder that gets the run's folder, ``<out>/<protocol id>/<time>-<hash>``; default ``reports``.
        seed: Instead of the protocol's seed.
        device: ``cpu``, ``cuda``, ``mps``, ``auto``, or ``balanced`` over all GPUs.
        limit: Positions per condition of a trial: on the selection split alone, with few draws, without
            p-values, outcomes and verdict; written to ``<out>/<protocol id>/trial``.
        memory: GB that ablation may take beside model and evidence.
        force: Go on where the model is not what it claims to be: worse than chance on the text, or without
            the beginning-of-sequence token that its family needs.
        contexts: Whether results and report may hold lines of the text; not for private text.
        start_stage: Told of each stage and its number of steps, for progress; if not given, a notebook
            shows a line, and a script nothing.
        on_registration: Told what the run is, confirmatory or exploratory, before anything is collected; a
            trial is neither.

    Returns:
        The run's folder, opened; of a trial, what it gave.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem. What the selection split shows
            to be undefined is one of them, found before the evaluation split is touched.
        RunError: If the run cannot be finished; finished evidence stays in the cache.
    """
    path, started = protocol_file(protocol), datetime.now(UTC)
    given = None if subject is None else network_in_memory(subject)
    if given is not None and model is not None:
        raise ProtocolError("model=, subject=: name one of the two")
    plan = with_seed(
        load_protocol(path, subject=model is None, network=None if given is None else given.name), seed
    )
    if limit is not None:
        require_positions(limit)
    check_command(
        out=results_folder(plan, out), device=device if model is None else None, memory=memory, seed=seed
    )
    loaded = given if model is None else subject_in_memory(plan, model, tokenizer, path.parent)
    session = Session.start(plan.seed, stages_shown(start_stage), device, memory)
    if limit is not None:
        return try_plan(plan, path, trial_folder(plan, out), limit, session, subject=loaded, force=force)
    return run_plan(
        plan,
        path,
        run_folder(plan, out, started),
        session,
        subject=loaded,
        force=force,
        contexts=contexts,
        on_registration=on_registration,
        started=started,
    )


def run_plan(
    plan: Protocol,
    path: Path,
    folder: Path,
    session: Session,
    *,
    subject: Subject | None,
    force: bool = False,
    contexts: bool = True,
    on_registration: Callable[[Registration], None],
    started: datetime,
) -> Run:
    """Run a plan that is loaded already, as `run` does.

    Args:
        plan: What is run.
        path: The protocol's file, whose folder relative paths start from.
        folder: Gets the run; must not exist.
        session: What it computes with.
        subject: Instead of loading the one that the plan names.
        force: As for `run`.
        contexts: As for `run`.
        on_registration: As for `run`.
        started: When the run began.
    """
    display, watch = session.start_stage, Stopwatch(session.start_stage)
    session = session.telling(watch)
    kept_out = kept_out_of_evaluation(path)
    prepared = prepare(plan, path.parent, session, subject, kept_out=kept_out, force=force)
    check_channels(plan, prepared.subject.channels, prepared.subject.name, path)
    check_reach(plan, prepared, prepared.subject.n_neurons, path)
    entropy = measure_cross_entropy(prepared, session, force=force)
    fingerprint_now = fingerprint(plan, prepared)
    documents = documents_of(prepared, prepared.samples["evaluation"])
    unbound = bind_subject(path, plan, fingerprint_now, prepared, documents, session.cache)
    registration = registration_of(path, fingerprint_now, documents, session.cache, unbound)
    on_registration(registration)
    cached = is_collected(session.evidence, prepared.keys.evaluation)
    evidence, check, networks = _collect(
        plan, prepared, session, lambda selected: check_defined(plan, selected, session.streams, path)
    )
    selection_key = prepared.keys.selection
    evidence, lesions = lesioned([plan], prepared, evidence, evidence.selection, selection_key, session)
    digests = evidence_digests(session.evidence, prepared.keys)
    if lesions:
        digests["lesions"] = lesions_digest(session.evidence, lesions)
    kept = KeptPieces.of(fingerprint_now, digests, session.cache)
    session = session.keeping(kept)
    selection = select(plan, without_dead(evidence), session.streams)
    facts = ask_model(plan, prepared, evidence, selection, check, entropy, session, contexts)
    file, device = prepared.subject.file, str(prepared.subject.device)
    about_networks = describe_untrained(plan, prepared, networks)
    del prepared, subject  # all that follows needs memory of its own, and the model no more
    gc.collect()  # nnsight leaves cycles that hold it
    tested = analyse_every_split(plan, evidence, [network.value for network in networks], session)
    results = assemble(plan, evidence, tested, facts, registration)
    manifest = describe_run(
        fingerprint_now,
        file,
        device,
        results.ablation,
        session.memory,
        check,
        started.isoformat(),
        cached,
        watch.seconds,
        digests,
        networks=about_networks,
        lesions=lesions,
    )
    write_run(folder, results, tested.nulls, manifest, display)
    kept.discard()
    return Run.open(folder)


def _collect(
    plan: Protocol,
    prepared: Prepared,
    session: Session,
    on_selection: Callable[[SelectionEvidence], None],
) -> tuple[Evidence, SelfCheck | None, tuple[UntrainedNetwork[dict[str, float]], ...]]:
    """Evidence of the subject, checked, and what the untrained networks contribute."""
    collect_both(plan, prepared, session, on_selection)
    # before the subject's is read: a network's own takes as much memory again
    networks = collect_untrained(plan, prepared, session, lambda other: group_values(plan, other))
    evidence = read_evidence(session.evidence, prepared.keys)
    return evidence, self_check(prepared, evidence, session), networks


def load_evidence(run: Run | str | Path) -> Evidence:
    """The evidence behind a run, from the cache: activations, delta_loss, positions.

    Raises:
        OutputError: If the folder is no run.
        EvidenceError: If the evidence is no longer in the cache, or damaged.
    """
    manifest = (run if isinstance(run, Run) else Run.open(run)).manifest
    keys = EvidenceKeys(manifest["evidence"]["selection"], manifest["evidence"]["evaluation"])
    cache = cache_folder() / "evidence"
    evidence, lesions = read_evidence(cache, keys), manifest.get("lesions")
    return evidence if lesions is None else with_lesions(evidence, read_lesions(cache, lesions))


def with_seed(plan: Protocol, seed: int | None) -> Protocol:
    """The plan with another seed, if one is given."""
    return plan if seed is None else plan.model_copy(update={"seed": seed})


def trial_folder(plan: Protocol, out: str | Path | None) -> Path:
    """Where a trial lies."""
    return results_folder(plan, out) / "trial"


def run_folder(plan: Protocol, out: str | Path | None, started: datetime) -> Path:
    """UTC time and a short hash of protocol and time, so that runs of one second stay apart."""
    text = f"{protocol_hash(plan)} {started.isoformat()}"
    name = f"{started:%Y%m%dT%H%M%SZ}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return results_folder(plan, out) / name
