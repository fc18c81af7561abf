"""Progress in a notebook: one line that moves, whatever works, and nothing to ask for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

from hypotest.engine.progress import StartStage, silent
from hypotest.pages.notebook import bar_html
from hypotest.pages.text import printable
from hypotest.report.numbers import duration_text

_SECONDS_BETWEEN = 0.2


def stages_shown(start_stage: StartStage | None) -> StartStage:
    """What is told of stages: who was named; else in a notebook a line of its own, elsewhere nobody."""
    if start_stage is not None:
        return start_stage
    return NotebookLine().start_stage if Console().is_jupyter else silent


class NotebookLine:
    """The stage that works now, with a bar and the time since the first one, in one output of a cell.

    Each state takes the place of the one before, so that a cell holds one line however much was done.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._begun = self._said = 0.0
        self._lock = threading.Lock()

    def start_stage(self, stage: str, n_steps: int) -> Callable[[], None]:
        """Show a stage; what is returned is called after each of its steps, from any thread."""
        name, n_finished = printable(stage), 0
        self._say(name, 0, n_steps)

        def step() -> None:
            nonlocal n_finished
            with self._lock:
                n_finished += 1
            if n_finished >= n_steps or time.monotonic() - self._said >= _SECONDS_BETWEEN:
                self._say(name, n_finished, n_steps)

        return step

    def _say(self, stage: str, n_finished: int, n_steps: int) -> None:
        from IPython.display import display

        with self._lock:
            self._said = time.monotonic()
            self._begun = self._begun or self._said
            counted = f", {n_finished:,} of {n_steps:,}" if n_steps > 1 else ""
            line = f"{stage}{counted}, {duration_text(self._said - self._begun)}"
            shown = {"text/plain": line, "text/html": bar_html(line, n_finished, n_steps)}
            if self._handle is None:
                self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
            else:
                self._handle.update(shown, raw=True)
