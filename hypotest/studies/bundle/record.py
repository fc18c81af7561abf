"""What a bundle holds, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypotest.records.results.shown import Shown


@dataclass(frozen=True, slots=True)
class Bundled(Shown):
    """A bundle that was written."""

    file: Path
    n_bytes: int
    n_files: int
    evidence: bool
    """Whether the evidence is in it."""
    left_out: tuple[str, ...]
    """What a reader might expect in it and does not find."""
    taken_out: tuple[str, ...] = ()
    """What was made anonymous; empty where nothing was."""
