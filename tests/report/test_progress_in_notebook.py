"""In a notebook every verb shows what it does, in one line that moves, without being asked."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import hypotest
from hypotest.engine.progress import silent
from hypotest.report.progress_in_notebook import NotebookLine, stages_shown

VERBS = [
    name
    for name in hypotest.__all__
    if name != "record"  # it lies below the pages, and says what it is asked to
    and inspect.isfunction(verb := getattr(hypotest, name))
    and "start_stage" in inspect.signature(verb).parameters
]


class Handle:
    """What IPython gives for an output that can be changed."""

    def __init__(self, shown: dict[str, str]) -> None:
        self.states = [shown]

    def update(self, shown: dict[str, str], raw: bool) -> None:
        assert raw
        self.states.append(shown)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[Handle]:
    """The outputs of a cell."""
    outputs: list[Handle] = []

    def display(shown: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert raw and display_id
        outputs.append(Handle(shown))
        return outputs[-1]

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    return outputs


def test_all_stages_share_one_line(cell: list[Handle], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("hypotest.report.progress_in_notebook.time.monotonic", lambda: now[0])
    tell = stages_shown(None)
    step = tell("reading <b>", 3)
    for seconds in (100.1, 101.0, 102.0):
        now[0] = seconds
        step()
    tell("whole", 1)()
    (only,) = cell
    said = [state["text/plain"] for state in only.states]
    assert said == [
        "reading <b>, 0 of 3, 0.0 s",
        "reading <b>, 2 of 3, 1.0 s",  # a tenth of a second after the last, nothing is said
        "reading <b>, 3 of 3, 2.0 s",
        "whole, 2.0 s",
        "whole, 2.0 s",
    ]
    assert "&lt;b&gt;" in only.states[0]["text/html"]
    assert '<progress value="2" max="3">' in only.states[1]["text/html"]


def test_progress_that_is_asked_for_is_the_same_line(cell: list[Handle]) -> None:
    with hypotest.progress() as display:
        display.start_stage("one", 2)()
        display.start_stage("two", 1)()
    (only,) = cell
    assert only.states[-1]["text/plain"].startswith("two")


def test_who_is_named_is_told_and_nobody_elsewhere(
    cell: list[Handle], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stages_shown(silent) is silent
    monkeypatch.setattr("rich.console._is_jupyter", lambda: False)
    assert stages_shown(None) is silent
    assert not cell


def test_a_stage_of_many_steps_from_many_threads_ends_whole(cell: list[Handle]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    step = NotebookLine().start_stage("many", 500)
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda _: step(), range(500)):
            pass
    assert any("500 of 500" in state["text/plain"] for state in cell[0].states)


def test_the_verbs_are_those_that_take_time() -> None:
    assert VERBS == [
        "bundle", "compare", "explore", "forecast", "multiverse", "power", "register", "run", "run_series",
        "verify",
    ]  # fmt: skip


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_shows_itself_where_nobody_is_named(name: str) -> None:
    verb: Any = getattr(hypotest, name)
    assert inspect.signature(verb).parameters["start_stage"].default is None
    assert "stages_shown" in vars(inspect.getmodule(verb))
