"""One protocol run many times: on models, at layers, on checkpoints, or over the grid of all these."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypotest.engine.cluster import Cluster
from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session
from hypotest.errors import ProtocolError, SubjectError
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.preflight import check_command, results_folder
from hypotest.pipeline.run import IN_THIS_PROCESS, run, run_folder, trial_folder, with_seed
from hypotest.pipeline.trial import try_plan
from hypotest.records.registration import Registration
from hypotest.records.results.trial import TrialResult, require_positions
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.run import Run
from hypotest.studies.series.checkpoints import Checkpoint, checkpoints_of, missing_lines, require_all
from hypotest.studies.series.courses import combine
from hypotest.studies.series.failures import failure_lines
from hypotest.studies.series.members import PlannedMember, loaded, members_in_memory, members_of, planned
from hypotest.studies.series.models import pooled
from hypotest.studies.series.page import series_summary, write_series
from hypotest.studies.series.record import SeriesResult
from hypotest.studies.series.running import run_elsewhere, run_here
from hypotest.studies.series.status import registration_of_series

show_as(SeriesResult, series_summary)


def run_protocol(protocol: str | Path, **options: Any) -> Run | SeriesResult:
    """Run a protocol once, or as the series that it declares.

    Args:
        protocol: Path of the protocol.
        options: As for `hypotest.run`, but for ``limit``, and as for `run_series`.
    """
    in_memory = options.get("model") is not None
    if options.get("subject") is None:  # else it is one
        options.pop("subject", None)
        if load_protocol(protocol, subject=not in_memory).is_series:
            return run_series(protocol, **options)
    options.pop("on_missing", None)  # without its network there is no run
    finished: Run = run(protocol, **options)
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
    checkpoints = require_all(checkpoints_of(plan, path.parent))
    for member in members_of(plan, checkpoints, path.parent, device, skipped):
        trials.append(
            try_plan(
                member.plan,
                path,
                trial_folder(plan, out) / member.name.folder,
                limit,
                session.within(member.name.shown),
                subject=loaded(member),
                force=force or member.is_early,
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
    workers: int | None = None,
    scheduler: str = "",
    cluster: str | Path | None = None,
    start_stage: StartStage | None = None,
    on_registration: Callable[[Registration], None] = lambda registration: None,
    on_missing: Callable[[str], None] | None = None,
) -> SeriesResult:
    """Run a protocol on several models, at several layers, on checkpoints, or over the grid of all these.

    Its subject names them: ``model: [...]`` or training seeds, ``layer: all`` or a list, ``revision: [...]``.
    Every member is a run of its own, with report and evidence; a series that was stopped goes on from the
    evidence that is there. A member that fails does not stop the others: it is listed with its error, and the
    next run of the series goes on with it; a model that cannot be had is said before the first is run. What
    is said of members together: each hypothesis' verdict at each member, alone and with its refutations
    corrected for the number of members; and for what the protocol predicts of the course over checkpoints,
    Kendall's tau against the step, with a verdict. Of several models the effects are pooled as
    `hypotest.compare` does it, at the last checkpoint and layer of each.

    Args:
        protocol: Path of the protocol.
        model: As for `hypotest.run`; for a series of layers.
        tokenizer: As for `hypotest.run`.
        out: As for `hypotest.run`; the members' folders lie within the series'.
        seed: As for `hypotest.run`.
        device: As for `hypotest.run`.
        memory: As for `hypotest.run`.
        force: As for `hypotest.run`; checkpoints before the last one of a training may be worse than chance
            anyway.
        contexts: As for `hypotest.run`.
        workers: Processes that members are handed out to by Dask; each loads its own model. By default one
            member after another in this one.
        scheduler: Instead, the address of a running Dask scheduler, whose workers see the folders of reports
            and of the cache.
        cluster: Instead, a YAML file: ``system`` (slurm, pbs, lsf, sge), ``jobs``, and what dask-jobqueue's
            class for it takes.
        start_stage: As for `hypotest.run`.
        on_registration: As for `hypotest.run`; told once.
        on_missing: Told of each model or checkpoint that cannot be had, and why, before the others are run;
            by default a warning.

    Raises:
        ProtocolError: If the protocol cannot be run, or declares no series; carries every problem.
        RunError: If no model can be had, or no member can be finished.
    """
    where = Cluster.named(workers, scheduler, cluster)
    path, started = protocol_file(protocol), datetime.now(UTC)
    plan = with_seed(load_protocol(path, subject=model is None), seed)
    if not plan.is_series:
        raise ProtocolError(f"{path}: declares no series: hypotest.run runs it")
    check_command(
        out=results_folder(plan, out),
        device=device if model is None and where.is_here else None,
        memory=memory,
        seed=seed,
    )
    folder = run_folder(plan, out, started)
    if model is not None and not where.is_this_process:
        raise ProtocolError(IN_THIS_PROCESS)
    skipped: list[str] = []
    start_stage = stages_shown(start_stage)
    session = Session.start(plan.seed, start_stage, device, memory)
    told: dict[str, Any] = {"force": force, "contexts": contexts, "on_registration": on_registration}
    base = path.parent

    def checkpoints() -> Sequence[Checkpoint]:
        checkpoints = checkpoints_of(plan, base)
        for line in missing_lines(checkpoints):
            (on_missing or warnings.warn)(line)
        return checkpoints

    def apart() -> Iterator[PlannedMember]:
        for item in checkpoints():
            yield from planned(plan, item, base, device, skipped)

    if where.is_this_process:
        members = (
            members_of(plan, checkpoints(), base, device, skipped)
            if model is None
            else members_in_memory(plan, model, tokenizer, base, skipped)
        )
        names, results, failed = run_here(members, path, folder, session, **told)
    else:
        names, results, failed = run_elsewhere(where, apart, path, folder, session, skipped, **told)
    if not names:
        raise failed[0].error if failed else _nothing_to_test(skipped)
    registration = registration_of_series(plan, path, results, [name.shown for name in names])
    lines = failure_lines(failed, names)
    series = replace(combine(plan, results, names, registration, sorted(skipped), lines), folder=folder)
    if "model" in plan.subject.axes:
        series = pooled(series, names, start_stage)
    write_series(series, start_stage)
    return series


def _nothing_to_test(skipped: list[str]) -> SubjectError:
    return SubjectError(f"subject.layer: no layer can be tested ({'; '.join(skipped)})")
