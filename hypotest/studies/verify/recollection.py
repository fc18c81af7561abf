"""The subject loaded again, its evidence collected anew, and all that only the model can tell."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hypotest.collect.evidence_folder import EvidenceKeys, evidence_digests, is_collected, read_evidence
from hypotest.collect.last_block.tiles import GB
from hypotest.collect.lesions import lesions_digest
from hypotest.collect.self_check import FORWARD_ROUNDING
from hypotest.corpora.sampling import SPLITS
from hypotest.engine.session import MEMORY, Session
from hypotest.errors import EvidenceError, HypotestError, OutputError
from hypotest.groups.live import without_dead
from hypotest.pipeline.analysis.analysis import group_values
from hypotest.pipeline.analysis.results import ModelFacts, ask_model
from hypotest.pipeline.checks.plausibility import measure_cross_entropy
from hypotest.pipeline.collection import collect_both, self_check
from hypotest.pipeline.lesions import lesioned
from hypotest.pipeline.prepare import Prepared, prepare
from hypotest.pipeline.registered.fingerprint import text_hashes
from hypotest.pipeline.subject import network_in_memory
from hypotest.pipeline.untrained import collect_untrained
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.results import Results
from hypotest.records.results.self_check import SelfCheck
from hypotest.report.results_file import json_text
from hypotest.studies.verify.array_differences import compare_evidence
from hypotest.studies.verify.conditions import other_conditions, recorded_networks, section
from hypotest.studies.verify.deviation import largest_deviation
from hypotest.studies.verify.differences import differences
from hypotest.studies.verify.record import Check, Difference
from hypotest.studies.verify.tolerances import EXACT, OTHER_EVIDENCE, Slack, Tolerance
from hypotest.testing.selection import select

_NAME = "collected anew"


@dataclass(frozen=True, slots=True, eq=False)
class Recollection:
    """What collecting anew has shown."""

    checks: tuple[Check, ...]
    evidence: Evidence | None
    """None if it could not be collected, or is not the run's."""
    networks: tuple[dict[str, float], ...]
    """What `group_values` finds in each untrained network."""
    exact: bool
    """Whether every bit had to be equal."""
    digests: dict[str, str]
    """Name of the check of a split's evidence -> digest of what was collected."""


def recollect(
    plan: Protocol,
    stored: Results,
    manifest: Mapping[str, Any],
    cached: Evidence | None,
    base: Path,
    session: Session,
    subject: Any = None,
) -> Recollection:
    """Load the subject again, collect all evidence in a cache of its own, and compare.

    Args:
        plan: The protocol.
        stored: From ``results.json``.
        manifest: Of the run.
        cached: From the cache; None if it is missing.
        base: Folder that relative paths of the protocol start from.
        session: What it computes with, but for memory: as much as the run had.
        subject: The network, where it was given in Python.
    """
    session = replace(session, memory=_memory(manifest))
    try:
        given = None if subject is None else network_in_memory(subject)
        prepared = prepare(plan, base, session, given, kept_out=_kept_out(manifest), force=True)
    except HypotestError as error:
        return Recollection((Check(_NAME, "not checked", str(error)),), None, (), False, {})
    source = _source(prepared, manifest)
    if source.status == "differs":
        left = Check(_NAME, "not checked", "model, text or positions are not the run's")
        return Recollection((source, left), None, (), False, {})
    exact = not other_conditions(manifest, str(prepared.subject.device))
    checks = [source]
    with _temporary_cache(session.cache) as folder:
        anew = replace(session, anew=Path(folder))
        try:
            collect_both(plan, prepared, anew)
            evidence = read_evidence(anew.evidence, prepared.keys)
            evidence, lesions = lesioned(
                [plan], prepared, evidence, evidence.selection, prepared.keys.selection, anew
            )
            if cached is not None:
                checks += compare_evidence(cached, evidence, exact, _NAME)
            check = self_check(prepared, evidence, anew)
            checks += _of_the_model(plan, prepared, evidence, stored, check, exact, anew)
            values, untrained_checks, digests = _untrained(plan, prepared, manifest, exact, anew)
            for split, digest in evidence_digests(anew.evidence, prepared.keys).items():
                digests[f"evidence: {split}"] = digest
            if lesions:
                digests["evidence: lesions"] = lesions_digest(anew.evidence, lesions)
        except OutputError:
            raise
        except HypotestError as error:
            checks.append(Check(_NAME, "differs", str(error), (Difference(_NAME, "evidence", "an error"),)))
            return Recollection(tuple(checks), None, (), exact, {})
    return Recollection((*checks, *untrained_checks), evidence, values, exact, digests)


def _source(prepared: Prepared, manifest: Mapping[str, Any]) -> Check:
    """Weights, tokenizer, text and positions: the keys of evidence follow from them."""
    hashes, keys = section(manifest, "hashes"), section(manifest, "evidence")
    stored = {
        "weights": hashes.get("weights"),
        "tokenizer": hashes.get("tokenizer"),
        "text": hashes.get("text"),
        "evidence": {name: keys.get(name) for name in SPLITS},
    }
    fresh = {
        "weights": prepared.subject.fingerprint,
        "tokenizer": prepared.subject.tokenizer_fingerprint,
        "text": text_hashes(prepared),
        "evidence": asdict(prepared.keys),
    }
    changed = tuple(differences(stored, fresh, "hashes"))
    name = f"{_NAME}: model and text"
    if changed:
        return Check(name, "differs", "not what the manifest names", changed)
    return Check(name, "agrees", "weights, tokenizer, text and positions", deviation=0.0)


