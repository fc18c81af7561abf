"""Runs that are made elsewhere: as tasks that workers are told of, and one run that several make together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from hypotest.engine.cluster import Cluster, done_by, telling, worker_name
from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.engine.share import ALONE, Share
from hypotest.engine.streams import Streams
from hypotest.engine.workers import Workers
from hypotest.errors import HypotestError, ProtocolError, RunError, error_line
from hypotest.pipeline.registered.later import waits_for_subject
from hypotest.pipeline.run_plan import collect_plan, help_plan, run_plan, untold
from hypotest.pipeline.subject import load_subject
from hypotest.records.protocol.protocol import Protocol
from hypotest.report.run import Run
from hypotest.subjects.loading.devices import take_gpu


@dataclass(frozen=True, slots=True)
class RunTask:
    """A run, as another process is told of it."""

    plan: str
    """Its protocol, as JSON; of a member of a series its own."""
    protocol: Path
    """The file that it is from."""
    folder: Path
    """Gets the run; on a disk that all see."""
    cache: Path
    """Likewise."""
    device: str
    memory: float
    force: bool
    contexts: bool
    share: Share = ALONE
    """Of the run; the first process reports it."""
    named: tuple[tuple[str, str], ...] = ()
    """Each of the folders -> what its user calls it, as errors do."""

    @classmethod
    def of(
        cls, plan: Protocol, path: Path, folder: Path, session: Session, *, force: bool, contexts: bool
    ) -> RunTask:
        """The task of a run, with folders that do not depend on where a process is.

        Args:
            plan: What is run.
            path: The protocol's file.
            folder: Gets the run.
            session: Device, memory and cache.
            force: As for `hypotest.run`.
            contexts: As for `hypotest.run`.
        """
        return cls(
            plan=plan.model_dump_json(),
            protocol=path.absolute(),
            folder=folder.absolute(),
            cache=session.cache.absolute(),
            device=session.device,
            memory=session.memory,
            force=force,
            contexts=contexts,
            named=tuple((str(item.absolute()), str(item)) for item in (path.parent, folder, session.cache)),
        )


def run_together(
    cluster: Cluster,
    task: RunTask,
    session: Session,
) -> Run:
    """Have one run made by all processes of a cluster: each makes a share of its shards and of its draws.

    Args:
        cluster: The processes; all see the folders of reports and cache.
        task: The run.
        session: For progress.

    Raises:
        ProtocolError: If its registration waits for its network, which one process binds before it collects.
        RunError: If it cannot be finished; finished evidence stays in the cache.
    """
    if waits_for_subject(task.protocol):
        raise ProtocolError(
            f"{task.protocol}: its registration waits for its network, which one process has to bind before "
            "anything is collected: leave out workers=, scheduler=, cluster="
        )
    for place, wrong in done_by(
        cluster,
        run_task,
        lambda count: [replace(task, share=Share(number, count)) for number in range(count)],
        on_gpu=task.device != "cpu",
        start_stage=session.start_stage,
    ):
        if place == 0:  # whoever helps has nothing left to do
            if wrong:
                raise RunError(wrong)
            break
    return Run.open(task.folder)


def run_apart(
    cluster: Cluster,
    tasks: Callable[[int], Sequence[RunTask]],
    on_done: Callable[[int, str], None],
    *,
    on_gpu: bool,
) -> None:
    """Have runs made, each by one process; where only some have a GPU, those collect and any process tests.

    Args:
        cluster: The processes.
        tasks: Gives the runs, once the processes are there; told how many.
        on_done: Told of a run that is done, by its place, and what went wrong; nothing did if that is empty.
        on_gpu: Whether runs may use one.

    Raises:
        RunError: If the scheduler is gone.
    """
    in_two = collect_task, finish_task
    for place, wrong in done_by(cluster, run_task, tasks, on_gpu=on_gpu, in_two=in_two):
        on_done(place, wrong)


def run_task(task: RunTask) -> str:
    """Make a run, or a share of it, with what the cache has of it.

    Returns:
        What went wrong, in one line; empty if nothing did.
    """
    plan, session = _begin(task)
    load = partial(load_subject, plan, task.protocol.parent, session.device)
    path, folder, force, contexts = task.protocol, task.folder, task.force, task.contexts
    if task.share.number:
        return _line_of(
            task, lambda: help_plan(plan, path, folder, session, load=load, force=force, contexts=contexts)
        )
    return _line_of(
        task,
        lambda: run_plan(
            plan,
            path,
            folder,
            session,
            load=load,
            force=force,
            contexts=contexts,
            on_registration=untold,
            started=datetime.now(UTC),
        ),
    )


def collect_task(task: RunTask) -> str:
    """Leave in the cache what a run collects.

    Returns:
        As `run_task`.
    """
    plan, session = _begin(task)
    load = partial(load_subject, plan, task.protocol.parent, session.device)
    return _line_of(task, lambda: collect_plan(plan, task.protocol, session, load=load, force=task.force))


def finish_task(task: RunTask) -> str:
    """Make a run whose evidence was collected, on whatever device there is.

    Returns:
        As `run_task`.
    """
    return run_task(replace(task, device="auto"))


def choose_gpu() -> None:
    """In a worker of several on one machine: take the GPU of its own number, where there are several.

    Workers to which one GPU is visible (as those of dask-cuda and of queueing systems) take that.
    """
    if (name := worker_name()).isdecimal():
        take_gpu(int(name))


def _begin(task: RunTask) -> tuple[Protocol, Session]:
    plan = Protocol.model_validate_json(task.plan, strict=True)
    choose_gpu()
    told = silent if task.share.of == 1 or task.share.number else telling()
    session = Session(
        Streams(plan.seed), told, Workers(told), task.device, task.memory, task.cache, task.share
    )
    return plan, session


def _line_of(task: RunTask, work: Callable[[], object]) -> str:
    try:
        work()
    except (HypotestError, MemoryError, OSError) as error:
        return as_named(error_line(error), task.named)
    return ""


def as_named(words: str, named: Sequence[tuple[str, str]]) -> str:
    """Words with folders as they were named, not by their places on one machine.

    Args:
        words: What went wrong.
        named: Absolute paths, and what each stands for.

    Examples:
        >>> as_named("no folder /home/me/torn: see /home/me", [("/home/me", "."), ("/home/me/out", "out")])
        'no folder torn: see .'
    """
    names = dict(named)
    places = "|".join(re.escape(place) for place in sorted(names, key=len, reverse=True))
    if not places:
        return words

    def name_of(place: re.Match[str]) -> str:
        name, separator = names[place[1]], place[2]
        return "" if separator and name == "." else name + separator

    return re.sub(rf"(?<![\w.\-])({places})({re.escape(os.sep)}(?=\S)|(?![\w.\-]))", name_of, words)
