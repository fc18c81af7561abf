"""The arithmetic and the tables of the benchmark at full size; the benchmark itself is run by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.scale import POSITIONS, Row, hours, project, table
from tests.benchmarks.scale_watch import (
    Stage,
    is_under_way,
    memory_of_tree,
    note,
    read_events,
    seconds_between,
    stages_of,
)

FORWARD = "activations and attention, selection split"
ABLATION = "ablation of every neuron, selection split"
TEST = "clustering: modularity"


def step(process: int, time: float, stage: str, number: int, of: int) -> dict[str, Any]:
    return {"process": process, "time": time, "stage": stage, "step": number, "steps": of}


def killed_and_finished() -> list[dict[str, Any]]:
    """A run that was killed in its forward passes, started again, killed in a test, and started again."""
    return [
        {"process": 1, "time": 0.0, "start": "run"},
        step(1, 10.0, FORWARD, 0, 2),
        {"process": 1, "time": 15.0, "during": FORWARD, "memory": 5.0},
        step(1, 30.0, FORWARD, 1, 2),  # killed at 35
        {"process": 2, "time": 40.0, "start": "run"},
        step(2, 50.0, FORWARD, 0, 2),
        step(2, 50.0, FORWARD, 1, 2),  # it was there
        step(2, 71.0, FORWARD, 2, 2),
        step(2, 80.0, TEST, 0, 1),
        step(2, 81.0, "clustering: 9,999 groups", 0, 9),
        {"process": 2, "time": 82.0, "during": "clustering: 9,999 groups", "memory": 7.0},
        step(2, 84.0, "clustering: 9,999 groups", 1, 9),  # killed
        {"process": 3, "time": 100.0, "start": "run"},
        step(3, 105.0, TEST, 0, 1),
        step(3, 106.0, "clustering: 9,999 groups", 0, 9),
        step(3, 116.0, "clustering: 9,999 groups", 9, 9),
        step(3, 117.0, TEST, 1, 1),
        {"process": 3, "time": 120.0, "finish": "run"},
        {"process": 4, "time": 130.0, "start": "repeated"},
        step(4, 131.0, TEST, 0, 1),
        step(4, 231.0, TEST, 1, 1),
    ]


def test_time_of_a_stage_is_that_of_its_finished_shards() -> None:
    forward, _ = stages_of(killed_and_finished(), "run")
    assert forward == Stage(FORWARD, 20.0 + 21.0, 5.0)  # not the five seconds before the kill


def test_a_stage_that_began_anew_counts_once_and_holds_the_memory_of_its_parts() -> None:
    _, test = stages_of(killed_and_finished(), "run")
    assert test == Stage(TEST, 12.0, 7.0)


def test_the_same_stage_of_another_kind_of_process_is_apart() -> None:
    assert stages_of(killed_and_finished(), "repeated") == [Stage(TEST, 100.0, 0.0)]


def test_time_between_the_stages_of_the_last_process() -> None:
    events = killed_and_finished()
    assert seconds_between(events, "run", stages_of(events, "run")) == 20.0 - 12.0


@pytest.mark.parametrize(
    ("number", "of", "expected"),
    [(0, 1, True), (1, 1, False), (0, 3, False), (1, 3, True), (2, 3, False)],
)
def test_a_stage_is_under_way_after_its_first_step_but_one_before_the_last(
    number: int, of: int, expected: bool
) -> None:
    assert is_under_way(step(1, 0.0, FORWARD, number, of)) is expected


def test_forward_passes_grow_with_their_split_s_blocks() -> None:
    growth = {"selection": 6.0, "evaluation": 2.0}
    row = project(Stage(FORWARD, 100.0, 5.0), Stage(FORWARD, 3.0, 6.5), growth, 2508)
    assert (row.seconds, row.how, row.memory) == (600.0, "x 6.0 (blocks)", 6.5)


def test_what_was_done_at_full_size_is_taken_as_measured() -> None:
    row = project(Stage(ABLATION, 100.0, 5.0), Stage(ABLATION, 900.0, 8.0), {}, 2508)
    assert (row.seconds, row.how, row.memory) == (900.0, "measured", 8.0)


def test_groups_are_ablated_at_no_more_than_1024_positions() -> None:
    # 2,000 positions: 500 rare ones to evaluate on; at full size more than 1,024
    row = project(Stage("groups ablated at once", 10.0, 5.0), None, {}, 2000)
    assert (row.seconds, row.how) == (pytest.approx(10 * 1024 / 500), "x 2.0 (positions)")


def test_head_ablation_and_the_rest_do_not_grow() -> None:
    heads = Stage("ablation of attention heads, evaluation split", 10.0, 5.0)
    assert project(heads, None, {}, 2508).seconds == 10.0
    assert project(Stage("report and figures", 9.0, 5.0), None, {}, 2508).seconds == 9.0


def test_table_sums_seconds_and_takes_the_largest_memory() -> None:
    rows = [
        Row(Stage(FORWARD, 1000.0, 5.0), 6000.0, "x 6.0 (blocks)", 6.5),
        Row(Stage(TEST, 200.0, 7.04), 1260.0, "measured"),
    ]
    lines = table(rows, 2508).splitlines()
    assert lines[2] == f"| {FORWARD} | 1,000.0 | 5.0 | 6,000 | x 6.0 (blocks) | 6.5 |"
    assert lines[3] == f"| {TEST} | 200.0 | 7.0 | 1,260 | measured |  |"
    assert lines[4].startswith(
        "| **all: 20 min here, 2 h 01 min at the paper's size** | **1,200** | **7.0** |"
    )
    assert all(line.count("|") == 7 for line in lines)
    assert f"{POSITIONS:,} positions" in lines[0]


@pytest.mark.parametrize(("seconds", "text"), [(29, "0 min"), (3569, "59 min"), (3599, "1 h 00 min")])
def test_hours(seconds: float, text: str) -> None:
    assert hours(seconds) == text


def test_log_keeps_whole_lines_only(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    assert read_events(log) == []
    note(log, 7, TEST, 1.23456)
    with log.open("a", encoding="utf-8") as stream:
        stream.write('{"time": 1')  # a process is just writing, or was killed
    (event,) = read_events(log)
    assert (event["process"], event["during"], event["memory"]) == (7, TEST, 1.235)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_of_this_process() -> None:
    assert 0.01 < memory_of_tree(os.getpid()) < 100
    assert memory_of_tree(2**30) == 0.0  # no such process
