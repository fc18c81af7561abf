"""Workers of this machine that end while they begin."""

from __future__ import annotations

import os
import signal

import pytest

from hypotest.engine.processes import started

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = pytest.mark.filterwarnings("default")


def test_a_worker_that_dask_does_not_begin_again_is_replaced() -> None:
    """As where it is killed a second time, before it has told that it began."""

    async def nothing() -> None:
        """Instead of another process."""

    with started(1) as cluster, distributed.Client(cluster) as client:
        (nanny,) = cluster.workers.values()
        nanny.instantiate = nothing
        killed = nanny.pid
        os.kill(killed, signal.SIGKILL)
        assert client.submit(os.getpid, pure=False).result(timeout=60) != killed
