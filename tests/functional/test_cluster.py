"""A series handed out to workers, as a user runs it: the same bytes, kills, errors."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from joblib import Parallel, delayed

from hypotest.cli.options import as_options
from hypotest.engine.cluster import HERE, Cluster, done_by, processes
from hypotest.errors import ProtocolError, RunError
from hypotest.pipeline.handed_out import choose_gpu
from hypotest.studies.calibration.calibrate import calibrate
from tests.functional.protocols import with_predictions, written
from tests.functional.workers import begun, bytes_of, children_of, numbers_of, wait_for
from tests.texts import ROOT

dask = pytest.importorskip("dask", reason="the extra `cluster` is not installed")
distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = [pytest.mark.usefixtures("no_figures"), pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def alone(hypotest, small_protocol, small_model_folder, tmp_path_factory, no_figures):
    """Protocol of a series, and the results of its runs, made one after another."""
    subject = f"subject: {{model: {small_model_folder}, layer: [-2, -1]}}"
    path = written(small_protocol, "shared-out.yaml", subject)
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "coordination")
    path.write_text(few, encoding="utf-8")
    out = tmp_path_factory.mktemp("alone")
    done = hypotest("run", path, "--out", out)
    assert done.returncode == 0, done.stderr
    return path, numbers_of(out)


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


def ended() -> None:
    """What the operating system does where memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


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


@pytest.mark.parametrize("failing", [1, 3])
def test_a_worker_that_ends_before_it_has_begun_is_begun_again(monkeypatch, tmp_path, failing):
    """Killed while the others start, it takes them along; what never starts is said with what to do."""
    start, left = distributed.LocalCluster, [None] * failing

    def flaky(**options):
        if left:
            left.pop()
            raise RuntimeError("Nanny failed to start.")
        return start(**options)

    monkeypatch.setattr(distributed, "LocalCluster", flaky)
    done = done_by(Cluster(workers=2), told, [tmp_path / "one"])
    if failing < 3:
        assert list(done) == [(0, "one is wrong")]
    else:
        with pytest.raises(RunError, match=r"2 processes cannot be started .* take fewer"):
            list(done)


@pytest.mark.slow
def test_workers_killed_while_they_start_again_are_replaced(alone, tmp_path):
    """Each process that appears is killed at once, several in a row: tasks do not wait for it without end."""
    path, expected = alone
    cache = tmp_path / "cache"
    process = begun(path, tmp_path / "reports", cache, "--workers", "2")
    wait_for(lambda: list(cache.glob("evidence/*/forward/*")), process)
    killed: set[int] = set()
    while len(killed) < 6:
        for worker in set(children_of(process.pid)) - killed:
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
        assert process.poll() is None
        time.sleep(0.02)
    done = process.wait(timeout=600)
    told = (tmp_path / "reports.txt").read_text(encoding="utf-8")
    if done:  # a member whose worker died four times is listed, and begun again by the same command
        assert "workers died" in told
        assert begun(path, tmp_path / "reports", cache, "--workers", "2").wait(timeout=600) == 0
    assert numbers_of(tmp_path / "reports") == expected


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


@pytest.mark.slow
def test_two_series_use_one_store_at_once(alone, tmp_path):
    """Both want the same evidence; neither reads what the other has not finished."""
    path, expected = alone
    runs = [
        begun(path, tmp_path / name, tmp_path / "cache", "--workers", "2") for name in ("first", "second")
    ]
    assert [run.wait(timeout=600) for run in runs] == [0, 0], (tmp_path / "first.txt").read_text()
    assert numbers_of(tmp_path / "first") == numbers_of(tmp_path / "second") == expected


@pytest.fixture
def dask_processes():
    """Begins a scheduler, or a worker of one; all of them end with the test."""
    begun_here = []

    def begin(*words, **further):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([sys.executable, "-m", "dask", *map(str, words)], **quiet, **further)
        begun_here.append(process)
        return process

    yield begin
    for process in begun_here:
        process.kill()
        process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


WORKER = ("--nthreads", "1", "--no-dashboard", "--death-timeout", "60")


