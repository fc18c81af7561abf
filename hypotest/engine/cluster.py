"""Tasks over processes of this machine, or over other machines, by Dask.

A task is a function of a few names that makes something on disk if it is not there. What travels is its name
and a line of what became of it, never an array. A task that is stopped with its worker is begun again by
another one (Dask's ``distributed.scheduler.allowed-failures`` times, 3 by default), and goes on from what the
cache holds by then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hypotest.engine.processes import started
from hypotest.engine.progress import StartStage
from hypotest.engine.queues import ADVICE, queued
from hypotest.errors import ProtocolError, RunError, one_line

if TYPE_CHECKING:
    from distributed import Client

Task = TypeVar("Task")
_TOPIC = "hypotest"
"""What workers tell of."""
_PAUSE = 0.2
"""Seconds between what is told of a stage."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where tasks are done: processes here, a running cluster, or jobs of a queueing system; one of them."""

    workers: int | None = None
    """Processes on this machine; its cores are divided among them."""
    scheduler: str = ""
    """Address of a running Dask scheduler, such as ``tcp://10.0.0.1:8786``."""
    file: Path | None = None
    """YAML: ``system`` (`SYSTEMS`), ``jobs``, and what dask-jobqueue's class for it takes."""

    def __post_init__(self) -> None:
        given = {"workers=": self.workers, "scheduler=": self.scheduler, "cluster=": self.file}
        if len(named := [name for name, value in given.items() if value]) > 1:
            raise ProtocolError(f"{', '.join(named)}: name one of them")
        if self.workers is not None and self.workers < 1:
            raise ProtocolError(f"workers={self.workers}: must be at least 1")

    @classmethod
    def named(cls, workers: int | None, scheduler: str, file: str | Path | None) -> Cluster:
        """As options name it.

        Raises:
            ProtocolError: If they name several.
        """
        return cls(workers, scheduler, None if file is None else Path(file))

    @property
    def is_here(self) -> bool:
        """Whether all is done on this machine."""
        return not self.scheduler and self.file is None

    @property
    def is_this_process(self) -> bool:
        """Whether nothing is handed out: without a name, or with a single worker."""
        return self.is_here and (self.workers or 1) == 1


HERE = Cluster()
"""This machine."""


def done_by(
    cluster: Cluster,
    work: Callable[[Task], str],
    tasks: Sequence[Task] | Callable[[int], Sequence[Task]],
    *,
    on_gpu: bool = False,
    in_two: tuple[Callable[[Task], str], Callable[[Task], str]] | None = None,
    start_stage: StartStage | None = None,
) -> Iterator[tuple[int, str]]:
    """Have every task done, in any order.

    Args:
        cluster: Where.
        work: What does one. Returns what went wrong, as a line; empty if nothing did. Workers import it.
        tasks: Small things that pickle; or what gives them, told how many workers there are, or are asked
            for.
        on_gpu: Whether a task wants a GPU: then, if any worker was started with the resource ``GPU=1``, only
            such workers get tasks, one at a time for each.
        in_two: What does a task in two steps, of which only the first wants a GPU; done instead where some
            workers have one and others have none.
        start_stage: Told of the stages that a worker tells of by `telling`.

    Yields:
        The place of a task that is done, and what its work returned.

    Raises:
        ProtocolError: If the cluster cannot be had.
        RunError: If the scheduler is gone.
    """
    with _said_once(), _client(cluster) as client:
        from distributed import as_completed

        n_gpus, n_workers = _counted(client)
        wants = {"GPU": 1.0} if on_gpu and n_gpus else {}
        if start_stage is not None:
            client.subscribe_topic(_TOPIC, _Shown(start_stage))
        if callable(tasks):
            tasks = tasks(n_gpus if wants else n_workers)
        if in_two is not None and wants and n_gpus < n_workers:
            first, second = in_two
            begun = [client.submit(first, task, pure=False, resources=wants) for task in tasks]
            futures = [
                client.submit(_go_on, second, task, before, pure=False)
                for task, before in zip(tasks, begun, strict=True)
            ]
        else:
            futures = [client.submit(work, task, pure=False, resources=wants) for task in tasks]
        places = {future.key: place for place, future in enumerate(futures)}
        for future in as_completed(futures):
            place = places[future.key]
            if future.status == "finished":
                yield place, str(future.result())
            elif future.status in ("lost", "cancelled"):
                raise RunError(
                    "the Dask scheduler is gone; what is finished stays in the cache: run it again"
                )
            else:
                yield place, one_line(future.exception(), None)


