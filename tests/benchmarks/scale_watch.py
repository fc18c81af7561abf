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
Span = tuple[float, float]
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
            events = [event for event in read_events(log) if event.get("process") == child.pid]
            stages = [event for event in events if "stage" in event]
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
    """GB of a process, of its descendants, and of what they share, once; 0 where /proc is missing."""
    first, *others = descendants(process)
    own = read_memory(first, "VmRSS") + sum(read_memory(each, "RssAnon") for each in others)
    return own + max((read_memory(each, "RssShmem") for each in others), default=0.0)


def read_memory(process: int, name: str) -> float:
    """A line of a process's status, GB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024 / 1e9


def descendants(process: int) -> Iterable[int]:
    """A process, its children, and theirs."""
    yield process
    try:
        children = [
            path.read_text(encoding="ascii") for path in Path(f"/proc/{process}/task").glob("*/children")
        ]
    except OSError:
        return
    for child in " ".join(children).split():
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

    Pieces of work that are told within a stage are parts of it. A stage that goes on behind finished shards
    has the sum of its times, to which the shard that a kill undid adds nothing; one that begins anew is
    counted where it was last.

    Args:
        events: Of one log.
        what: ``run`` or ``repeated``.
    """
    processes = {event["process"] for event in events if event.get("start") == what}
    spans: dict[str, dict[int, Span]] = {}
    memory: dict[str, float] = {}
    for event in events:
        if event["process"] not in processes:
            continue
        if "stage" in event:
            by_process = spans.setdefault(event["stage"], {})
            first, _ = by_process.get(event["process"], (event["time"], 0.0))
            by_process[event["process"]] = (first, event["time"])
        elif "during" in event:
            memory[event["during"]] = max(memory.get(event["during"], 0.0), event["memory"])
    inside = {
        name: [other for other in spans if other != name and holds(span, spans[other])]
        for name, span in spans.items()
    }
    parts = {part for names in inside.values() for part in names}
    return [
        Stage(
            name,
            sum(stop - start for start, stop in [*by_process.values()][0 if is_kept(name) else -1 :]),
            max(memory.get(each, 0.0) for each in (name, *inside[name])),
        )
        for name, by_process in spans.items()
        if name not in parts
    ]


def holds(outer: Mapping[int, Span], inner: Mapping[int, Span]) -> bool:
    """Whether a stage is a part of another, in the last process that had it; what is killed has no end."""
    process, (first, last) = [*inner.items()][-1]
    return process in outer and outer[process][0] <= first and last <= outer[process][1]


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
