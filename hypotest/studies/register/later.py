"""Registering before the subject is there: plan, rule, text and code, for the first one that will do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from hypotest.engine.progress import StartStage, silent
from hypotest.pipeline.checks.preflight import require_single
from hypotest.pipeline.registered.fence import code_of
from hypotest.pipeline.registered.fingerprint import software_versions
from hypotest.pipeline.registered.later import frequency_sources
from hypotest.pipeline.texts.positions import sources_of
from hypotest.records.registered import Registered
from hypotest.records.seen import Seen
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.registration.locks.later import awaited, read_criterion
from hypotest.studies.register.study import add_registration, check_registry


def register_later(
    protocol: str | Path,
    criterion: str,
    *,
    families: tuple[str, ...] = (),
    parameters: str | None = None,
    start_stage: StartStage = silent,
) -> Registered:
    """Write a protocol's lock before its network exists; needs no model.

    The first run under it binds the network: its weights, tokenizer, positions and layer go into the registry
    before anything is evaluated. A second, different network is exploratory then.

    Args:
        protocol: Path of the protocol; its ``subject.model`` may not be there yet, and may be another name
            when it is run.
        criterion: Which network will do, in words; for readers to judge.
        families: Values of ``config.model_type`` that will do, checked at the first run; any if empty.
        parameters: ``MIN-MAX`` of the number of parameters, checked at the first run; None for any.
        start_stage: Told of each stage and its number of steps, for progress.

    Returns:
        The lock, and what was done.

    Raises:
        ProtocolError: If the protocol is not valid or a series, or the criterion is none.
        RunError: If the text cannot be had, the registry does not verify, or it or the lock cannot be
            written.
    """
    later = read_criterion(criterion, families, parameters)
    path = protocol_file(protocol)
    plan = load_protocol(path, subject=False)
    require_single(plan, path, "register")
    check_registry(path)
    step = start_stage("text", 2)
    sources = sources_of(plan, path.parent, start_stage)
    step()
    later = replace(later, frequencies=frequency_sources(plan, path.parent))
    step()
    fingerprint = awaited(
        plan,
        {str(source): source.sha256 for source in sources},
        code_of(plan),
        {"hypotest": metadata.version("hypotest-nn"), **software_versions()},
    )
    nothing = Seen(documents=0, by=(), unlogged_evidence=False, damaged_lines=0)
    return add_registration(path, fingerprint, lambda entries: nothing, datetime.now(UTC), later)
