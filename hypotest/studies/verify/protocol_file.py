"""The file of a run's protocol, where it still lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypotest.errors import HypotestError
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol, protocol_hash
from hypotest.studies.verify.conditions import section


def find_protocol(
    plan: Protocol | None, manifest: Mapping[str, Any], protocol: str | Path | None
) -> Path | None:
    """The given file, or the one that holds this very plan, or the series it is of; None where there is none.

    Args:
        plan: From ``results.json``; None if it is none.
        manifest: Of the run.
        protocol: The file, if one was named.
    """
    if protocol is not None:
        return Path(protocol)
    if plan is None:
        return None
    for path in _candidates(plan.id):
        try:
            candidate = load_protocol(path, subject=False, network=plan.subject.network)
            if protocol_hash(_planned(candidate, plan)) == section(manifest, "hashes").get("protocol"):
                return path
        except HypotestError:
            continue
    return None


def _planned(written: Protocol, plan: Protocol) -> Protocol:
    """What a file says of a run: its plan, or of a series that of the member which the run would be."""
    subject, run = written.subject, plan.subject
    if "model" in subject.axes and run.name not in subject.models:
        return written
    if isinstance(subject.revision, tuple) and run.revision not in subject.revision:
        return written
    if isinstance(subject.layer, tuple) and min(subject.layer) >= 0 and run.layer not in subject.layer:
        return written  # layers from the end are numbered by the network, which is not looked at
    return written.member(**{axis: getattr(run, axis) for axis in subject.axes}) if subject.axes else written


def _candidates(name: str) -> Iterator[Path]:
    for folder in (Path("protocols"), Path()):
        path = folder / f"{name}.yaml"
        if path.is_file():
            yield path