def _of_the_model(
    plan: Protocol,
    prepared: Prepared,
    evidence: Evidence,
    stored: Results,
    check: SelfCheck | None,
    exact: bool,
    session: Session,
) -> Iterator[Check]:
    """The parts of the results that do not follow from evidence."""
    selection = select(plan, without_dead(evidence), session.streams)
    entropy = stored.cross_entropy and measure_cross_entropy(prepared, session, force=True)
    if not exact and check and stored.self_check:  # it is rounding itself, and has been found small enough
        check = replace(check, largest_difference=stored.self_check.largest_difference)
    contexts = stored.contexts is not None
    facts = ask_model(plan, prepared, evidence, selection, check, entropy, session, contexts)
    sides = _plain(ModelFacts.stored(stored), exact), _plain(facts, exact)
    tolerance: Tolerance = EXACT if exact else OTHER_EVIDENCE
    changed = tuple(differences(*sides, "", tolerance, Slack(shift=0.0 if exact else FORWARD_ROUNDING)))
    name = f"{_NAME}: numbers of the model"
    if changed:
        yield Check(name, "differs", "stored is not what the model gives", changed)
    else:
        detail = "subject, text, frequencies, cross-entropy, groups ablated at once, self-check"
        yield Check(name, "agrees", detail, deviation=largest_deviation(*sides))


def _untrained(
    plan: Protocol,
    prepared: Prepared,
    manifest: Mapping[str, Any],
    exact: bool,
    session: Session,
) -> tuple[tuple[dict[str, float], ...], list[Check], dict[str, str]]:
    """Each untrained network anew: its values, its arrays against the cached ones, and their digests."""
    cache = replace(session, anew=None).networks
    checks: list[Check] = []
    networks = recorded_networks(manifest)

    untrained = collect_untrained(plan, prepared, session, lambda fresh: group_values(plan, fresh))
    for network, named in zip(untrained, networks, strict=False):
        what = f"{_NAME}: untrained {network.number}"
        stored = {name: named.get(name) for name in ("weights_sha256", "selection", "evaluation")}
        ours = {
            "weights_sha256": network.fingerprint,
            "selection": network.keys.selection,
            "evaluation": network.keys.evaluation,
        }
        changed = tuple(differences(stored, ours, ""))
        if changed:
            checks.append(Check(what, "differs", "not what the manifest names", changed))
        elif is_collected(cache, *_pair(network.keys)):
            checks += _of_network(cache, session.networks, network.keys, exact, what)
    digests = {
        f"evidence: untrained {network.number}: {split}": digest
        for network in untrained
        for split, digest in network.sha256.items()
    }
    return tuple(network.value for network in untrained), checks, digests


def _of_network(cache: Path, anew: Path, keys: EvidenceKeys, exact: bool, what: str) -> Iterator[Check]:
    try:
        cached, fresh = (read_evidence(folder, keys) for folder in (cache, anew))
    except EvidenceError as error:
        yield Check(what, "differs", str(error), (Difference(what, "damaged evidence", "evidence"),))
        return
    compared = list(compare_evidence(cached, fresh, exact, what))
    wrong = [item for item in compared if item.status != "agrees"]
    yield from wrong or [
        Check(what, "agrees", compared[0].detail, deviation=max(item.deviation or 0.0 for item in compared))
    ]


def _pair(keys: EvidenceKeys) -> tuple[str, str]:
    return keys.selection, keys.evaluation


def _plain(facts: ModelFacts, exact: bool) -> dict[str, Any]:
    """As plain data, each part where ``results.json`` has it.

    Which contexts are shown may follow from the last bits: elsewhere others can be the largest ones.
    """
    parts = json.loads(json_text(facts))
    return {
        "subject": parts["subject"],
        "corpus": parts["text"],
        "ablation": {"group": parts["joint"]},
        "self_check": parts["self_check"],
        "cross_entropy": parts["cross_entropy"],
        "figures": {"frequencies": parts["frequencies"]},
        **({"contexts": parts["contexts"]} if exact else {}),
    }


def _kept_out(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Documents that the run kept out of its evaluation split, whatever the lock says by now."""
    kept_out = manifest.get("kept_out")
    return tuple(name for name in kept_out if isinstance(name, str)) if isinstance(kept_out, list) else ()


def _memory(manifest: Mapping[str, Any]) -> float:
    """What the run allowed, since the size of batches can change the last bits."""
    budget = section(manifest, "ablation").get("memory_budget_bytes")
    if isinstance(budget, int | float) and not isinstance(budget, bool) and budget > 0:
        return float(budget) / GB
    return MEMORY


def _temporary_cache(parent: Path) -> tempfile.TemporaryDirectory[str]:
    """On the disk of the cache, which has room for evidence."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix="recollected-", dir=parent)
    except OSError as error:
        raise OutputError(
            f"{parent}: evidence cannot be collected there: {error.strerror or error}"
        ) from None
