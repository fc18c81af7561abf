"""How long work tells that it goes on."""

from __future__ import annotations

from collections.abc import Callable

StartStage = Callable[[str, int], Callable[[], None]]
"""Given a stage's name and its number of steps, returns what to call after each step."""


def silent(stage: str, n_steps: int) -> Callable[[], None]:
    """Tell nobody."""
    return lambda: None


def named(start_stage: StartStage, what: str) -> StartStage:
    """The same, with what the stages belong to before each of their names."""
    return lambda stage, n_steps: start_stage(f"{what}: {stage}", n_steps)
