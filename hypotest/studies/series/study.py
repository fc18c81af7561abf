"""One protocol run many times: at layers of a network, or on checkpoints of its training."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session
from hypotest.errors import HypotestError, ProtocolError, SubjectError
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.preflight import check_command, results_folder
from hypotest.pipeline.run import run, run_folder, run_plan, trial_folder, with_seed
from hypotest.pipeline.subject import at_layer, load_subject, require_checkpoints, subject_in_memory
from hypotest.pipeline.trial import try_plan
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results.results import Results
from hypotest.records.results.trial import TrialResult, require_positions
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.registration.checks.series import checkpoint_step
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.run import Run
from hypotest.report.text import file_slug
from hypotest.studies.series.courses import MemberName, combine
from hypotest.studies.series.page import series_summary, write_series
from hypotest.studies.series.record import SeriesResult
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel

show_as(SeriesResult, series_summary)


def run_protocol(protocol: str | Path, **options: Any) -> Run | SeriesResult:
    """Run a protocol once, or as the series that it declares.

    Args:
        protocol: Path of the protocol.
        options: As for `hypotest.run`, but for ``limit``.
    """
    if options.get("subject") is not None:  # which is one
        finished: Run = run(protocol, **options)
        return finished
    options.pop("subject", None)
    if load_protocol(protocol, subject=options.get("model") is None).is_series:
        return run_series(protocol, **options)
    finished = run(protocol, **options)
    return finished


def try_protocol(
    protocol: str | Path,
    limit: int,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    memory: float = MEMORY,
    force: bool = False,
    start_stage: StartStage | None = None,
    subject: Any = None,
) -> tuple[TrialResult, ...]:
    """Try a protocol out: once, or every member of the series that it declares.

    Args:
        protocol: Path of the protocol.
        limit: Positions per condition, as for `hypotest.run`.
        out: As for `hypotest.run`.
        seed: As for `hypotest.run`.
        device: As for `hypotest.run`.
        memory: As for `hypotest.run`.
        force: As for `hypotest.run`.
        start_stage: As for `hypotest.run`.
        subject: As for `hypotest.run`.

    Raises:
        ProtocolError: If fewer than 8 positions are asked for, or the protocol cannot be run.
        RunError: If a member cannot be tried.
    """
    path = protocol_file(protocol)
    plan = with_seed(load_protocol(path, network=getattr(subject, "name", None)), seed)
    if not plan.is_series:
        return (
            run(
                path,
                subject=subject,
                limit=limit,
                out=out,
                seed=seed,
                device=device,
                memory=memory,
                force=force,
                start_stage=stages_shown(start_stage),
            ),
        )
    require_positions(limit)
    check_command(out=results_folder(plan, out), device=device, memory=memory, seed=seed)
    skipped: list[str] = []
    trials = []
    start_stage = stages_shown(start_stage)
    session = Session.start(plan.seed, start_stage, device, memory)
    for name, member, load in _members(plan, path, None, None, device, skipped):
        trials.append(
            try_plan(
                member,
                path,
                trial_folder(plan, out) / name.folder,
                limit,
                session.within(name.shown),
                subject=load(),
                force=force,
            )
        )
        gc.collect()  # nnsight leaves cycles that hold a model
    if not trials:
        raise _nothing_to_test(skipped)
    return tuple(trials)


def run_series(
    protocol: str | Path,
    *,
    model: Any = None,
    tokenizer: Any = None,
    out: str | Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    memory: float = MEMORY,
    force: bool = False,
    contexts: bool = True,
    start_stage: StartStage | None = None,
    on_registration: Callable[[Registration], None] = lambda registration: None,
) -> SeriesResult:
    """Run a protocol at several layers (``layer: all``, or a list) or on checkpoints (``revision: [...]``).

    Every member is a run of its own, with report and evidence; a series that was stopped goes on from the
    evidence that is there. A member that fails does not stop the others: it is listed with its error, and the
    next run of the series goes on with it. What is said of members together: each hypothesis' verdict at each
    member, alone and with its refutations corrected for the number of members; and for what the protocol
    predicts of the course over checkpoints, Kendall's tau against the step, with a verdict.

    Args:
        protocol: Path of the protocol.
        model: As for `hypotest.run`; for a series of layers.
        tokenizer: As for `hypotest.run`.
        out: As for `hypotest.run`; the members' folders lie within the series'.
        seed: As for `hypotest.run`.
        device: As for `hypotest.run`.
        memory: As for `hypotest.run`.
        force: As for `hypotest.run`.
        contexts: As for `hypotest.run`.
        start_stage: As for `hypotest.run`.
        on_registration: As for `hypotest.run`; told once.

    Raises:
        ProtocolError: If the protocol cannot be run, or declares no series; carries every problem.
        RunError: If no member can be finished.
    """
    path, started = protocol_file(protocol), datetime.now(UTC)
    plan = with_seed(load_protocol(path, subject=model is None), seed)
    if not plan.is_series:
        raise ProtocolError(f"{path}: declares no series: hypotest.run runs it")
    check_command(
        out=results_folder(plan, out), device=device if model is None else None, memory=memory, seed=seed
    )
    folder = run_folder(plan, out, started)
    skipped: list[str] = []
    names: list[MemberName] = []
    results: list[Results] = []
    failed: dict[str, Exception] = {}
    tell = on_registration
    start_stage = stages_shown(start_stage)
    session = Session.start(plan.seed, start_stage, device, memory)
    for name, member, load in _members(plan, path, model, tokenizer, device, skipped):
        try:
            finished = run_plan(
                member,
                path,
                folder / name.folder,
                session.within(name.shown),
                subject=load(),
                force=force,
                contexts=contexts,
                on_registration=tell,
                started=datetime.now(UTC),
            )
        except (HypotestError, MemoryError, OSError) as error:
            failed[name.shown] = error
        else:
            names.append(name)
            results.append(finished.results)
            tell = _told
            del finished
        gc.collect()  # nnsight leaves cycles that hold a model
    if not names:
        raise next(iter(failed.values()), _nothing_to_test(skipped))
    said = [f"{name}: {' '.join(str(error).split())}" for name, error in failed.items()]
    series = replace(combine(plan, results, names, skipped, said), folder=folder)
    write_series(series, start_stage)
    return series


def _members(
    plan: Protocol, path: Path, model: Any, tokenizer: Any, device: str, skipped: list[str]
) -> Iterator[tuple[MemberName, Protocol, Callable[[], Subject]]]:
    """Plan of each member, and what loads its subject; of checkpoints, one model at a time."""
    if isinstance(plan.subject.revision, tuple):
        if model is not None:
            raise SubjectError("a model in memory is one checkpoint, and this protocol names several")
        require_checkpoints(plan, path.parent)
        for number, revision in enumerate(plan.subject.revision, start=1):
            member = plan.member(revision=revision)
            name = MemberName(revision, checkpoint_step(revision) or 0, f"{number:03d}-{file_slug(revision)}")
            yield name, member, partial(load_subject, member, path.parent, device)
        return
    last = plan.member(layer=-1)
    subject = (
        load_subject(last, path.parent, device)
        if model is None
        else subject_in_memory(last, model, tokenizer, path.parent)
    )
    assert isinstance(subject, LanguageModel)  # a network has no layers to go through
    for layer in _numbers(plan.subject.layer, subject):
        member = plan.member(layer=layer)
        here = at_layer(subject, member, path.parent)
        if here.reaching_layers:
            yield MemberName(f"layer {layer}", layer, f"layer-{layer:03d}"), member, partial(_itself, here)
        else:
            skipped.append(f"layer {layer}: no attention reaches its MLP")


def _itself(subject: LanguageModel) -> Subject:
    """What is loaded already."""
    return subject


def _numbers(layers: object, subject: LanguageModel) -> list[int]:
    """Of the blocks that a plan names, counted from 0, in the order of the network.

    Raises:
        SubjectError: If a number stands for no block of the network, or two for the same one.
    """
    n_layers = subject.n_layers
    if not isinstance(layers, tuple):
        return list(range(n_layers))
    for layer in layers:
        if not -n_layers <= layer < n_layers:
            message = f"{subject.name} has the layers 0 to {n_layers - 1}, from the end -1 to -{n_layers}"
            raise SubjectError(f"subject.layer: {message}; found {layer}")
    numbers = sorted({layer % n_layers for layer in layers})
    if len(numbers) < len(layers):
        listed = ", ".join(map(str, layers))
        raise SubjectError(f"subject.layer: must list each layer of {subject.name} once; found [{listed}]")
    return numbers


def _nothing_to_test(skipped: list[str]) -> SubjectError:
    return SubjectError(f"subject.layer: no layer can be tested ({'; '.join(skipped)})")


def _told(_registration: Registration) -> None:
    """Of the first member; the others are the same."""
