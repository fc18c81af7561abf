"""A finished run, checked again: its files, its evidence, every number, its report.

What a check can show depends on what somebody who changed a run left unchanged. Hashes find what was changed
without a thought for them; recomputation finds numbers that do not follow from the evidence, whatever the
hashes say; collecting anew finds evidence that does not follow from the model. Nothing finds a run whose
model, text and protocol were exchanged as a whole, with all hashes: for that there are registrations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from hypotest.engine.progress import StartStage
from hypotest.engine.session import Session, cache_folder
from hypotest.errors import HypotestError, OutputError, one_line
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.preflight import check_verification
from hypotest.pipeline.registered.manifest import ablation_numbers
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.results import Results
from hypotest.registration import protocol_hash
from hypotest.registration.locks.recorded import recorded_plan, stored_plan, without_predicates
from hypotest.report.export import read_manifest, read_nulls, read_results
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.run import Run
from hypotest.studies.verify.conditions import other_conditions, recorded_networks, section, shortened
from hypotest.studies.verify.deviation import largest_deviation
from hypotest.studies.verify.differences import differences
from hypotest.studies.verify.lock_check import check_registration
from hypotest.studies.verify.page import verification_page
from hypotest.studies.verify.protocol_file import find_protocol
from hypotest.studies.verify.recollection import recollect as collect_anew
from hypotest.studies.verify.recomputation import OF_THE_MODEL, compare_results, recompute
from hypotest.studies.verify.record import Check, Difference, Verification
from hypotest.studies.verify.recorded_evidence import check_untrained, find_evidence, with_recorded_lesions
from hypotest.studies.verify.recorded_files import check_files, check_manifest, check_rendering
from hypotest.studies.verify.stored_draws import check_stored_draws
from hypotest.studies.verify.tolerances import EXACT, JUMPS, OTHER_EVIDENCE, OTHER_SOFTWARE, Tolerance
from hypotest.studies.verify.unpacked import is_bundle, unpacked

_NO_RESULTS = "results.json cannot be read"


show_as(Verification, verification_page)


def verify(
    run: Run | str | Path,
    *,
    recollect: bool = False,
    device: str = "auto",
    protocol: str | Path | None = None,
    start_stage: StartStage | None = None,
    subject: Any = None,
) -> Verification:
    """Check a run against its hashes, its evidence and its own rules.

    A bundle is unpacked into a temporary folder and brings its own evidence: neither cache nor model is used.

    Args:
        run: A run, its folder, or a bundle of it (`hypotest.bundle`).
        recollect: Load the subject again and collect the evidence anew, in a temporary cache.
        device: With ``recollect``: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        protocol: The protocol's file, for the paths that start from its folder and for the registry beside
            it; default: ``protocols/<id>.yaml`` or ``<id>.yaml``, if that is the run's protocol.
        start_stage: Told of the stages, for progress.
        subject: With ``recollect``, of a run whose network was given in Python: the same.

    Returns:
        Every check; ``verified`` says whether all that was asked for was checked and agrees.

    Raises:
        OutputError: If the folder is not that of a run, or the file is no bundle.
        ProtocolError: If there is no such device, or no such protocol.
    """
    asked = _Options(recollect, device, start_stage, subject, cache_folder())
    if not isinstance(run, Run) and is_bundle(run):
        with unpacked(Path(run)) as parts:
            given = protocol if protocol is not None else parts.protocol
            whole = _verified(parts.run, given, replace(asked, cache=parts.cache), known=protocol is not None)
            checks = (parts.check, *(parts.named(item) for item in whole.checks))
            return replace(whole, folder=Path(run), checks=checks)
    return _verified(run.folder if isinstance(run, Run) else Path(run), protocol, asked)


@dataclass(frozen=True, slots=True)
class _Options:
    """How a run is to be verified."""

    recollect: bool
    device: str
    start_stage: StartStage | None
    subject: Any
    cache: Path


def _verified(
    folder: Path, protocol: str | Path | None, asked: _Options, *, known: bool = True
) -> Verification:
    """Check the folder of a run.

    Args:
        folder: The run's.
        protocol: Its protocol's file, if one was named.
        asked: How.
        known: Whether that file must be there.
    """
    recollect, device = asked.recollect, asked.device
    protocol_given = protocol if known else None
    check_verification(folder, device=device if recollect else None, protocol=protocol_given)
    checks: list[Check] = []
    manifest = _read(checks, "manifest.json", lambda: read_manifest(folder))
    if manifest is None:
        checks.append(Check("files of the run", "not checked", "manifest.json cannot be read"))
    else:
        checks += [check_manifest(manifest), *check_files(folder, manifest)]
    told: Mapping[str, Any] = manifest or {}
    stored = _read(checks, "results.json", lambda: read_results(folder / "results.json"))
    nulls = _read(checks, "nulls.parquet", lambda: read_nulls(folder))
    gone = without_predicates(told) or _gone(stored)
    plan = None if stored is None or gone else _protocol(checks, stored, told)
    file = find_protocol(plan, told, protocol)
    base = Path() if file is None else file.parent
    basis = "Nothing was recomputed."
    if stored is not None and plan is not None:
        basis = _numbers(checks, plan, stored, nulls, told, base, asked)
    else:
        checks.append(Check("results", "not checked", gone or _NO_RESULTS))
    if gone:
        checks.append(Check("reports and figures", "not checked", gone))
    elif stored is not None and nulls is not None and manifest is not None:
        checks += check_rendering(folder, stored, nulls, manifest)
    else:
        checks.append(Check("reports and figures", "not checked", "what they show cannot be read"))
    checks += check_registration(stored.registration if stored else None, plan, told, base)
    if not recollect:
        checks.append(
            Check("numbers of the model", "not asked", f"recollect=True: {', '.join(OF_THE_MODEL)}")
        )
    return Verification(folder, stored.title if stored else "", basis, tuple(checks))


def _read(checks: list[Check], name: str, read: Any) -> Any:
    try:
        return read()
    except OutputError as error:
        damaged = Difference(name, f"what hypotest writes as {name}", "something else, or nothing")
        checks.append(Check(name, "differs", str(error), (damaged,)))
        return None


def _gone(stored: Results | None) -> str:
    """What a run used that no installed package brings, and what to do; empty where all is here."""
    try:
        return "" if stored is None else recorded_plan(stored.protocol).missing
    except ValidationError:  # said with the check of the protocol
        return ""


def _protocol(checks: list[Check], stored: Results, manifest: Mapping[str, Any]) -> Protocol | None:
    """The plan in ``results.json``, whose hash the manifest names."""
    name = "protocol"
    try:
        plan = stored_plan(stored.protocol)
        digest = protocol_hash(plan)
    except (ValidationError, ValueError, KeyError) as error:
        detail = f"results.json: protocol: {one_line(error, 200)}"
        checks.append(Check(name, "differs", detail, (Difference(name, "a valid plan", "something else"),)))
        return None
    hashed = section(manifest, "hashes").get("protocol")
    if hashed is None:
        checks.append(Check(name, "not checked", "the manifest names no hash of the protocol"))
    elif hashed != digest:
        wrong = Difference("hashes.protocol", shortened(hashed), shortened(digest))
        checks.append(Check(name, "differs", "results.json holds another plan", (wrong,)))
    else:
        checks.append(Check(name, "agrees", f"sha256 {shortened(digest)}", deviation=0.0))
    return plan


def _numbers(
    checks: list[Check],
    plan: Protocol,
    stored: Results,
    nulls: pl.DataFrame | None,
    manifest: Mapping[str, Any],
    base: Path,
    asked: _Options,
) -> str:
    """Check evidence and everything that follows from it; returns how equal numbers must be."""
    session = Session.start(plan.seed, stages_shown(asked.start_stage), asked.device)
    session = replace(session, cache=asked.cache)
    others = other_conditions(manifest)
    tolerance = OTHER_SOFTWARE if others else EXACT
    cached = find_evidence(
        session.evidence, section(manifest, "evidence"), section(manifest, "evidence_sha256"), "evidence"
    )
    cached = with_recorded_lesions(session.evidence, cached, manifest)
    checks += cached.checks
    evidence = cached.evidence
    network_checks, networks = check_untrained(session.networks, plan, manifest, nulls, tolerance)
    checks += network_checks
    if asked.recollect:
        anew = collect_anew(plan, stored, manifest, evidence, base, session, asked.subject)
        checks[:] = [_settled(item, anew.digests, manifest) if anew.exact else item for item in checks]
        checks += anew.checks
        if evidence is None and anew.evidence is not None:
            evidence, networks = anew.evidence, list(anew.networks)
            tolerance = EXACT if anew.exact else OTHER_EVIDENCE
    if evidence is None:
        checks.append(Check("results and nulls.parquet", "not checked", "their evidence is missing"))
        checks.append(check_stored_draws(plan, stored, nulls, tolerance))
        return "Nothing was recomputed."
    try:
        expected, drawn = recompute(plan, stored, evidence, networks, session)
    except (HypotestError, ValueError, ArithmeticError, LookupError) as error:
        wrong = Difference("results.json", "results", "an error")
        checks.append(Check("results", "differs", f"cannot be recomputed: {error}", (wrong,)))
        return _basis(tolerance, others)
    checks += compare_results(plan, stored, expected, nulls, drawn, tolerance)
    checks.append(_manifest_numbers(plan, expected, evidence, manifest, tolerance))
    return _basis(tolerance, others)


def _settled(item: Check, fresh: Mapping[str, str], manifest: Mapping[str, Any]) -> Check:
    """Of evidence that the cache lacks: whether what was collected anew has the manifest's digest."""
    if item.status != "not checked" or item.name not in fresh:
        return item
    *network, split = item.name.removeprefix("evidence: ").split(": ")
    digests = section(manifest, "evidence_sha256")
    if network:
        number = int(network[0].removeprefix("untrained "))
        digests = section(recorded_networks(manifest)[number], "evidence_sha256")
    stored, digest = digests.get(split), fresh[item.name]
    if stored is None:
        return item
    if stored != digest:
        wrong = Difference("digest", shortened(stored), shortened(digest))
        return Check(item.name, "differs", "evidence collected anew is not what the run used", (wrong,))
    detail = f"not in the cache; collected anew, digest {shortened(digest)}"
    return Check(item.name, "agrees", detail, deviation=0.0)


