"""A series handed out to workers, as a user runs it: the same bytes, kills, errors."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hypotest.errors import ProtocolError
from hypotest.studies.cluster import Cluster, done_by
from tests.functional.test_series import _written
from tests.functional.watching import with_predictions

dask = pytest.importorskip("dask", reason="the extra `cluster` is not installed")
distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = [pytest.mark.usefixtures("no_figures"), pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def alone(hypotest, small_protocol, small_model_folder, tmp_path_factory, no_figures):
    """Protocol of a series, and the results of its runs, made one after another."""
    subject = f"subject: {{model: {small_model_folder}, layer: [-2, -1]}}"
    path = _written(small_protocol, "shared-out.yaml", subject)
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "coordination")
    path.write_text(few, encoding="utf-8")
    out = tmp_path_factory.mktemp("alone")
    done = hypotest("run", path, "--out", out)
    assert done.returncode == 0, done.stderr
    return path, numbers_of(out)


def numbers_of(out: Path) -> dict[str, bytes]:
    """What runs leave that must be the same, wherever they are made: results and draws, by their folder."""
    (folder,) = out.glob("*/*")
    files = [*folder.glob("layer-*/results.json"), *folder.glob("layer-*/nulls.parquet")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def stopped_once(folder: Path) -> str:
    """A task that ends its own worker the first time, and says how often it was begun."""
    with (folder / "begun").open("a", encoding="utf-8") as lines:
        lines.write("x")
    if len((folder / "begun").read_text(encoding="utf-8")) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return ""


def always_stopped(folder: Path) -> str:
    """A task that takes every worker down."""
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def told(folder: Path) -> str:
    """A task that fails with words."""
    return f"{folder.name} is wrong"


def raising(folder: Path) -> str:
    """A task with a fault of its own."""
    raise ZeroDivisionError("by nobody")


def test_a_task_whose_worker_is_killed_is_begun_again(tmp_path):
    before = dict(os.environ)
    assert list(done_by(Cluster(workers=2), stopped_once, [tmp_path])) == [(0, "")]
    assert (tmp_path / "begun").read_text(encoding="utf-8") == "xx"
    assert dict(os.environ) == before  # threads of workers are theirs alone


def test_what_fails_is_told_by_its_place(tmp_path):
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        (_, words), *_ = done_by(Cluster(workers=2), always_stopped, [tmp_path])
    assert "always_stopped" in words
    places = dict(done_by(Cluster(workers=2), told, [tmp_path / "one", tmp_path / "two"]))
    assert places == {0: "one is wrong", 1: "two is wrong"}
    assert list(done_by(Cluster(workers=2), raising, [tmp_path])) == [(0, "by nobody")]


def test_a_killed_worker_loses_nothing_that_lies_on_disk(alone, tmp_path):
    """Both workers are killed while they collect; Dask begins their runs again, which come to the same."""
    path, expected = alone
    cache = tmp_path / "cache"
    errors = tmp_path / "errors.txt"  # a pipe would stay open in what the killed workers had begun
    with errors.open("w", encoding="utf-8") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "hypotest", "run", path, "--out", tmp_path / "reports", "--workers", "2"],
            env={**os.environ, "HYPOTEST_CACHE": str(cache)},
            stdout=subprocess.DEVNULL,
            stderr=written,
        )
    wait_for(lambda: list(cache.glob("evidence/*/forward/*")), process)
    workers = children_of(process.pid)
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    assert process.wait(timeout=600) == 0, errors.read_text(encoding="utf-8")
    assert numbers_of(tmp_path / "reports") == expected


def wait_for(condition, process) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """Dask's worker processes, by what started them."""
    workers = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text(encoding="utf-8", errors="replace")
            parent = re.search(r"^PPid:\t(\d+)", (folder / "status").read_text(encoding="utf-8"), re.M)
        except OSError:
            continue
        if parent and int(parent[1]) == pid and "spawn_main" in command:
            workers.append(int(folder.name))
    return workers


def test_a_running_scheduler_is_joined(alone, hypotest, tmp_path):
    path, expected = alone
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        done = hypotest("run", path, "--out", tmp_path, "--scheduler", cluster.scheduler_address)
    assert done.returncode == 0, done.stderr
    assert numbers_of(tmp_path) == expected


def test_jobs_of_a_queueing_system_are_described(tmp_path):
    """The script that would be handed in; there is no queue here to run it."""
    import dask_jobqueue

    from hypotest.studies.cluster import _queued

    file = tmp_path / "slurm.yaml"
    file.write_text(
        "system: slurm\njobs: 2\nmemory: 16GB\nqueue: gpu\nwalltime: 02:00:00\n", encoding="utf-8"
    )
    scaled = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dask_jobqueue.SLURMCluster, "scale", lambda self, jobs: scaled.append(jobs))
        with _queued(file) as cluster:
            script = cluster.job_script()
    assert scaled[0] == 2
    assert "#SBATCH -p gpu" in script and "#SBATCH -t 02:00:00" in script and "--mem=15G" in script


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("system: cloud\njobs: 2\n", "system: must be one of slurm, pbs, lsf, sge"),
        ("system: slurm\n", "jobs: must be a whole number of at least 1; found None"),
        ("system: slurm\njobs: 0\n", "found 0"),
        ("system: [\n", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path, text, words):
    file = tmp_path / "queue.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=re.escape(words)) as error:
        next(done_by(Cluster(file=file), told, [tmp_path]))
    assert str(file) in str(error.value)


def test_what_a_queue_does_not_take_is_told_with_the_file(tmp_path, monkeypatch):
    import dask_jobqueue

    def refuse(**options):
        raise TypeError(f"unexpected keyword argument {sorted(options)[-1]!r}")

    monkeypatch.setattr(dask_jobqueue, "SLURMCluster", refuse)
    file = tmp_path / "queue.yaml"
    file.write_text("system: slurm\njobs: 1\nwall_time: 1\n", encoding="utf-8")
    with pytest.raises(ProtocolError, match="wall_time") as error:
        next(done_by(Cluster(file=file), told, [tmp_path]))
    assert str(file) in str(error.value)


def test_ways_that_exclude_each_other_and_those_that_are_not_there(tmp_path):
    with pytest.raises(ProtocolError, match="workers=, scheduler=: name one of them"):
        Cluster(workers=2, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ProtocolError, match="must be at least 1"):
        Cluster(workers=-1)
    assert Cluster(workers=1).is_this_process and not Cluster(workers=2).is_this_process


def test_a_single_run_is_not_handed_out(hypotest, small_protocol, tmp_path):
    done = hypotest("run", small_protocol, "--out", tmp_path, "--workers", 2)
    assert done.returncode == 2 and "is no series" in done.stderr
    assert not list(tmp_path.glob("*/*"))
