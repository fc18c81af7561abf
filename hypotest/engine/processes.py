"""Worker processes of this machine, by Dask."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypotest.errors import RunError

if TYPE_CHECKING:
    from distributed import LocalCluster

_STARTS = 3
"""How often they are begun before there is something wrong with the machine."""
_LOOK = 4.0
"""Seconds between looks at whether all are there."""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def started(n: int) -> Iterator[LocalCluster]:
    """As many workers, which divide the cores among them.

    Raises:
        RunError: If they cannot be started.
    """
    import dask

    threads = str(max(1, (os.cpu_count() or 1) // n))
    environment = dask.config.get("distributed.nanny.pre-spawn-environ") | dict.fromkeys(_THREADS, threads)
    settings = {
        "distributed.nanny.pre-spawn-environ": environment,
        "distributed.worker.daemon": False,  # tasks have processes of their own, such as for figures
    }
    with _variables_kept(), dask.config.set(settings), _begun(n) as here, _kept_up(here):
        yield here


def _begun(n: int) -> LocalCluster:
    """One that ends before it has begun takes the others along: all are begun once more."""
    import distributed

    others = {*distributed.SpecCluster._instances}  # of who calls this
    for _ in range(_STARTS):
        try:
            return distributed.LocalCluster(
                n_workers=n,
                threads_per_worker=1,  # a task's own threads are those of its libraries
                processes=True,
                memory_limit=None,  # it would kill what the caller was told to have memory for
                dashboard_address=None,
            )
        except RuntimeError as error:
            wrong = str(error)
            for left in {*distributed.SpecCluster._instances} - others:  # what did begin of it
                left.close(timeout=10)
    raise RunError(
        f"workers=: {n} processes cannot be started ({wrong} {_STARTS} times): free memory, or take fewer "
        "workers"
    )


@contextmanager
def _kept_up(cluster: LocalCluster) -> Iterator[None]:
    """Have others take the place of workers that are gone.

    Dask begins a worker again whose process ends, once: what ends while it is begun is left, and tasks wait
    for it without end. Two looks say so, since one may fall between an end and a beginning.
    """
    ended = threading.Event()

    def watch() -> None:
        suspected: set[Hashable] = set()
        replaced: set[Hashable] = set()
        while not ended.wait(_LOOK):
            dead = {name for name, nanny in cluster.workers.items() if not nanny.is_alive()} - replaced
            missing = dead | (cluster.worker_spec.keys() - cluster.workers.keys())
            if missing & suspected:
                lost = dead & suspected
                replaced |= lost
                cluster.scale(len(cluster.worker_spec) + len(lost))  # those never begun are tried once more
            suspected = missing

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _variables_kept() -> Iterator[None]:
    """Dask sets what workers are to inherit in this process, and leaves it there."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in {*os.environ} - {*before}:
            del os.environ[name]
        os.environ.update(before)