@pytest.mark.slow
def test_a_scheduler_that_dies_and_is_started_again_loses_nothing_that_lies_on_disk(
    alone, tmp_path, dask_processes
):
    """Killed while workers collect; another one at its address goes on with what the cache holds."""
    path, expected = alone
    cache, port = tmp_path / "cache", free_port()
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "HYPOTEST_CACHE": str(cache)}
    listening = ("scheduler", "--no-dashboard", "--port", port, "--host", "127.0.0.1")
    scheduler = dask_processes(*listening)
    worker = dask_processes("worker", address, *WORKER, env=environment)
    run = begun(path, tmp_path / "stopped", cache, "--scheduler", address)
    wait_for(lambda: list(cache.glob("evidence/*/forward/*")), run)
    scheduler.kill()
    assert run.wait(timeout=600) != 0
    assert "Traceback" not in (tmp_path / "stopped.txt").read_text(encoding="utf-8")
    worker.kill()
    scheduler.wait(timeout=60)
    dask_processes(*listening)
    dask_processes("worker", address, *WORKER, env=environment)
    again = begun(path, tmp_path / "again", cache, "--scheduler", address)
    assert again.wait(timeout=600) == 0, (tmp_path / "again.txt").read_text(encoding="utf-8")
    assert numbers_of(tmp_path / "again") == expected


