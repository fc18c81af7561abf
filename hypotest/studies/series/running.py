"""Members of a series run: one after the other in this process, or handed out to others."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hypotest.engine.cluster import Cluster
from hypotest.engine.session import Session
from hypotest.errors import HypotestError, RunError
from hypotest.pipeline.handed_out import RunTask, run_apart
from hypotest.pipeline.run_plan import run_plan, untold
from hypotest.records.registration import Registration
from hypotest.records.results.results import Results
from hypotest.report.run import Run
from hypotest.studies.series.failures import Failure
from hypotest.studies.series.members import PlannedMember, is_unreached, loaded, unreached
from hypotest.studies.series.names import MemberName

Finished = tuple[list[MemberName], list[Results], list[Failure]]
"""Members that were run, what each gave, and those that failed, all in the order of the members."""


def run_here(
    members: Iterator[PlannedMember],
    path: Path,
    folder: Path,
    session: Session,
    *,
    force: bool,
    contexts: bool,
    on_registration: Callable[[Registration], None],
) -> Finished:
    """Run one member after another.

    Args:
        members: Of the series.
        path: Its file.
        folder: Gets a folder for each.
        session: What they compute with.
        force: As for `hypotest.run`.
        contexts: As for `hypotest.run`.
        on_registration: Told of the first.
    """
    names: list[MemberName] = []
    results: list[Results] = []
    failed: list[Failure] = []
    for member in members:
        try:
            finished = run_plan(
                member.plan,
                path,
                folder / member.name.folder,
                session.within(member.name.shown),
                load=partial(loaded, member),
                force=force or member.is_early,
                contexts=contexts,
                on_registration=on_registration if not names else untold,
                started=datetime.now(UTC),
            )
        except (HypotestError, MemoryError, OSError) as error:
            failed.append(Failure(member.name, error, member.n_members))
        else:
            names.append(member.name)
            results.append(finished.results)
            del finished
        del member
        gc.collect()  # nnsight leaves cycles that hold a model
    return names, results, failed


def run_elsewhere(
    cluster: Cluster,
    members: Callable[[], Iterable[PlannedMember]],
    path: Path,
    folder: Path,
    session: Session,
    skipped: list[str],
    *,
    force: bool,
    contexts: bool,
    on_registration: Callable[[Registration], None],
) -> Finished:
    """Hand the members out; each worker loads its own subject.

    Args:
        cluster: To whom.
        members: Gives those of the series; asked once the cluster is there.
        path: Of the series.
        folder: Gets a folder for each.
        session: What they compute with.
        skipped: Gets the members that cannot be tested, and why.
        force: As for `hypotest.run`.
        contexts: As for `hypotest.run`.
        on_registration: Told of the first.
    """
    all_members: list[PlannedMember] = []
    handed_out: list[PlannedMember] = []
    wrong: dict[MemberName, str] = {}
    steps: list[Callable[[], None]] = []

    def tasks(_n_workers: int) -> list[RunTask]:
        all_members.extend(members())
        handed_out.extend(item for item in all_members if not isinstance(item.load, Exception))
        steps.append(session.stage("members of the series", len(handed_out)))
        return [
            RunTask.of(
                item.plan,
                path,
                folder / item.name.folder,
                session,
                force=force or item.is_early,
                contexts=contexts,
            )
            for item in handed_out
        ]

    def done(number: int, words: str) -> None:
        wrong[handed_out[number].name] = words
        steps[0]()

    run_apart(cluster, tasks, done, on_gpu=session.device != "cpu")
    names = [item.name for item in handed_out if not wrong[item.name]]
    failed: list[Failure] = []
    for item in all_members:
        if isinstance(item.load, Exception):
            failed.append(Failure(item.name, item.load, item.n_members))
        elif is_unreached(words := wrong[item.name]):
            skipped.append(unreached(item.name))
        elif words:
            failed.append(Failure(item.name, RunError(words)))
    runs = [Run.open(folder / name.folder).results for name in names]
    if runs and runs[0].registration is not None:
        on_registration(runs[0].registration)
    return names, runs, failed
