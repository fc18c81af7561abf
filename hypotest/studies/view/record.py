"""What an index says of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run, or a folder that looks like one and cannot be read."""

    place: str
    """Its folder, from that of the index, with forward slashes."""
    report: str
    """File of its report in that folder; empty where there is none."""
    protocol: str = ""
    title: str = ""
    subject: str = ""
    verdicts: tuple[tuple[str, str], ...] = ()
    """Hypothesis and status."""
    status: str = ""
    """``confirmatory`` or ``exploratory``; empty where it is not known."""
    started: str = ""
    """To the minute, UTC."""
    problem: str = ""
    """Why it cannot be read."""