def at_most_20_kb() -> None:
    """A disk that takes no more, as far as a process can be told so."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit there")
@pytest.mark.parametrize("full", [1, 2])
def test_a_disk_that_takes_no_more_fails_members_and_not_the_next_run(alone, tmp_path, dask_processes, full):
    """Of one worker or of both: what does not fit is said, and nothing half-written is taken for whole."""
    path, expected = alone
    cache, port = tmp_path / "cache", free_port()
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "HYPOTEST_CACHE": str(cache)}
    dask_processes("scheduler", "--no-dashboard", "--port", port, "--host", "127.0.0.1")
    for number in range(2):
        limit = {"preexec_fn": at_most_20_kb} if number < full else {}
        dask_processes("worker", address, *WORKER, "--no-nanny", env=environment, **limit)
    first = begun(path, tmp_path / "full", cache, "--scheduler", address)
    assert first.wait(timeout=600) != 0
    words = (tmp_path / "full.txt").read_text(encoding="utf-8")
    assert "Traceback" not in words and "cannot write evidence" in words, words
    again = begun(path, tmp_path / "again", cache, "--workers", "2")
    assert again.wait(timeout=600) == 0, (tmp_path / "again.txt").read_text(encoding="utf-8")
    assert numbers_of(tmp_path / "again") == expected


def test_a_running_scheduler_is_joined(alone, hypotest, tmp_path):
    path, expected = alone
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        done = hypotest("run", path, "--out", tmp_path, "--scheduler", cluster.scheduler_address)
    assert done.returncode == 0, done.stderr
    assert numbers_of(tmp_path) == expected


def test_jobs_of_a_queueing_system_are_described(tmp_path):
    """The script that would be handed in; there is no queue here to run it."""
    import dask_jobqueue

    from hypotest.engine.queues import queued

    file = tmp_path / "slurm.yaml"
    file.write_text(
        "system: slurm\njobs: 2\nmemory: 16GB\nqueue: gpu\nwalltime: 02:00:00\n", encoding="utf-8"
    )
    scaled = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dask_jobqueue.SLURMCluster, "scale", lambda self, jobs: scaled.append(jobs))
        with queued(file) as cluster:
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
        (
            "system: slurm\njobs: 2\n",
            "memory: must be what each job gets, with a unit, such as 16GB; it is req",
        ),
        ("system: sge\njobs: 2\nmemory: 16\n", "with a unit, such as 16GB; found 16"),
        ("system: lsf\njobs: 2\nmemory: lots\n", "found lots"),
        (
            "system: slurm\njobs: 1\nmemory: 1GB\nwall_time: 1\n",
            "wall_time: no such key (walltime?). Required",
        ),
        ("system: pbs\njobs: 1\nqueues: a\nmemory: 1GB\n", "there are besides: account, cores, "),
        ("system: pbs\njobs: 1\nscheduler: a\nmemory: 1GB\n", "scheduler: no such key"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path, text, words):
    file = tmp_path / "queue.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProtocolError, match=re.escape(words)) as error:
        next(done_by(Cluster(file=file), told, [tmp_path]))
    assert str(file) in str(error.value)
    assert as_options(str(error.value)) == str(error.value)


def test_what_a_queue_does_not_take_is_told_with_the_file(tmp_path, monkeypatch):
    import dask_jobqueue

    def refuse(self, **options):
        raise ValueError("no such interface, for example:\nSLURMCluster(interface=1, memory='24GB')")

    monkeypatch.setattr(dask_jobqueue.SLURMCluster, "__init__", refuse)
    file = tmp_path / "queue.yaml"
    file.write_text("system: slurm\njobs: 1\nmemory: 1GB\n", encoding="utf-8")
    with pytest.raises(ProtocolError, match=r"does not take it: no such interface$") as error:
        next(done_by(Cluster(file=file), told, [tmp_path]))
    assert str(file) in str(error.value)


def test_ways_that_exclude_each_other_and_those_that_are_not_there(tmp_path):
    with pytest.raises(ProtocolError, match="workers=, scheduler=: name one of them"):
        Cluster(workers=2, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ProtocolError, match="must be at least 1"):
        Cluster(workers=-1)
    assert Cluster(workers=1).is_this_process and not Cluster(workers=2).is_this_process


def named(folder: Path) -> str:
    """A task that says who did it."""
    return str(distributed.get_worker().name)


def test_tasks_that_want_a_gpu_wait_for_workers_that_have_one(tmp_path):
    """Two workers, of which one says that it has a GPU; without any such worker everybody works."""
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        assert list(done_by(Cluster(scheduler=address), named, [tmp_path], on_gpu=True)) == [(0, "0")]
        command = ["dask", "worker", address, "--name", "rich", "--nthreads", "1", "--resources", "GPU=1"]
        other = subprocess.Popen(
            [sys.executable, "-m", *command, "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with distributed.Client(address) as client:
                client.wait_for_workers(2, timeout=60)
            did = dict(done_by(Cluster(scheduler=address), named, [tmp_path] * 4, on_gpu=True))
            assert set(did.values()) == {"rich"}
        finally:
            other.terminate()
            other.wait(timeout=60)


@pytest.mark.parametrize(("name", "chosen"), [("0", [0]), ("5", [1]), ("tcp://10.0.0.1:7", [])])
def test_workers_of_one_machine_take_a_gpu_each(monkeypatch, name, chosen):
    import torch

    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setattr(distributed, "get_worker", lambda: SimpleNamespace(name=name))
    choose_gpu()
    assert taken == chosen


def test_calibration_counts_the_same_on_a_cluster(tmp_path):
    from tests.studies.calibration.test_calibrate import SMALL

    here = calibrate([SMALL], 4, tmp_path / "here.json", where=Cluster(1))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        where = Cluster(scheduler=cluster.scheduler_address)
        assert calibrate([SMALL], 4, tmp_path / "there.json", where=where, at_a_time=1) == here


@pytest.mark.slow
def test_a_killed_worker_of_a_calibration_is_replaced(tmp_path):
    """So it is with `multiverse` and `controls`, which hand out their work by the same means."""
    from tests.studies.calibration.test_calibrate import SMALL

    straight = calibrate([SMALL], 24, tmp_path / "here.json", where=Cluster(1))
    code = (
        "from pathlib import Path; from hypotest.engine.cluster import Cluster\n"
        "from hypotest.studies.calibration.calibrate import calibrate\n"
        "from tests.studies.calibration.test_calibrate import SMALL\n"
        f"file = Path({str(tmp_path / 'there.json')!r})\n"
        "if __name__ == '__main__': calibrate([SMALL], 24, file, where=Cluster(2), at_a_time=1)\n"
    )
    (tmp_path / "counting.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, tmp_path / "counting.py"], env=environment)
    wait_for(lambda: (tmp_path / "there.json").exists(), process)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    assert process.wait() == 0
    assert calibrate([SMALL], 24, tmp_path / "there.json", where=Cluster(1)) == straight


def test_a_killed_process_of_joblib_is_said_without_a_traceback():
    said = pytest.raises(RunError, match=r"a process was killed, .*; what is finished stays: run it again")
    with said, processes(HERE, 2) as n_jobs:
        Parallel(n_jobs=max(2, n_jobs))(delayed(ended)() for _ in range(4))


@pytest.fixture(scope="module")
def single(hypotest, small_protocol, tmp_path_factory, no_figures):
    """Protocol of one run, with untrained networks and draws in pieces, and its results from one process."""
    path = small_protocol.with_name("single.yaml")
    few = with_predictions(small_protocol.read_text(encoding="utf-8"), "specialization", "clustering")
    few = few.replace("  label_shuffled:", "  untrained: {networks: 3, weights: fresh}\n  label_shuffled:")
    beside = "role: descriptive\n    measure: effective_dimension\n    contrast: {null: untrained}"
    path.write_text(few.replace("seed: 11", f"  - id: untrained\n    {beside}\nseed: 11"), encoding="utf-8")
    out = tmp_path_factory.mktemp("single")
    done = hypotest("run", path, "--out", out)
    assert done.returncode == 0, done.stderr
    return path, bytes_of(out)


def test_one_run_is_made_together(single, hypotest, tmp_path, monkeypatch):
    """Shards, untrained networks and draws by two processes: the same bytes, and nothing left lying about."""
    path, expected = single
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    done = hypotest("run", path, "--out", tmp_path / "reports", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert bytes_of(tmp_path / "reports") == expected
    assert "exploratory" in (done.stdout + done.stderr).lower()
    assert not list((tmp_path / "cache" / "unfinished").glob("*"))


def test_what_stops_one_run_is_said_once(single, hypotest, tmp_path, monkeypatch):
    path, _ = single
    broken = path.with_name("broken.yaml")
    broken.write_text(re.sub(r"model: \S+?([,}])", r"model: /nowhere/at/all\1", path.read_text()))
    done = hypotest("run", broken, "--out", tmp_path, "--workers", 2)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert done.stderr.count("/nowhere/at/all") >= 1
    assert not list(tmp_path.glob("*/*"))


def test_a_network_in_memory_and_a_trial_stay_here(single):
    from hypotest import run

    path, _ = single
    with pytest.raises(ProtocolError, match="are in this process"):
        run(path, model=object(), workers=2)
    with pytest.raises(ProtocolError, match="a trial is not handed out"):
        run(path, limit=8, workers=2)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="workers are found in /proc")
@pytest.mark.parametrize(
    "stage",
    [
        "evidence/*/forward/*",
        "evidence/*/ablation/*/*",
        "evidence/*/heads/*",
        "other-networks/*/*",
        "unfinished/*/*",
    ],
)
def test_a_worker_may_be_killed_in_any_stage_of_one_run(single, tmp_path, stage):
    """Of two that make it together, the one that began first; another takes its place."""
    path, expected = single
    cache, out = tmp_path / "cache", tmp_path / "reports"
    process = begun(path, out, cache, "--workers", "2")
    wait_for(lambda: list(cache.glob(stage)), process)
    os.kill(min(children_of(process.pid)), signal.SIGKILL)
    assert process.wait(timeout=600) == 0, out.with_suffix(".txt").read_text(encoding="utf-8")
    assert bytes_of(out) == expected


def collected(folder: Path) -> str:
    """The first step of a task: says who did it."""
    (folder / "first").write_text(str(distributed.get_worker().name), encoding="utf-8")
    return "is wrong" if folder.name == "wrong" else ""


def judged(folder: Path) -> str:
    """The second step: the first is done, by whom its file says."""
    return f"{(folder / 'first').read_text(encoding='utf-8')}, then {distributed.get_worker().name}"


def test_where_only_some_have_a_gpu_these_collect_and_any_worker_tests(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "three", "wrong")]
    for folder in folders:
        folder.mkdir()
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        where, steps = Cluster(scheduler=address), (collected, judged)
        alone = dict(done_by(where, named, folders, on_gpu=True, in_two=steps))
        assert set(alone.values()) == {"0"}  # without any GPU, in one
        command = ["dask", "worker", address, "--name", "rich", "--nthreads", "1", "--resources", "GPU=1"]
        other = subprocess.Popen(
            [sys.executable, "-m", *command, "--no-dashboard"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with distributed.Client(address) as client:
                client.wait_for_workers(2, timeout=60)
            did = dict(done_by(where, named, folders, on_gpu=True, in_two=steps))
        finally:
            other.terminate()
            other.wait(timeout=60)
    assert did.pop(3) == "is wrong"  # and is not tested
    assert {words.split(",")[0] for words in did.values()} == {"rich"}


def test_a_run_in_two_steps_comes_to_the_same(single, tmp_path, monkeypatch):
    from hypotest.engine.session import Session
    from hypotest.pipeline import handed_out
    from hypotest.registration import load_protocol

    path, expected = single
    monkeypatch.setattr(handed_out, "worker_name", lambda: "rich")
    plan = load_protocol(path)
    session = Session.start(plan.seed, device="cpu")
    folder = tmp_path / "reports" / plan.id / "run"
    task = handed_out.RunTask.of(plan, path, folder, session, force=False, contexts=True)
    task = replace(task, cache=tmp_path / "cache")
    assert handed_out.collect_task(task) == "" and not folder.exists()
    before = sorted((tmp_path / "cache" / "evidence").rglob("*.npy"))
    assert handed_out.finish_task(task) == ""
    assert sorted((tmp_path / "cache" / "evidence").rglob("*.npy")) == before
    assert bytes_of(tmp_path / "reports") == expected
