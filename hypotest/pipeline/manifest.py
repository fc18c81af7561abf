"""Where a run came from: hashes, versions, seeds, durations, hardware."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import Any

from hypotest.pipeline.fingerprint import software_versions, text_hashes
from hypotest.pipeline.prepare import Prepared
from hypotest.records.evidence import SelfCheck
from hypotest.records.progress import StartStage
from hypotest.records.protocol import Protocol
from hypotest.records.results import AblationResult
from hypotest.registration.canonical import protocol_hash

_DRAWING = ("matplotlib", "pillow")


class Stopwatch:
    """Tells stages on to a display and keeps how long each took."""

    def __init__(self, start_stage: StartStage) -> None:
        self._start_stage = start_stage
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, n_steps: int) -> Callable[[], None]:
        """Start a stage; what is returned is called after each of its steps."""
        advance = self._start_stage(stage, n_steps)
        started = monotonic()

        def step() -> None:
            self.seconds[stage] = round(monotonic() - started, 3)
            advance()

        return step


def describe_run(
    protocol: Protocol,
    prepared: Prepared,
    ablation: AblationResult,
    memory: float,
    check: SelfCheck,
    started: str,
    cached: bool,
    durations: Mapping[str, float],
    evidence_sha256: Mapping[str, str],
    untrained: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of a run.

    `evidence_sha256` is from `hypotest.collect.evidence_folder.evidence_digests`, `untrained` from
    `hypotest.pipeline.untrained.describe_untrained`.
    """
    return {
        "hypotest": metadata.version("hypotest-nn"),
        "started": started,
        "durations_seconds": dict(durations),
        "seed": protocol.seed,
        "hashes": {
            "protocol": protocol_hash(protocol),
            "weights": prepared.subject.fingerprint,
            "tokenizer": prepared.subject.tokenizer_fingerprint,
            "text": text_hashes(prepared),
        },
        "evidence": {
            "selection": prepared.keys.selection,
            "evaluation": prepared.keys.evaluation,
            "was_cached": cached,
        },
        "evidence_sha256": dict(evidence_sha256),
        **({"untrained": dict(untrained)} if untrained else {}),
        "ablation": {
            "engine": ablation.engine,
            "why": ablation.reason,
            "replacement": ablation.replacement,
            "tolerance_nats": ablation.tolerance,
            "largest_error_bound_nats": ablation.largest_error_bound,
            "share_exact": ablation.share_exact,
            "memory_budget_bytes": memory,
            "self_check_tolerance_nats": check.tolerance,
        },
        "versions": versions(),
        "hardware": {**hardware(), "device": str(prepared.subject.device)},
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that numbers and figures depend on."""
    return {**software_versions(), **{name: metadata.version(name) for name in _DRAWING}}


def hardware() -> dict[str, str | int | None]:
    """The machine, as far as the last bits of numbers can depend on it."""
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "system": platform.system(),
        "cores": os.cpu_count(),
    }


def _processor() -> str | None:
    """Its model; None where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part")))
    return next(found, None)
