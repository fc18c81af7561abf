"""The evidence that a manifest names, read from the cache and held against its digests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hypotest.collect.evidence_folder import EvidenceKeys, evidence_digest, is_collected, read_evidence
from hypotest.collect.lesions import has_lesions, lesions_digest, read_lesions
from hypotest.corpora.sampling import SPLITS
from hypotest.errors import HypotestError
from hypotest.nulls.form import Form
from hypotest.nulls.registry import Declared
from hypotest.nulls.registry import declared as declared_nulls
from hypotest.pipeline.analysis.analysis import group_values
from hypotest.pipeline.lesions import with_lesions
from hypotest.pipeline.untrained import influence_spread
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.verify.conditions import recorded_networks, section, shortened
from hypotest.studies.verify.differences import differences
from hypotest.studies.verify.record import Check, Difference
from hypotest.studies.verify.tolerances import Tolerance

_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, eq=False)
class CachedEvidence:
    """What the cache gave."""

    checks: tuple[Check, ...]
    evidence: Evidence | None
    """None where something is missing, damaged or other than the manifest says."""


def find_evidence(
    cache: Path, named: Mapping[str, Any], digests: Mapping[str, Any], what: str
) -> CachedEvidence:
    """Look for both splits of a network's evidence and read them if they are what the manifest says.

    Args:
        cache: Folder of the evidence cache.
        named: ``selection`` and ``evaluation`` -> key, from the manifest.
        digests: The same -> digest, from the manifest; empty in older ones.
        what: Begins the checks' names.
    """
    checks = [
        _check_split(cache, named.get(split), digests.get(split), f"{what}: {split}") for split in SPLITS
    ]
    undigested = all(named.get(split) is not None and digests.get(split) is None for split in SPLITS)
    if any(item.status != "agrees" for item in checks) and not (
        undigested and is_collected(cache, *(str(named.get(split)) for split in SPLITS))
    ):
        return CachedEvidence(tuple(checks), None)
    try:
        evidence = read_evidence(cache, EvidenceKeys(*(str(named[split]) for split in SPLITS)))
    except (HypotestError, KeyError, TypeError, ValueError) as error:
        damaged = Difference(what, "evidence with this digest", "damaged arrays")
        return CachedEvidence((*checks, Check(f"{what}: arrays", "differs", str(error), (damaged,))), None)
    return CachedEvidence(tuple(checks), evidence)


def with_recorded_lesions(cache: Path, cached: CachedEvidence, manifest: Mapping[str, Any]) -> CachedEvidence:
    """Evidence with the lesions that the manifest names; as it is where it names none.

    Args:
        cache: Folder of the evidence cache.
        cached: From `find_evidence`.
        manifest: Of the run.
    """
    key = manifest.get("lesions")
    if key is None:
        return cached
    name, digest = "evidence: lesions", section(manifest, "evidence_sha256").get("lesions")
    if not isinstance(key, str) or not _KEY.fullmatch(key) or not has_lesions(cache, key):
        detail = f"{shortened(key)} is not in {cache} (HYPOTEST_CACHE); recollect=True collects it anew"
        return CachedEvidence((*cached.checks, Check(name, "not checked", detail)), None)
    try:
        ours = lesions_digest(cache, key)
        if ours != digest:
            wrong = Difference("digest", shortened(digest), shortened(ours))
            detail = "the cache holds other lesions than the run used"
            return CachedEvidence((*cached.checks, Check(name, "differs", detail, (wrong,))), None)
        lesions = read_lesions(cache, key)
    except (HypotestError, KeyError, TypeError, ValueError) as error:
        damaged = Difference(name, "finished lesions", "damaged ones")
        return CachedEvidence((*cached.checks, Check(name, "differs", str(error), (damaged,))), None)
    agrees = Check(name, "agrees", f"digest {shortened(ours)}", deviation=0.0)
    evidence = None if cached.evidence is None else with_lesions(cached.evidence, lesions)
    return CachedEvidence((*cached.checks, agrees), evidence)


def check_untrained(
    cache: Path,
    plan: Protocol,
    manifest: Mapping[str, Any],
    nulls: pl.DataFrame | None,
    tolerance: Tolerance,
) -> tuple[list[Check], list[dict[str, float]]]:
    """The untrained networks' evidence, and what `group_values` finds in it.

    Args:
        cache: Folder of the evidence cache.
        plan: The protocol.
        manifest: Of the run.
        nulls: The run's null draws, from which the values of networks without evidence are taken.
        tolerance: Of what the manifest says of each network.

    Returns:
        The checks, and the values of each network.
    """
    declared = next(declared_nulls(plan, Form.NETWORKS), None)
    if declared is None:
        return [], []
    networks = recorded_networks(manifest)
    if not networks:
        missing = Check("untrained networks", "not checked", "the manifest names no untrained network")
        return [missing], _stored_values(declared, nulls)
    if len(networks) != declared.n_draws:
        wrong = Difference("untrained.networks", str(len(networks)), str(declared.n_draws))
        checks = [Check("untrained networks", "differs", "the manifest names other networks", (wrong,))]
        return checks, _stored_values(declared, nulls)
    checks, values = [], []
    stored = _stored_values(declared, nulls)
    for number, network in enumerate(networks):
        what = f"evidence: untrained {number}"
        cached = find_evidence(cache, network, section(network, "evidence_sha256"), what)
        if cached.evidence is None:
            checks += _unlike(cached.checks)
            values.append(stored[number])
            continue
        sd, error = influence_spread(plan, cached.evidence)
        spread = {"influence_sd_nats": sd, "influence_error_bound_nats": error}
        changed = tuple(
            item
            for name, value in spread.items()
            for item in differences(network.get(name), value, f"untrained.{number}.{name}", tolerance)
        )
        if changed:
            checks.append(
                Check(f"manifest.json: untrained {number}", "differs", "not its evidence's", changed)
            )
        checks += _unlike(cached.checks) or [Check(what, "agrees", "both splits, by digest", deviation=0.0)]
        values.append(group_values(plan, cached.evidence))
    return checks, values


def _check_split(cache: Path, key: Any, stored: Any, name: str) -> Check:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        return Check(name, "not checked", "the manifest names no key of evidence")
    if not is_collected(cache, key):
        detail = f"{shortened(key)} is not in {cache} (HYPOTEST_CACHE); recollect=True collects it anew"
        return Check(name, "not checked", detail)
    try:
        digest = evidence_digest(cache, key)
    except HypotestError as error:
        damaged = Difference(name, "finished evidence", "damaged evidence")
        return Check(name, "differs", str(error), (damaged,))
    if stored is None:
        return Check(name, "not checked", "the manifest holds no digest: it is older than these")
    if stored != digest:
        wrong = Difference("digest", shortened(stored), shortened(digest))
        return Check(name, "differs", "the cache holds other evidence than the run used", (wrong,))
    return Check(name, "agrees", f"digest {shortened(digest)}", deviation=0.0)


def _unlike(checks: tuple[Check, ...]) -> list[Check]:
    return [item for item in checks if item.status != "agrees"]


def _stored_values(declared: Declared, nulls: pl.DataFrame | None) -> list[dict[str, float]]:
    """The networks' values as the run stored them, draw by draw."""
    n_networks = declared.n_draws
    values: list[dict[str, float]] = [{} for _ in range(n_networks)]
    if nulls is None:
        return values
    rows = nulls.filter(pl.col("null") == declared.name)
    for prediction, draw, value in rows.select("prediction", "draw", "value").iter_rows():
        if 0 <= draw < n_networks:
            values[draw][prediction] = np.nan if value is None else value
    return values