def _go_on(work: Callable[[Task], str], task: Task, wrong: str) -> str:
    """The second step of a task, unless the first went wrong."""
    return wrong or work(task)


def worker_name() -> str:
    """In a worker: its name, on one machine its number."""
    from distributed import get_worker

    return str(get_worker().name)


def telling() -> StartStage:
    """In a worker: stages that are told to whoever has it work, a few times a second at most."""
    from distributed import get_worker

    worker = get_worker()

    def start(stage: str, n_steps: int) -> Callable[[], None]:
        worker.log_event(_TOPIC, (stage, n_steps, 0))
        done, last = 0, time.monotonic()

        def step() -> None:
            nonlocal done, last
            done += 1
            if done == n_steps or time.monotonic() > last + _PAUSE:
                last = time.monotonic()
                worker.log_event(_TOPIC, (stage, n_steps, done))

        return step

    return start


class _Shown:
    """Tells a display of the stages that a worker tells of."""

    def __init__(self, start_stage: StartStage) -> None:
        self._start_stage = start_stage
        self._step: Callable[[], None] = lambda: None
        self._done = 0

    def __call__(self, event: tuple[float, tuple[str, int, int]]) -> None:
        stage, n_steps, done = event[1]
        if not done:
            self._step, self._done = self._start_stage(stage, n_steps), 0
        while self._done < done:
            self._step()
            self._done += 1


@contextmanager
def processes(cluster: Cluster, at_most: int) -> Iterator[int]:
    """Where joblib does its work while this is open: in processes here, or on a cluster.

    Args:
        cluster: Where. Without a number of workers these are joblib's own processes, one a core; with one,
            and elsewhere, what a killed worker did is begun again by another.
        at_most: Tasks that there are.

    Yields:
        ``n_jobs`` for joblib.

    Raises:
        ProtocolError: If the cluster cannot be had.
        RunError: If one of joblib's own processes was killed.
    """
    import joblib  # a protocol is checked without it

    if cluster.is_here and (cluster.workers is None or min(cluster.workers, at_most) <= 1):
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        try:
            yield min(cluster.workers or joblib.cpu_count(), max(1, at_most))
        except TerminatedWorkerError:
            raise RunError(
                "a process was killed, perhaps for want of memory; what is finished stays: run it again, "
                "with fewer workers"
            ) from None
        return
    with _client(cluster) as client:
        client.wait_for_workers(1)  # a queue may let them wait for hours
        with joblib.parallel_config(backend="dask"):
            yield -1


def _counted(client: Client) -> tuple[int, int]:
    """Workers with a GPU, and all of them, those that a queueing system has not begun yet among them."""
    resources = [item["resources"] for item in client.scheduler_info(n_workers=-1)["workers"].values()]
    asked = 0 if client.cluster is None else len(getattr(client.cluster, "worker_spec", ()))
    return sum(bool(item.get("GPU")) for item in resources), max(1, asked, len(resources))


@contextmanager
def _client(cluster: Cluster) -> Iterator[Client]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ProtocolError(f"workers=, scheduler=, cluster=: need {error.name}: {ADVICE}") from None
    if cluster.scheduler:
        try:
            client = Client(cluster.scheduler, timeout="10s")
        except (OSError, TimeoutError, ValueError) as error:
            raise ProtocolError(f"scheduler={cluster.scheduler}: cannot be reached: {error}") from None
        with client:
            yield client
        return
    if cluster.file is not None:
        with queued(cluster.file) as jobs, Client(jobs) as client:
            yield client
        return
    with started(cluster.workers or 1) as here, Client(here) as client:
        yield client


@contextmanager
def _said_once() -> Iterator[None]:
    """Dask logs the loss of its scheduler with a traceback; what is to be done is said in the error."""
    with suppress(ImportError):  # which is said where a cluster is asked for
        import distributed  # noqa: F401  its import sets levels
    log = logging.getLogger("distributed.client")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
