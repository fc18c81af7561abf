"""Members of a series run: one after the other in this process, or handed out to others."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hypotest.engine.cluster import Cluster
from hypotest.engine.session import Session
from hypotest.errors import HypotestError, RunError, SubjectError
from hypotest.pipeline.handed_out import RunTask, run_apart
from hypotest.pipeline.run_plan import run_plan, untold
from hypotest.records.registration import Registration
from hypotest.records.results.results import Results
from hypotest.report.run import Run
from hypotest.studies.series.members import PlannedMember, loaded
from hypotest.studies.series.names import MemberName

Finished = tuple[list[MemberName], list[Results], dict[str, Exception]]
"""Members that were run, what each gave, and the errors of those that failed, by name."""


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
    failed: dict[str, Exception] = {}
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
            failed[member.name.shown] = error
        else:
            names.append(member.name)
            results.append(finished.results)
            del finished
        del member
        gc.collect()  # nnsight leaves cycles that hold a model
    return names, results, failed


def run_elsewhere(
    cluster: Cluster,
    members: Iterator[PlannedMember],
    path: Path,
    folder: Path,
    session: Session,
    *,
    force: bool,
    contexts: bool,
    on_registration: Callable[[Registration], None],
) -> Finished:
    """Hand the members out; each worker loads its own subject.

    Args:
        cluster: To whom.
        members: As for `run_here`, and so are the others.
        path: Of the series.
        folder: Gets a folder for each.
        session: What they compute with.
        force: As for `hypotest.run`.
        contexts: As for `hypotest.run`.
        on_registration: Told of the first.
    """
    failed: dict[str, Exception] = {}
    handed_out: list[MemberName] = []
    tasks = []
    for member in members:
        if isinstance(member.load, SubjectError):
            failed[member.name.shown] = member.load
            continue
        handed_out.append(member.name)
        place, early = folder / member.name.folder, force or member.is_early
        tasks.append(RunTask.of(member.plan, path, place, session, force=early, contexts=contexts))
    step = session.stage("members of the series", len(tasks))

    def done(number: int, wrong: str) -> None:
        if wrong:
            failed[handed_out[number].shown] = RunError(wrong)
        step()

    run_apart(cluster, tasks, done)
    names = [name for name in handed_out if name.shown not in failed]
    runs = [Run.open(folder / name.folder).results for name in names]
    if runs and runs[0].registration is not None:
        on_registration(runs[0].registration)
    return names, runs, failed
