"""From a subject and samples of positions to evidence, through the cache."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

from hypotest.collect.ablation import NeuronAblation
from hypotest.collect.engine import identity_engine
from hypotest.collect.evidence_folder import EvidenceKeys, is_collected, read_evidence, read_selection
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.stages import (
    ablate,
    ablation_parts,
    begin_selection,
    collect_decomposition,
    collect_forward,
    collect_heads,
    describe,
)
from hypotest.records.evidence import AblationMethod, Evidence, SelectionEvidence
from hypotest.records.progress import StartStage
from hypotest.subjects.language_model import LanguageModel


def collect_evidence(
    subject: LanguageModel,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    ablation: AblationMethod,
    memory: float,
    cache: Path,
    start_stage: StartStage,
    *,
    before_evaluation: Callable[[], None] = lambda: None,
) -> Evidence:
    """Collect what the cache does not hold yet, and read all of it.

    Args:
        subject: The network.
        samples: ``selection`` and ``evaluation``.
        keys: From `evidence_keys`.
        ablation: From `hypotest.collect.engine.plan_ablation`.
        memory: GB that ablation may take beside model and evidence.
        cache: Folder of the evidence cache.
        start_stage: Told of each stage and its steps, for progress.
        before_evaluation: Called before the evaluation split is run through the model, or read.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    if is_collected(cache, keys.selection, keys.evaluation):
        before_evaluation()
    else:
        _collect_splits(subject, samples, keys, ablation, memory, cache, start_stage, before_evaluation)
        gc.collect()  # nnsight leaves cycles that hold the locals of every function up to here
    return read_evidence(cache, keys)


def _collect_splits(
    subject: LanguageModel,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    ablation: AblationMethod,
    memory: float,
    cache: Path,
    start_stage: StartStage,
    before_evaluation: Callable[[], None],
) -> None:
    """Leave both splits in the cache; the engine and what it was given can be freed before they are read."""
    engine = identity_engine(subject, ablation, memory)
    replacement = _collect_selection(
        subject, samples["selection"], cache / keys.selection, ablation, engine, memory, start_stage
    )
    before_evaluation()
    sample, folder = samples["evaluation"], cache / keys.evaluation
    forward = collect_forward(subject, sample, folder, start_stage, attention=True)
    parts = ablation_parts(sample, ablation.engine)
    ablate(subject, engine, sample, forward, replacement, memory, folder, start_stage, parts=parts)
    if engine is not None:
        collect_decomposition(engine, sample, forward, replacement, folder, start_stage)
    collect_heads(subject, sample, folder, start_stage)
    describe(subject, sample, ablation, folder, parts=parts)


def collect_selection(
    subject: LanguageModel,
    sample: Sample,
    key: str,
    ablation: AblationMethod,
    memory: float,
    cache: Path,
    start_stage: StartStage,
) -> SelectionEvidence:
    """Collect the selection split alone, and read it; nothing of the evaluation split is run or read.

    What it leaves in the cache is what `collect_evidence` would have left there.

    Args:
        subject: The network.
        sample: Of the selection split.
        key: Its name, from `evidence_keys`.
        ablation: From `hypotest.collect.engine.plan_ablation`.
        memory: GB that ablation may take beside model and evidence.
        cache: Folder of the evidence cache.
        start_stage: Told of each stage and its steps, for progress.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    if not is_collected(cache, key):
        engine = identity_engine(subject, ablation, memory)
        _collect_selection(subject, sample, cache / key, ablation, engine, memory, start_stage)
    return read_selection(cache, key)


def _collect_selection(
    subject: LanguageModel,
    sample: Sample,
    folder: Path,
    ablation: AblationMethod,
    engine: NeuronAblation | None,
    memory: float,
    start_stage: StartStage,
) -> Replacement:
    """Collect the selection split, and say what neurons are ablated to in both."""
    forward, replacement = begin_selection(subject, sample, ablation, folder, start_stage, attention=True)
    parts = ablation_parts(sample, ablation.engine)
    ablate(subject, engine, sample, forward, replacement, memory, folder, start_stage, parts=parts)
    collect_heads(subject, sample, folder, start_stage)
    describe(subject, sample, ablation, folder, parts=parts)
    return replacement
