"""Progress while a command works: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from hypotest.pages.console import text_of
from hypotest.pages.text import printable
from hypotest.records.registration import Registration
from hypotest.report.numbers import duration_text
from hypotest.report.progress_in_notebook import NotebookLine
from hypotest.report.sections.registration import status_alert


class _CountColumn(ProgressColumn):
    """``3 of 7``: which step, of how many."""

    def render(self, task: Task) -> Text:
        if task.total is None or task.total <= 1:
            return Text()
        return Text(f"{task.completed:,.0f} of {task.total:,.0f}")


_SECONDS_BETWEEN_LINES = 10.0


class StageProgress(Progress):
    """Bars on a terminal; elsewhere a plain line when a stage starts, now and then, and when it is done.

    In a notebook one line moves, as it does where no progress is asked for.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            _CountColumn(),
            TimeElapsedColumn(),
            TextColumn("left", style="dim"),
            TimeRemainingColumn(),
            console=console,
            disable=console.is_jupyter or not console.is_terminal,
            expand=True,
        )
        self._started: dict[TaskID, float] = {}
        self._said = time.monotonic()
        self._notebook = NotebookLine() if console.is_jupyter else None

    def start_stage(self, stage: str, n_steps: int) -> Callable[[], None]:
        """Show a stage; what is returned is called after each of its steps."""
        if self._notebook is not None:
            return self._notebook.start_stage(stage, n_steps)
        task = self.add_task(stage, total=n_steps)
        return lambda: self.advance(task)

    def say_status(self, registration: Registration) -> None:
        """Say what a registered run will be, before it takes its time; of others the summary says enough."""
        if registration.registered is None:
            return
        self.console.print(text_of(status_alert(registration)), soft_wrap=True)

    def say_missing(self, line: str) -> None:
        """Say that something of what was asked for cannot be had, before the rest takes its time."""
        self.console.print(printable(f"warning: {line}"), markup=False, highlight=False, soft_wrap=True)

    def add_task(
        self,
        description: str,
        start: bool = True,
        total: float | None = 100.0,
        completed: int = 0,
        visible: bool = True,
        **fields: Any,
    ) -> TaskID:
        """Begin a stage."""
        task = super().add_task(printable(description), start, total, completed, visible, **fields)
        if self.disable:
            self._started[task] = time.monotonic()
            self._say(f"{printable(description)} ...")
            self._report_finished(task)
        return task

    def update(
        self,
        task_id: TaskID,
        *,
        total: float | None = None,
        completed: float | None = None,
        advance: float | None = None,
        description: str | None = None,
        visible: bool | None = None,
        refresh: bool = False,
        **fields: Any,
    ) -> None:
        """Move a stage on, or change what is shown of it."""
        super().update(
            task_id,
            total=total,
            completed=completed,
            advance=advance,
            description=None if description is None else printable(description),
            visible=visible,
            refresh=refresh,
            **fields,
        )
        self._report_finished(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Move a stage on by some steps."""
        super().advance(task_id, advance)
        self._report_finished(task_id)

    def _report_finished(self, task: TaskID) -> None:
        if task not in self._started:
            return
        now, stage = time.monotonic(), self._tasks[task]
        if stage.finished:
            self._say(f"{stage.description} done in {duration_text(now - self._started.pop(task))}")
        elif stage.completed and stage.total and now - self._said >= _SECONDS_BETWEEN_LINES:
            self._say(f"{stage.description}: {stage.completed:,.0f} of {stage.total:,.0f}")

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        self.console.print(Text(line), soft_wrap=True)


def progress(console: Console | None = None) -> StageProgress:
    """A progress display with bar, time elapsed and time left, for terminals and notebooks.

    For instance::

        with hypotest.progress() as shown:
            run = hypotest.run("protocol.yaml", start_stage=shown.start_stage)

    Args:
        console: Where to show it; standard error by default, so that standard output stays clean.
    """
    return StageProgress(console or Console(stderr=True))
