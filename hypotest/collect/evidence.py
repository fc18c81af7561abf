"""From a subject and samples of positions to evidence, through the cache."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path

from hypotest.collect.engine import Identity, identity_engine
from hypotest.collect.evidence_folder import EvidenceKeys, is_collected, read_selection
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.stages.ablation import ablate, ablation_parts
from hypotest.collect.stages.forward import collect_forward
from hypotest.collect.stages.heads import collect_heads
from hypotest.collect.stages.stages import begin_selection, collect_decomposition, describe
from hypotest.engine.session import Session
from hypotest.records.evidence.evidence import AblationMethod, SelectionEvidence
from hypotest.subjects.kinds import Subject


def collect_evidence(
    subject: Subject,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    ablation: AblationMethod,
    folder: Path,
    session: Session,
    *,
    before_evaluation: Callable[[], None] = lambda: None,
) -> None:
    """Collect what the cache does not hold yet; `read_evidence` reads it.

    Args:
        subject: The network.
        samples: ``selection`` and ``evaluation``.
        keys: From `evidence_keys`.
        ablation: From `hypotest.collect.engine.plan_ablation`.
        folder: Of the evidence.
        session: Memory and progress.
        before_evaluation: Called before the evaluation split is run through the model, or can be read.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    if is_collected(folder, keys.selection, keys.evaluation):
        before_evaluation()
    else:
        _collect_splits(subject, samples, keys, ablation, folder, session, before_evaluation)
        gc.collect()  # nnsight leaves cycles that hold the locals of every function up to here


def _collect_splits(
    subject: Subject,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    ablation: AblationMethod,
    folder: Path,
    session: Session,
    before_evaluation: Callable[[], None],
) -> None:
    """Leave both splits in the cache; the engine and what it was given can be freed before they are read."""
    engine = identity_engine(subject, ablation, session.memory)
    replacement = _collect_selection(
        subject, samples["selection"], folder / keys.selection, ablation, engine, session
    )
    before_evaluation()
    sample, place = samples["evaluation"], folder / keys.evaluation
    forward = collect_forward(subject, sample, place, session, attention=True)
    parts = ablation_parts(sample, ablation.engine, subject)
    ablate(
        subject, engine, sample, forward, replacement, place, session, outcome=ablation.outcome, parts=parts
    )
    if isinstance(engine, NeuronAblation) and ablation.outcome == "loss":
        collect_decomposition(subject, engine, sample, forward, replacement, place, session)
    collect_heads(subject, sample, place, session)
    describe(subject, sample, ablation, place, parts=parts)


def collect_selection(
    subject: Subject,
    sample: Sample,
    key: str,
    ablation: AblationMethod,
    folder: Path,
    session: Session,
) -> SelectionEvidence:
    """Collect the selection split alone, and read it; nothing of the evaluation split is run or read.

    What it leaves in the cache is what `collect_evidence` would have left there.

    Args:
        subject: The network.
        sample: Of the selection split.
        key: Its name, from `evidence_keys`.
        ablation: From `hypotest.collect.engine.plan_ablation`.
        folder: Of the evidence.
        session: Memory and progress.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    if not is_collected(folder, key):
        engine = identity_engine(subject, ablation, session.memory)
        _collect_selection(subject, sample, folder / key, ablation, engine, session)
    return read_selection(folder, key)


def _collect_selection(
    subject: Subject,
    sample: Sample,
    folder: Path,
    ablation: AblationMethod,
    engine: Identity | None,
    session: Session,
) -> Replacement:
    """Collect the selection split, and say what neurons are ablated to in both."""
    forward, replacement = begin_selection(subject, sample, ablation, folder, session, attention=True)
    parts = ablation_parts(sample, ablation.engine, subject)
    ablate(
        subject, engine, sample, forward, replacement, folder, session, outcome=ablation.outcome, parts=parts
    )
    collect_heads(subject, sample, folder, session)
    describe(subject, sample, ablation, folder, parts=parts)
    return replacement
