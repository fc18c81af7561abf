from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from hypotest.report.progress import progress


def test_progress_prints_plain_lines_when_piped() -> None:
    file = io.StringIO()
    with progress(Console(file=file, width=80, _environ={})) as stages:
        one = stages.add_task("Collecting [activations]", total=2)
        stages.advance(one)
        stages.advance(one)
        stages.update(one, advance=1)  # more than whole: said once all the same
        stages.add_task("Nulls", total=5)
    lines = file.getvalue().splitlines()
    assert lines[0] == "Collecting [activations] ..."
    assert re.fullmatch(r"Collecting \[activations\] done in \d+\.\d s", lines[1])
    assert lines[2:] == ["Nulls ..."]


def test_piped_progress_says_now_and_then_which_step_of_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    file, now = io.StringIO(), [0.0]
    monkeypatch.setattr("hypotest.report.progress.time.monotonic", lambda: now[0])
    with progress(Console(file=file, width=80, _environ={})) as stages:
        step = stages.start_stage("predictions", 7)
        for seconds in (1.0, 12.0, 13.0, 30.0):
            now[0] = seconds
            step()
    assert file.getvalue().splitlines() == ["predictions ...", "predictions: 2 of 7", "predictions: 4 of 7"]


def test_progress_draws_a_bar_on_a_terminal() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, _environ={"TERM": "xterm"})
    with progress(console) as stages:
        stages.update(stages.add_task("Nulls", total=4), completed=2)
        stages.refresh()
    text = file.getvalue()
    assert "2 of 4" in text and "━" in text and "Nulls ..." not in text