def _manifest_numbers(
    plan: Protocol,
    expected: Results,
    evidence: Evidence,
    manifest: Mapping[str, Any],
    tolerance: Tolerance,
) -> Check:
    """What the manifest says and the evidence tells as well."""
    ablation = expected.ablation
    fresh = {
        "engine": evidence.ablation.engine,
        "why": evidence.ablation.reason,
        **ablation_numbers(ablation, expected.self_check),
    }
    told = section(manifest, "ablation")
    stored = {name: told.get(name) for name in fresh}
    changed = (
        *differences(manifest.get("seed"), plan.seed, "seed", tolerance),
        *differences(stored, fresh, "ablation", tolerance),
    )
    name = "manifest.json: numbers"
    if changed:
        return Check(name, "differs", "not what protocol and evidence say", changed)
    return Check(name, "agrees", "seed and ablation", deviation=largest_deviation(stored, fresh))


def _basis(tolerance: Tolerance, others: tuple[str, ...]) -> str:
    if tolerance == EXACT:
        return "Same versions, machine and threads: every number must be equal to the last bit."
    allowed = (
        f"Numbers may differ by {tolerance.relative:g} of their prediction's largest, {tolerance.draws:.1%} "
        f"of a null's draws (or {JUMPS}) by more, and p-values by what these draws make of them; outcomes, "
        "verdicts and counts not at all."
    )
    why = "; ".join(others[:3]) + (f"; and {len(others) - 3} more" if len(others) > 3 else "")
    return f"{allowed} Since: {why or 'evidence was collected on another machine'}."
