"""The runs of a series as tasks: each makes its own folder, wherever it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.errors import HypotestError
from hypotest.pipeline.run import run_plan
from hypotest.pipeline.subject import load_subject
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.studies.cluster import choose_gpu


@dataclass(frozen=True, slots=True)
class MemberTask:
    """One run of a series, as another process is told of it."""

    plan: str
    """The member's protocol, as JSON."""
    protocol: Path
    """The file of the series."""
    folder: Path
    """Gets the run; on a disk that all see."""
    cache: Path
    """Likewise."""
    device: str
    memory: float
    force: bool
    contexts: bool


def run_member(task: MemberTask) -> str:
    """Run one member of a series, with what the cache has of it.

    Returns:
        What went wrong, in one line; empty if nothing did.
    """
    plan = Protocol.model_validate_json(task.plan, strict=True)
    choose_gpu()
    session = Session(Streams(plan.seed), device=task.device, memory=task.memory, cache=task.cache)
    try:
        run_plan(
            plan,
            task.protocol,
            task.folder,
            session,
            subject=load_subject(plan, task.protocol.parent, task.device),
            force=task.force,
            contexts=task.contexts,
            on_registration=_known,
            started=datetime.now(UTC),
        )
    except (HypotestError, MemoryError, OSError) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _known(_registration: Registration) -> None:
    """Whoever began the series is told once all are done."""
