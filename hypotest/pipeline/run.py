"""A whole run on one screen: protocol, evidence, group and nulls, results, verdict, report."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypotest.collect.ablation import MEMORY
from hypotest.collect.evidence import collect_evidence, collect_selection
from hypotest.collect.evidence_folder import (
    EvidenceKeys,
    evidence_digests,
    is_collected,
    read_evidence,
)
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import check_ablation
from hypotest.collect.store import cache_folder
from hypotest.groups.live import without_dead
from hypotest.pipeline.ablation_effects import describe_ablation
from hypotest.pipeline.analysis import analyse, group_values
from hypotest.pipeline.definedness import check_defined
from hypotest.pipeline.describe import describe_heads, describe_spectrum
from hypotest.pipeline.fingerprint import fingerprint
from hypotest.pipeline.limitations import find_limitations
from hypotest.pipeline.manifest import Stopwatch, describe_run
from hypotest.pipeline.pieces import KeptPieces
from hypotest.pipeline.positions import describe_frequencies
from hypotest.pipeline.prepare import Prepared, describe_corpus, prepare
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.reach import check_reach
from hypotest.pipeline.registered import registration_of
from hypotest.pipeline.splits import other_splits, split_verdicts, with_splits
from hypotest.pipeline.subject import subject_in_memory
from hypotest.pipeline.untrained import UntrainedNetwork, collect_untrained, describe_untrained
from hypotest.records.evidence import Evidence, SelfCheck
from hypotest.records.progress import StartStage, silent
from hypotest.records.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results import SCHEMA_VERSION, FigureData, Results
from hypotest.registration import load_protocol, protocol_hash
from hypotest.report.export import write_run
from hypotest.report.run import Run
from hypotest.subjects.language_model import LanguageModel

SELF_CHECK_PAIRS = 64
"""(neuron, block) pairs that are ablated by a real intervention on every run."""


def run(
    protocol: str | Path,
    *,
    model: Any = None,
    tokenizer: Any = None,
    out: str | Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    limit: int | None = None,
    memory: float = MEMORY,
    start_stage: StartStage = silent,
    on_registration: Callable[[Registration], None] = lambda registration: None,
) -> Run:
    """Run a protocol from the YAML file to the report.

    Args:
        protocol: Path of the protocol.
        model: Instead of the one that the protocol names: a ``transformers`` causal language model in memory
            (float32, any device), itself or wrapped by nnsight. Its weights are hashed as any others; what
            ``verify --recollect`` loads again is the protocol's model.
        tokenizer: Its fast tokenizer.
        out: Folder that gets the run's folder, ``<out>/<protocol id>/<time>-<hash>``; default ``reports``.
        seed: Instead of the protocol's seed.
        device: ``cpu``, ``cuda``, ``mps``, ``auto``, or ``balanced`` over all GPUs.
        limit: Positions per condition, for a trial without a verdict.
        memory: Bytes that ablation may take beside model and evidence.
        start_stage: Told of each stage and its number of steps, for progress.
        on_registration: Told what the run is, confirmatory or exploratory, before anything is collected.

    Returns:
        The run's folder, opened.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem. What the selection split shows
            to be undefined is one of them, found before the evaluation split is touched.
        RunError: If the run cannot be finished; finished evidence stays in the cache.
    """
    path, started = Path(protocol), datetime.now(UTC)
    plan = with_changes(load_protocol(path), seed, limit)
    return run_plan(
        plan,
        path,
        run_folder(plan, out, started),
        subject=None if model is None else subject_in_memory(plan, model, tokenizer),
        device=device,
        trial=limit,
        memory=memory,
        start_stage=start_stage,
        on_registration=on_registration,
        started=started,
    )


def run_plan(
    plan: Protocol,
    path: Path,
    folder: Path,
    *,
    subject: LanguageModel | None,
    device: str,
    trial: int | None,
    memory: float,
    start_stage: StartStage,
    on_registration: Callable[[Registration], None],
    started: datetime,
) -> Run:
    """Run a plan that is loaded already, as `run` does.

    Args:
        plan: What is run.
        path: The protocol's file, whose folder relative paths start from.
        folder: Gets the run; must not exist.
        subject: Instead of loading the one that the plan names.
        device: As for `run`.
        trial: Positions per condition of a trial.
        memory: As for `run`.
        start_stage: As for `run`.
        on_registration: As for `run`.
        started: When the run began.
    """
    watch = Stopwatch(start_stage)
    streams = Streams(plan.seed)

    prepared = prepare(plan, path.parent, device, streams, watch, subject)
    check_reach(plan, prepared.sampled.positions, prepared.subject.n_neurons, path)
    cache = cache_folder() / "evidence"
    found = fingerprint(plan, prepared)
    registration = registration_of(path, found, trial, cache)
    on_registration(registration)
    _check_selection(plan, path, prepared, memory, cache, streams, watch)
    cached = is_collected(cache, prepared.keys.evaluation)
    evidence, check, networks = _collect(plan, prepared, memory, cache, streams, watch)
    digests = evidence_digests(cache, prepared.keys)
    kept = KeptPieces.of(found, digests, cache_folder())
    live = without_dead(evidence)
    analysis = analyse(
        plan,
        live,
        untrained=[network.value for network in networks],
        start_stage=start_stage,
        watch=watch,
        kept=kept,
    )
    others = other_splits(plan, evidence, start_stage) if trial is None else ()
    selection, predictions = analysis.selection, with_splits(analysis.predictions, others)
    ablation = describe_ablation(prepared, evidence.selection, live, selection, memory, streams, watch)
    corpus = describe_corpus(plan, prepared, evidence)
    heads, layer_impacts = describe_heads(live, selection, streams)
    results = Results(
        schema_version=SCHEMA_VERSION,
        protocol=plan.model_dump(mode="json"),
        protocol_id=plan.id,
        title=plan.title,
        trial=trial,
        subject=prepared.subject.describe(),
        corpus=corpus,
        group=selection.result,
        ablation=ablation,
        self_check={
            "n_pairs": check.n_pairs,
            "n_values": check.n_values,
            "largest_difference": check.largest_difference,
            "tolerance": check.tolerance,
        },
        predictions=predictions,
        verdicts=() if trial is not None else analysis.verdicts,
        split_verdicts=split_verdicts(analysis, others),
        figures=FigureData(
            regimes=analysis.regimes,
            spectrum=describe_spectrum(live, selection, streams),
            heads=heads,
            layer_impacts=layer_impacts,
            frequencies=describe_frequencies(prepared.cuts),
        ),
        limitations=find_limitations(
            corpus,
            predictions,
            live,
            selection,
            ablation,
            check,
            prepared.subject.vocab_size,
            prepared.cuts.elbow_rank is not None,
        ),
        registration=registration,
    )
    manifest = describe_run(
        found,
        prepared,
        ablation,
        memory,
        check,
        started.isoformat(),
        cached,
        watch.seconds,
        digests,
        untrained=describe_untrained(plan, prepared, networks),
    )
    write_run(folder, results, analysis.nulls, manifest, start_stage)
    kept.discard()
    return Run.open(folder)


def _check_selection(
    plan: Protocol,
    path: Path,
    prepared: Prepared,
    memory: float,
    cache: Path,
    streams: Streams,
    watch: StartStage,
) -> None:
    """Collect the selection split, and refuse what it shows to be undefined; the other one is not touched."""
    selection = collect_selection(
        prepared.subject,
        prepared.samples["selection"],
        prepared.keys.selection,
        prepared.ablation,
        memory,
        cache,
        watch,
    )
    gc.collect()  # nnsight leaves cycles that hold the engine
    check_defined(plan, selection, streams, path)


def _collect(
    plan: Protocol, prepared: Prepared, memory: float, cache: Path, streams: Streams, watch: StartStage
) -> tuple[Evidence, SelfCheck, tuple[UntrainedNetwork[dict[str, float]], ...]]:
    """Evidence of the subject, checked, and what the untrained networks contribute."""
    evidence = collect_evidence(
        prepared.subject, prepared.samples, prepared.keys, prepared.ablation, memory, cache, watch
    )
    check = self_check(prepared, evidence, streams, watch)
    if plan.nulls.untrained is None:
        return evidence, check, ()
    del evidence  # a network's own takes as much memory again
    gc.collect()  # nnsight leaves cycles that hold it
    networks = collect_untrained(
        plan, prepared, memory, cache, watch, lambda other: group_values(plan, other)
    )
    return read_evidence(cache, prepared.keys), check, networks


def load_evidence(run: Run | str | Path) -> Evidence:
    """The evidence behind a run, from the cache: activations, delta_loss, positions.

    Raises:
        OutputError: If the folder is no run.
        EvidenceError: If the evidence is no longer in the cache, or damaged.
    """
    manifest = (run if isinstance(run, Run) else Run.open(run)).manifest
    keys = EvidenceKeys(manifest["evidence"]["selection"], manifest["evidence"]["evaluation"])
    return read_evidence(cache_folder() / "evidence", keys)


def self_check(prepared: Prepared, evidence: Evidence, streams: Streams, watch: StartStage) -> SelfCheck:
    """Redo a sample of the ablations by interventions in the whole model.

    Raises:
        SelfCheckError: If they disagree.
    """
    step = watch("ablation against the whole model", SELF_CHECK_PAIRS)
    evaluation = evidence.evaluation
    check = check_ablation(
        prepared.subject,
        prepared.blocks.tokens,
        evaluation.blocks,
        evaluation.indices,
        evaluation.delta_loss,
        Replacement.behind(evidence.ablation, evidence.selection),
        evidence.ablation,
        SELF_CHECK_PAIRS,
        streams("self-check"),
        step,
        loss=evidence.evaluation.loss,
    )
    return check


def with_changes(plan: Protocol, seed: int | None, limit: int | None) -> Protocol:
    """The plan with another seed, or with fewer positions for a trial."""
    changes: dict[str, object] = {} if seed is None else {"seed": seed}
    if limit is not None:
        conditions = plan.conditions.model_copy(update={"positions": limit})
        changes["conditions"] = conditions
    return plan.model_copy(update=changes)


def run_folder(plan: Protocol, out: str | Path | None, started: datetime) -> Path:
    """UTC time and a short hash of protocol and time, so that runs of one second stay apart."""
    text = f"{protocol_hash(plan)} {started.isoformat()}"
    name = f"{started:%Y%m%dT%H%M%SZ}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return Path(out or "reports") / plan.id / name
