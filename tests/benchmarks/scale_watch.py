"""Watch a process of `tests.benchmarks.scale_child`: its log, its memory, and when to kill it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Event = Mapping[str, Any]
_EVERY = 0.25  # seconds between two looks
_STEP = 0.05  # GB by which a peak must grow to be noted


class Killed(Exception):
    """The process was killed on purpose."""


def watch(
    what: str, protocol: Path, log: Path, device: str, last: str, cache: Path, kill_in: str = ""
) -> dict[str, Any]:
    """Run a child to its end, writing the memory of its stages into the log.

    Args:
        what: ``run``, ``repeated`` or ``naive``.
        protocol: Of the run.
        log: File of events; appended to.
        device: ``cpu`` or ``cuda``.
        last: The child's last argument.
        cache: Folder of the evidence cache.
        kill_in: Stage after whose first step the child is killed, at once and without notice.

    Returns:
        What the child found.

    Raises:
        Killed: If it was killed in that stage.
    """
    command = [sys.executable, "-m", "tests.benchmarks.scale_child", what, str(protocol), str(log), device]
    environment = {**os.environ, "HYPOTEST_CACHE": str(cache)}
    child = subprocess.Popen([*command, last], env=environment, start_new_session=True)
    peaks: dict[str, float] = {}
    stage = ""
    try:
        while child.poll() is None:
            time.sleep(_EVERY / 10 if kill_in else _EVERY)
            found = [event for event in read_events(log) if event.get("process") == child.pid]
            stages = [event for event in found if "stage" in event]
            stage = stages[-1]["stage"] if stages else ""
            held = memory_of_tree(child.pid)
            if held > peaks.get(stage, 0.0) + _STEP:
                peaks[stage] = held
                note(log, child.pid, stage, held)
            if kill_in and any(event["stage"] == kill_in and is_under_way(event) for event in stages):
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                raise Killed(kill_in)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode:
        raise SystemExit(f"the process ended with {child.returncode}; {log} says how far it was")
    return next(dict(event) for event in reversed(read_events(log)) if event.get("finish") == what)


def is_under_way(event: Event) -> bool:
    """Whether a stage has finished a first step; one of a single step, whether it has begun."""
    return bool(event["step"] == min(1, event["steps"] - 1))


def read_events(log: Path) -> list[Event]:
    """All events of a log, whole lines only."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def note(log: Path, process: int, stage: str, held: float) -> None:
    """Append the memory of a stage to the log."""
    with log.open("a", encoding="utf-8") as stream:
        event = {"time": time.time(), "process": process, "during": stage, "memory": round(held, 3)}
        stream.write(json.dumps(event) + "\n")


def memory_of_tree(process: int) -> float:
    """GB of a process and its descendants, pages that several of them share counted once; 0 where /proc is
    missing."""
    total = 0.0
    for each in descendants(process):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:  # it has ended
            continue
        total += sum(float(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e9
    return total


def descendants(process: int) -> Iterable[int]:
    """A process, its children, and theirs."""
    yield process
    try:
        found = [
            path.read_text(encoding="ascii") for path in Path(f"/proc/{process}/task").glob("*/children")
        ]
    except OSError:
        return
    for child in " ".join(found).split():
        yield from descendants(int(child))


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage took, over all processes that worked on it."""

    name: str
    seconds: float
    memory: float
    """Most that the process and its workers held, GB."""


def stages_of(events: Sequence[Event], what: str) -> list[Stage]:
    """The stages of runs that may have been stopped and started again, in the order of first occurrence.

    A stage that goes on behind finished shards has the sum of its times, since what was stopped between two
    shards is not counted; one that begins anew is counted where it was last.

    Args:
        events: Of one log.
        what: ``run`` or ``repeated``.
    """
    processes = {event["process"] for event in events if event.get("start") == what}
    mine = [event for event in events if event["process"] in processes]
    times: dict[str, dict[int, tuple[float, float]]] = {}
    memory: dict[str, float] = {}
    for event in mine:
        if "stage" in event:
            by_process = times.setdefault(event["stage"], {})
            first, _ = by_process.get(event["process"], (event["time"], 0.0))
            by_process[event["process"]] = (first, event["time"] - first)
        elif "during" in event:
            memory[event["during"]] = max(memory.get(event["during"], 0.0), event["memory"])
    return [
        Stage(
            name,
            sum(took for _, took in found.values()) if is_kept(name) else [*found.values()][-1][1],
            memory.get(name, 0.0),
        )
        for name, found in times.items()
    ]


def seconds_between(events: Sequence[Event], what: str, stages: Sequence[Stage]) -> float:
    """Seconds of the last such process that belong to none of the stages: starting, reading evidence."""
    start = [event for event in events if event.get("start") == what][-1]
    mine = [event for event in events if event["process"] == start["process"]]
    names = {stage.name for stage in stages}
    own = [event for event in mine if event.get("stage") in names]
    inside = sum(stage.seconds for stage in stages_of([start, *own], what))
    return float(mine[-1]["time"] - start["time"] - inside)


def is_kept(stage: str) -> bool:
    """Whether what a stage has finished outlives a kill: evidence does, tests are done again."""
    return stage.startswith(("activations and attention", "ablation of ", "entropy and norm scale"))
