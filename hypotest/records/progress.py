"""How long work tells that it goes on."""

from __future__ import annotations

from collections.abc import Callable

StartStage = Callable[[str, int], Callable[[], None]]
"""Given a stage's name and its number of steps, returns what to call after each step."""


def silent(stage: str, n_steps: int) -> Callable[[], None]:
    """Tell nobody."""
    return lambda: None
