"""A run for double-blind review: the same science, without names of people, machines, folders, and times.

Every file is made anew from what is left, and every hash with it, so that the run verifies as any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hypotest.errors import HypotestError, OutputError, ProtocolError, one_line
from hypotest.pipeline.registered.manifest import recorded_fingerprint
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Lock
from hypotest.registration.built import Protocol as Written
from hypotest.registration.locks.canonical import canonical_hash, canonical_json, protocol_hash
from hypotest.registration.locks.deviations import find_deviations
from hypotest.registration.locks.later import expected_of
from hypotest.registration.locks.lock import lock_data, lock_file, lock_hash, parse_lock, write_lock
from hypotest.registration.locks.recorded import stored_plan
from hypotest.registration.locks.registry import FIRST, REGISTRY, read_registry
from hypotest.report.export import write_run
from hypotest.report.results_file import json_text, parse_results
from hypotest.report.run import Run
from hypotest.studies.bundle.disguise import Disguise, own_names
from hypotest.studies.bundle.traces import find_traces

FILE = "protocol.yaml"
"""What the protocol is called."""
_OF_THE_MACHINE = ("durations_seconds", "files", "manifest_sha256")
"""Keys of a manifest that go, or are made anew."""


@dataclass(frozen=True, slots=True)
class AnonymousRun:
    """A run's folder and its protocol's, without names."""

    folder: Path
    protocol: Path
    disguise: Disguise
    taken_out: tuple[str, ...]
    """In words."""
    left_out: tuple[str, ...]


def make_anonymous(
    run: Run, protocol: Path | None, hide: Iterable[str], folder: Path, places: Iterable[Path]
) -> AnonymousRun:
    """Write a run and its protocol anew, without names.

    Args:
        run: The run.
        protocol: Its protocol's file, beside which the registry lies; None where it was not found.
        hide: Names of people and groups.
        folder: Gets ``run`` and ``protocol``.
        places: Folders whose paths must not be told, wherever they stand.

    Raises:
        ProtocolError: If the plan is none without a name that is to be hidden.
        OutputError: If something cannot be read or written.
    """
    results = json.loads(json_text(run.results))
    manifest = {key: value for key, value in run.manifest.items() if key not in _OF_THE_MACHINE}
    manifest["hardware"] = {"device": str(_section(manifest, "hardware").get("device", ""))}
    manifest["ablation"] = _without(_section(manifest, "ablation"), "memory_budget_bytes")
    registration = results["registration"]
    lock = None if protocol is None or registration is None else _claimed(protocol, registration.get("lock"))
    disguise = Disguise((*own_names(), *hide))
    locked = None if lock is None else lock_data(lock)
    disguise.see_paths([str(place.absolute()) for place in places], results, manifest, locked)
    disguise.see_times(manifest, registration, _without(locked or {}, "plan"))
    try:
        plan = stored_plan(disguise(results["protocol"]))
        anew = None if locked is None else _lock(locked, plan.id, disguise)
        manifest = disguise(manifest, times=True)
        manifest["hashes"]["protocol"] = protocol_hash(plan)
        results = {**disguise({**results, "registration": None}), "protocol": plan.model_dump(mode="json")}
        results["registration"] = _registration(registration, anew, plan, manifest, disguise, lock)
        whole = parse_results(json_text(results), "results.json (anonymous)")
    except (ValueError, KeyError, TypeError, HypotestError) as error:
        raise ProtocolError(
            f"{run.folder}: without what is to be hidden it is no run any more: "
            f"{one_line(error)}. A name that is hidden may be a word of the protocol: "
            "hide= less, or rename it there and run again"
        ) from None
    nulls = run.nulls.with_columns(
        pl.Series(name, [disguise(item) for item in run.nulls[name]], dtype=pl.String)
        for name in ("prediction", "null")
    )
    write_run(folder / "run", whole, nulls, manifest)
    beside = folder / "protocol"
    beside.mkdir()
    registered = plan if anew is None or not anew.members else stored_plan(anew.plan)  # the series it is of
    (beside / FILE).write_text(Written.of(registered).to_yaml(), encoding="utf-8", newline="\n")
    left_out = []
    if anew is not None:
        write_lock(lock_file(beside / FILE), anew)
        (beside / REGISTRY).write_text(_entry(anew), encoding="ascii", newline="\n")
    elif registration is not None and registration.get("lock") is not None:
        left_out.append("the registration, which was not found beside the protocol")
    return AnonymousRun(folder / "run", beside, disguise, _told(disguise, locked), tuple(left_out))


def require_no_traces(files: Mapping[str, Path | bytes], disguise: Disguise) -> None:
    """Refuse files in which something is left of what was to be taken out.

    Args:
        files: Name within the bundle -> a file, or its content.
        disguise: What was taken out.

    Raises:
        OutputError: If a name or path still stands somewhere.
    """
    traces = [f"{trace!r} in {name}" for name, trace in find_traces(files, disguise)]
    if traces:
        more = f" and {len(traces) - 3} more" if len(traces) > 3 else ""
        raise OutputError(
            f"the bundle would not be anonymous: {', '.join(traces[:3])}{more}; nothing was "
            "written. Where it is a word of the science, hide= other names"
        )


def _claimed(protocol: Path, claimed: str | None) -> Lock | None:
    """The registration that a run names, from the registry beside its protocol."""
    entries, _ = read_registry(protocol.parent)
    return next((entry.lock for entry in entries if lock_hash(entry.lock) == claimed), None)


def _lock(locked: Mapping[str, Any], protocol_id: str, disguise: Disguise) -> Lock:
    """A lock of the same content, first of its registry."""
    plan = disguise(locked["plan"])
    rest = disguise({name: value for name, value in locked.items() if name != "plan"}, times=True)
    others = {item["plan"] for item in rest["seen"]["by"]} - {protocol_id}
    named = {name: f"plan-{number}" for number, name in enumerate(sorted(others), start=1)}
    by = [{**item, "plan": named.get(item["plan"], item["plan"])} for item in rest["seen"]["by"]]
    later = rest["later"]
    data = {
        **rest,
        "plan": plan,
        "hashes": {**rest["hashes"], "protocol": canonical_hash(plan)},
        "protocol_id": plan["id"],
        "file": FILE,
        "seen": {**rest["seen"], "by": by},
        "later": later and {**later, "waited": later["waited"] and FIRST},
        "git": None,
        "previous": FIRST,
    }
    return parse_lock(json.loads(canonical_json(data)))


def _registration(
    stored: Mapping[str, Any] | None,
    lock: Lock | None,
    plan: Protocol,
    manifest: Mapping[str, Any],
    disguise: Disguise,
    former: Lock | None,
) -> Any:
    """What the run says of its registration, by the lock that was made anew."""
    if stored is None:
        return None
    data = disguise(dict(stored), times=True)
    if lock is None or former is None:
        return data
    pairs = zip(former.seen.by, lock.seen.by, strict=True)
    named = {disguise(one.plan): two.plan for one, two in pairs if disguise(one.plan) != two.plan}
    reasons = data["reasons"]
    for one, two in sorted(named.items(), key=lambda pair: -len(pair[0])):
        reasons = [item.replace(f"{one} (", f"{two} (") for item in reasons]
    run = recorded_fingerprint(plan, manifest)
    deviations = [asdict(item) for item in find_deviations(expected_of(lock, run), run)]
    return {
        **data,
        "reasons": reasons,
        "registered": lock.registered,
        "lock": lock_hash(lock),
        "deviations": deviations,
    }


def _entry(lock: Lock) -> str:
    """The only line of a registry."""
    content = {"entry": 1, "previous": FIRST, "lock": lock_data(lock)}
    return canonical_json({**content, "hash": canonical_hash(content)}) + "\n"


def _told(disguise: Disguise, locked: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What was taken out, in words that name nothing of it."""
    told = [
        "times: what is left of them is their order; durations are gone",
        "the machine: processor, system, cores, threads, BLAS, memory",
        "names of user and machine, and those that were named",
        "comments and file name of the protocol",
        f"folders: {len(disguise.paths)} paths are called path-1, path-2, ...",
    ]
    if locked is not None:
        told += ["other registrations of the same registry"]
        told += ["commit and branch of the registration"] if locked["git"] is not None else []
    told.append(
        "what stays: hashes of weights, text and code, versions, relative file names, lines of the text, and "
        "the model's name on the Hub: whoever knows them can recognise them"
    )
    return tuple(told)


def _section(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = manifest.get(name)
    return part if isinstance(part, Mapping) else {}


def _without(part: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != name}
