"""Where a run came from: hashes, versions, seeds, durations, hardware."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import TypeAdapter

from hypotest.collect.engine import FROM_ELSEWHERE, RECORDED
from hypotest.collect.last_block.tiles import GB
from hypotest.engine.progress import StartStage
from hypotest.measures.registry import PACKAGE as MEASURES
from hypotest.nulls.registry import PACKAGE as NULLS
from hypotest.pipeline.registered.fence import predicates_of
from hypotest.pipeline.registered.fingerprint import software_versions
from hypotest.predicates.registry import PACKAGE as PREDICATES
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint
from hypotest.records.results.group_result import AblationResult
from hypotest.records.results.self_check import SelfCheck
from hypotest.records.stored.plugins import packages_of
from hypotest.registration.locks.canonical import canonical, canonical_json
from hypotest.registration.locks.recorded import stored_plan
from hypotest.subjects.arithmetic import arithmetic
from hypotest.subjects.language_model import WeightsFile

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
    fingerprint: Fingerprint,
    file: WeightsFile | None,
    device: str,
    ablation: AblationResult | None,
    memory: float,
    check: SelfCheck | None,
    started: str,
    cached: bool,
    durations: Mapping[str, float],
    evidence_sha256: Mapping[str, str],
    networks: Mapping[str, Any] | None = None,
    lesions: str = "",
) -> dict[str, Any]:
    """The manifest of a run.

    All that a lock fixes stands in it (see `recorded_fingerprint`), the plan itself in ``results.json``.
    `evidence_sha256` is from `hypotest.collect.evidence_folder.evidence_digests`, `networks` from
    `hypotest.pipeline.untrained.describe_untrained`, `lesions` the key of `hypotest.collect.lesions`.
    """
    return {
        "hypotest": fingerprint.versions["hypotest"],
        "started": started,
        "durations_seconds": dict(durations),
        "seed": fingerprint.seed,
        "hashes": asdict(fingerprint.hashes),
        **({"weights_file": asdict(file)} if file else {}),
        "revision": fingerprint.revision,
        "layer": fingerprint.layer,
        "split": fingerprint.split,
        "evidence": {**fingerprint.evidence, "was_cached": cached},
        **({"lesions": lesions} if lesions else {}),
        "kept_out": list(fingerprint.kept_out),
        "evidence_sha256": dict(evidence_sha256),
        **({"other_networks": dict(networks)} if networks else {}),
        "ablation": {
            "engine": RECORDED if ablation is None else ablation.engine,
            "why": FROM_ELSEWHERE if ablation is None else ablation.reason,
            **ablation_numbers(ablation, check),
            "memory_budget_bytes": memory * GB,
        },
        **_brought(fingerprint),
        "versions": versions(),
        "hardware": {**hardware(), "device": device},
    }


def ablation_numbers(ablation: AblationResult | None, check: SelfCheck | None) -> dict[str, Any]:
    """What a manifest says of an ablation that evidence and results tell; empty without any."""
    if ablation is None or check is None:
        return {}
    return {
        "replacement": ablation.replacement,
        "tolerance_nats": ablation.tolerance,
        "largest_error_bound_nats": ablation.largest_error_bound,
        "share_exact": ablation.share_exact,
        "self_check_tolerance_nats": check.tolerance,
    }


def _brought(fingerprint: Fingerprint) -> dict[str, dict[str, str]]:
    """Measures, nulls and predicates of other packages; each key only where there are some."""
    parts = {
        "predicates": packages_of(PREDICATES, predicates_of(stored_plan(fingerprint.plan))),
        "measures": packages_of(MEASURES, (str(item["measure"]) for item in fingerprint.plan["predictions"])),
        "nulls": packages_of(NULLS, fingerprint.plan["nulls"]),
    }
    return {name: part for name, part in parts.items() if part}


def recorded_fingerprint(protocol: Protocol, manifest: Mapping[str, Any]) -> Fingerprint:
    """What a run was when it was compared with its lock.

    Args:
        protocol: The plan, from the run's ``results.json``.
        manifest: Of the run.

    Raises:
        ValueError: If the manifest lacks a part of it, or holds something else there.
    """
    names = ("hashes", "revision", "layer", "split", "seed", "kept_out")
    evidence, versions = (manifest.get(name) for name in ("evidence", "versions"))
    if not isinstance(evidence, Mapping) or not isinstance(versions, Mapping):
        raise ValueError("the manifest lacks evidence or versions")
    libraries = {name: value for name, value in versions.items() if name not in _DRAWING}
    parts = {
        **{name: manifest[name] for name in names if name in manifest},
        "protocol_id": protocol.id,
        "plan": canonical(protocol),
        "versions": {"hypotest": manifest.get("hypotest"), **libraries},
        "evidence": {name: value for name, value in evidence.items() if name != "was_cached"},
    }
    return TypeAdapter(Fingerprint).validate_json(canonical_json(parts), strict=True)


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
        **arithmetic(),
    }


def _processor() -> str | None:
    """Its model; None where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    names = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part")))
    return next(names, None)
