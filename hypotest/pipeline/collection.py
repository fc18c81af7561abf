"""Collecting evidence of the network under test: what it is run over is written down first.

The one place from which its evidence is collected, whatever the command; a test of the project's own sees
to that. Untrained networks are others, and what they are run over is not looked at as the subject's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from hypotest.collect import evidence as collecting
from hypotest.collect.engine import RECORDED
from hypotest.collect.evidence_folder import read_selection
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample, selection_key
from hypotest.collect.scoring import Scoring
from hypotest.collect.self_check import check_ablation
from hypotest.engine.session import Session
from hypotest.pipeline.cache.room import require_room
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.texts.document_log import log_viewing
from hypotest.pipeline.untrained import networks_of
from hypotest.records.evidence.evidence import Evidence, SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.self_check import SelfCheck
from hypotest.records.seen import Use, Viewing
from hypotest.registration import protocol_hash

SELF_CHECK_PAIRS = 64
"""(neuron, block) pairs that are ablated by a real intervention on every run."""


def collect_both(
    plan: Protocol,
    prepared: Prepared,
    session: Session,
    on_selection: Callable[[SelectionEvidence], None] | None = None,
) -> None:
    """Leave both splits in the cache where they are not; the log says before that they are looked at.

    Args:
        plan: What is run.
        prepared: From `hypotest.pipeline.prepare.prepare`.
        session: Cache, memory and progress.
        on_selection: Given the selection split before anything of the evaluation split is run or read; what
            it raises stops there.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache or its log cannot be written, or there is no room (`require_room`).
    """
    keys = prepared.keys

    def before_evaluation() -> None:
        if on_selection is not None:
            on_selection(read_selection(session.evidence, keys.selection))
        documents = documents_of(prepared, prepared.samples["evaluation"])
        log_use(plan, prepared, session, "evaluation", documents, keys.evaluation)

    asked = networks_of(plan)
    require_room(prepared, session, "selection", "evaluation", networks=0 if asked is None else asked.number)
    documents = documents_of(prepared, prepared.samples["selection"])
    log_use(plan, prepared, session, "selection", documents, keys.selection)
    collecting.collect_evidence(
        prepared.subject,
        prepared.samples,
        keys,
        prepared.ablation,
        session.evidence,
        session,
        before_evaluation=before_evaluation,
    )


def collect_selected(
    plan: Protocol,
    prepared: Prepared,
    sample: Sample,
    session: Session,
) -> SelectionEvidence:
    """Collect positions of the selection split alone; nothing of the evaluation split is run or read.

    Args:
        plan: What is looked at.
        prepared: From `hypotest.pipeline.prepare.prepare`.
        sample: The selection split, or a part of it.
        session: Cache, memory and progress.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache or its log cannot be written.
    """
    key = selection_key(prepared.subject, sample, prepared.ablation)
    if key == prepared.keys.selection:  # a part of it is small
        require_room(prepared, session, "selection")
    log_use(plan, prepared, session, "selection", documents_of(prepared, sample), key)
    return collecting.collect_selection(
        prepared.subject, sample, key, prepared.ablation, session.evidence, session
    )


def self_check(prepared: Prepared, evidence: Evidence, session: Session) -> SelfCheck | None:
    """Redo a sample of the ablations by interventions in the whole model.

    Returns:
        None where evidence was made elsewhere: there is no model.

    Raises:
        SelfCheckError: If they disagree.
    """
    if evidence.ablation.engine == RECORDED:
        return None
    step = session.stage("ablation against the whole model", SELF_CHECK_PAIRS)
    evaluation = evidence.evaluation
    return check_ablation(
        prepared.subject,
        prepared.blocks.tokens,
        evaluation.blocks,
        evaluation.indices,
        evaluation.delta_loss,
        Replacement.behind(evidence.ablation, evidence.selection),
        evidence.ablation,
        SELF_CHECK_PAIRS,
        session.streams("self-check"),
        step,
        loss=evaluation.loss,
        scoring=Scoring.of(evaluation.positions, evidence.ablation.outcome),
    )


def documents_of(prepared: Prepared, sample: Sample) -> tuple[str, ...]:
    """Hash of every document of which a block is run through the network, sorted."""
    return documents_of_blocks(prepared, np.union1d(sample.blocks, sample.head_blocks))


def documents_of_blocks(prepared: Prepared, blocks: NDArray[np.int64]) -> tuple[str, ...]:
    """Hash of every document that some blocks are cut from, sorted."""
    numbers = np.unique(prepared.blocks.document[blocks])
    return tuple(sorted({prepared.documents[number] for number in numbers.tolist()}))


def shape_of(prepared: Prepared) -> tuple[str, int]:
    """Family of the network (``config.model_type``) and its number of parameters."""
    return prepared.subject.family, prepared.subject.n_parameters


def log_use(
    plan: Protocol, prepared: Prepared, session: Session, use: Use, documents: tuple[str, ...], key: str
) -> None:
    """Write down that the network is about to be run over documents, and what the cache will hold of it.

    Args:
        plan: What is run or looked at.
        prepared: The network.
        session: The cache.
        use: What for.
        documents: Their hashes.
        key: Of the evidence, or of the lesions.

    Raises:
        OutputError: If it cannot be written.
    """
    family, parameters = shape_of(prepared)
    log_viewing(
        session.cache,
        Viewing(
            time=datetime.now(UTC).isoformat(),
            use=use,
            plan=plan.id,
            protocol=protocol_hash(plan),
            weights=prepared.subject.fingerprint,
            layer=prepared.subject.layer,
            evidence=key,
            documents=documents,
            family=family,
            parameters=parameters,
        ),
    )
