"""From a protocol to a loaded subject and the positions to look at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hypotest.collect.engine import plan_ablation
from hypotest.collect.evidence import Sample, evidence_keys
from hypotest.collect.evidence_folder import EvidenceKeys
from hypotest.corpora.blocks import Blocks, cut_blocks
from hypotest.corpora.conditions import SPLITS, SampledPositions, blocks_for_heads, sample_positions
from hypotest.corpora.frequencies import (
    FrequencyCuts,
    cut_frequencies,
    fit_to_vocabulary,
    read_frequency_table,
)
from hypotest.corpora.text import read_corpus
from hypotest.errors import CorpusError
from hypotest.pipeline.randomness import Streams
from hypotest.records.corpus import TextSource
from hypotest.records.evidence import Ablation, Evidence
from hypotest.records.progress import StartStage
from hypotest.records.protocol import Protocol
from hypotest.records.results import CorpusResult, FrequencyCurve
from hypotest.subjects.language_model import (
    REFERENCE,
    LanguageModel,
    load_language_model,
    reference_token_counts,
)

HEAD_BLOCKS = 256
"""Blocks per split in which attention heads are ablated, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything that is fixed before the model runs."""

    subject: LanguageModel
    blocks: Blocks
    n_documents: int
    sources: tuple[TextSource, ...]
    cuts: FrequencyCuts
    sampled: SampledPositions
    samples: Mapping[str, Sample]
    ablation: Ablation
    keys: EvidenceKeys
    text_differs: tuple[str, ...]


def prepare(
    protocol: Protocol, base: Path, device: str, streams: Streams, start_stage: StartStage
) -> Prepared:
    """Load the subject, read the text, cut the frequencies, draw the positions.

    Args:
        protocol: A valid protocol.
        base: Folder that relative paths of the protocol start from.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        streams: Random numbers.
        start_stage: Told of stages, for progress.

    Raises:
        SubjectError: If the model cannot be had.
        CorpusError: If the text or the frequency table does not give what the protocol asks for.
    """
    step = start_stage("model, text and positions", 3)
    described = protocol.subject.anatomy
    subject = load_language_model(
        protocol.subject.model,
        layer=protocol.subject.layer,
        revision=protocol.subject.revision,
        device=device,
        base=base,
        anatomy=described.model_dump(exclude_none=True) if described else None,
    )
    if protocol.corpus.context > subject.context:
        raise CorpusError(
            f"corpus.context: {protocol.corpus.context} tokens, but {subject.name} takes at most "
            f"{subject.context}"
        )
    step()
    documents, sources = read_corpus(protocol.corpus, base)
    blocks = cut_blocks(subject.encode([document.text for document in documents]), protocol.corpus.context)
    step()
    if protocol.frequencies == "reference":
        counts = reference_token_counts()
        if subject.name != "reference":
            raise CorpusError(
                "frequencies: reference counts the tokens of the reference model; for "
                f"{subject.name} give a table with its own token ids (.npy, .parquet or .csv)"
            )
    else:
        counts = read_frequency_table(base / protocol.frequencies)
    cuts = cut_frequencies(fit_to_vocabulary(counts, subject.vocab_size), protocol.conditions)
    sampled = sample_positions(
        blocks,
        cuts,
        n_positions=protocol.conditions.positions,
        max_per_document=protocol.conditions.max_per_document,
        selection_share=protocol.split.selection,
        rng=streams("positions"),
    )
    samples = {}
    for split in SPLITS:
        rows = sampled.positions.filter(pl.col("split") == split)
        heads = blocks_for_heads(rows, HEAD_BLOCKS, streams("head blocks", split))
        samples[split] = Sample(blocks.tokens, rows, heads)
    step()
    ablation = plan_ablation(
        subject, protocol.ablation.replacement, protocol.ablation.tolerance, protocol.seed
    )
    return Prepared(
        subject=subject,
        blocks=blocks,
        n_documents=len(documents),
        sources=tuple(sources),
        cuts=cuts,
        sampled=sampled,
        samples=samples,
        ablation=ablation,
        keys=evidence_keys(subject, samples, ablation),
        text_differs=_differences(sources) if protocol.corpus.text == "reference" else (),
    )


def describe_corpus(protocol: Protocol, prepared: Prepared, evidence: Evidence) -> CorpusResult:
    """What a report says of the text and the sampled positions."""
    n_targets = prepared.blocks.tokens.shape[0] * (prepared.blocks.tokens.shape[1] - 1)
    return CorpusResult(
        source="docstrings of installed packages" if protocol.corpus.text == "reference" else "text files",
        documents=prepared.n_documents,
        blocks=len(prepared.blocks.tokens),
        tokens=int(prepared.blocks.tokens.size),
        eligible_rare=prepared.sampled.eligible_rare,
        rare_per_thousand=1000 * prepared.sampled.eligible_rare / n_targets,
        frequent_rare=tuple(
            (prepared.subject.token(token), count) for token, count in frequent_rare(evidence)
        ),
        text_differs=prepared.text_differs,
        **sampled(evidence),
    )


def frequent_rare(evidence: Evidence) -> list[tuple[int, int]]:
    """The 20 most frequent rare targets among the sampled ones: token and count."""
    targets = [
        target
        for split in (evidence.selection, evidence.evaluation)
        for target in split.positions["target"].to_numpy()[split.mask("rare")].tolist()
    ]
    return sorted(Counter(targets).items(), key=lambda item: (-item[1], item[0]))[:20]


def sampled(evidence: Evidence) -> dict[str, Any]:
    """The fields of `CorpusResult` that follow from the sampled positions."""
    splits = {"selection": evidence.selection, "evaluation": evidence.evaluation}
    evaluation = evidence.evaluation
    conditions = ("rare", "common")
    types = {
        name: np.unique(
            np.concatenate(
                [split.positions["target"].to_numpy()[split.mask(name)] for split in splits.values()]
            )
        ).size
        for name in conditions
    }
    return {
        "positions": {
            f"{name} {condition}": int(split.mask(condition).sum())
            for name, split in splits.items()
            for condition in conditions
        },
        "documents_used": {name: int(np.unique(split.documents).size) for name, split in splits.items()},
        "rare_types_used": int(types["rare"]),
        "common_types_used": int(types["common"]),
        "mean_index": {
            name: float(evaluation.positions["index"].to_numpy()[evaluation.mask(name)].mean())
            for name in conditions
        },
        "mean_loss": {
            name: float(evaluation.loss[evaluation.mask(name)].mean(dtype="float64")) for name in conditions
        },
    }


def describe_frequencies(cuts: FrequencyCuts) -> FrequencyCurve:
    """The frequency curve with its cuts, for the figure."""
    counted = int((cuts.counts > 0).sum())
    rare_counts = cuts.counts[cuts.rare]
    return FrequencyCurve(
        log10_rank=tuple(cuts.log10_rank.tolist()),
        log10_count=tuple(cuts.log10_count.tolist()),
        elbow_rank=cuts.elbow_rank,
        rare_rank=int((cuts.counts > rare_counts.max()).sum()) + 1,
        n_types=counted,
        n_rare_types=int(cuts.rare.sum()),
        n_dropped_types=int(cuts.dropped.sum()),
        rare_count_range=(int(rare_counts.min()), int(rare_counts.max())),
    )


def _differences(sources: list[TextSource]) -> tuple[str, ...]:
    """Packages whose text is not what the reference model's card was measured on."""
    card: dict[str, Any] = json.loads((REFERENCE / "card.json").read_text(encoding="utf-8"))
    pinned = {item["name"]: item for item in card["evaluation_text"]["sources"]}
    return tuple(
        f"{source.name} {source.version} (pinned: {pinned[source.name]['version']})"
        for source in sources
        if source.sha256 != pinned[source.name]["sha256"]
    )
