"""`hypotest.run`: from what a caller names to a run or a trial."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, overload

from hypotest.collect.evidence_folder import EvidenceKeys, read_evidence
from hypotest.collect.lesions import read_lesions
from hypotest.engine.cluster import Cluster
from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session, cache_folder
from hypotest.errors import ProtocolError
from hypotest.pipeline.checks.preflight import check_command, results_folder
from hypotest.pipeline.handed_out import RunTask, run_together
from hypotest.pipeline.lesions import with_lesions
from hypotest.pipeline.run_plan import run_plan
from hypotest.pipeline.subject import network_in_memory, subject_in_memory
from hypotest.pipeline.trial import try_plan
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results.trial import TrialResult, require_positions
from hypotest.registration import load_protocol, protocol_hash
from hypotest.registration.built import protocol_file
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.run import Run

IN_THIS_PROCESS = "model=, subject=: are in this process; workers load what the protocol names"


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
    workers: int | None = ...,
    scheduler: str = ...,
    cluster: str | Path | None = ...,
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
    workers: int | None = None,
    scheduler: str = "",
    cluster: str | Path | None = None,
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
        workers: Processes that make the run together, handed out by Dask: each loads the network and makes a
            share of the shards and of the draws. By default this process alone, with all cores; for models
            that leave cores or GPUs of the machine idle.
        scheduler: Instead, the address of a running Dask scheduler, whose workers see the folders of reports
            and of the cache.
        cluster: Instead, a YAML file: ``system`` (slurm, pbs, lsf, sge), ``jobs``, and what dask-jobqueue's
            class for it takes.
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
    where = Cluster.named(workers, scheduler, cluster)
    given = None if subject is None else network_in_memory(subject)
    if given is not None and model is not None:
        raise ProtocolError("model=, subject=: name one of the two")
    if not where.is_this_process:
        if given is not None or model is not None:
            raise ProtocolError(IN_THIS_PROCESS)
        if limit is not None:
            raise ProtocolError("limit=: a trial is not handed out; leave out workers=, scheduler=, cluster=")
    plan = with_seed(
        load_protocol(path, subject=model is None, network=None if given is None else given.name), seed
    )
    if limit is not None:
        require_positions(limit)
    check_command(
        out=results_folder(plan, out),
        device=device if model is None and where.is_here else None,
        memory=memory,
        seed=seed,
    )
    loaded = given if model is None else subject_in_memory(plan, model, tokenizer, path.parent)
    session = Session.start(plan.seed, stages_shown(start_stage), device, memory)
    if limit is not None:
        return try_plan(plan, path, trial_folder(plan, out), limit, session, subject=loaded, force=force)
    folder = run_folder(plan, out, started)
    if not where.is_this_process:
        task = RunTask.of(plan, path, folder, session, force=force, contexts=contexts)
        finished = run_together(where, task, session)
        if (registration := finished.results.registration) is not None:
            on_registration(registration)
        return finished
    return run_plan(
        plan,
        path,
        folder,
        session,
        load=lambda: loaded,
        force=force,
        contexts=contexts,
        on_registration=on_registration,
        started=started,
    )


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
