"""From a protocol to a loaded subject and the positions to look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.collect.engine import plan_ablation
from hypotest.collect.evidence_folder import EvidenceKeys
from hypotest.collect.sample import Sample, evidence_keys
from hypotest.corpora.blocks import Blocks
from hypotest.corpora.sampling import SPLITS, SampledPositions, blocks_for_heads
from hypotest.engine.session import Session
from hypotest.ladder.distinct import require_exchangeable
from hypotest.pipeline.subject import load_subject, one_checkpoint, require_neurons
from hypotest.pipeline.texts.beginning import require_beginning
from hypotest.pipeline.texts.positions import find_positions
from hypotest.pipeline.texts.rows import TextRows
from hypotest.records.corpus import TextSource
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.records.protocol.design import HEAD_BLOCKS
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.subjects.kinds import Subject
from hypotest.subjects.loading.loading import load_reader
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.reference import reference_card


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything that is fixed before the model runs."""

    subject: Subject
    blocks: Blocks
    documents: tuple[str, ...]
    """Hash of each document's content; blocks and positions name documents by their place here."""
    sources: tuple[TextSource, ...]
    text: TextRows
    curve: FrequencyCurve | None
    """What a report draws of a condition."""
    sampled: SampledPositions
    samples: Mapping[str, Sample]
    ablation: AblationMethod
    keys: EvidenceKeys
    text_differs: tuple[str, ...]
    kept_out: tuple[str, ...]
    """Hashes of documents of the text that were kept out of the evaluation split, sorted."""
    counts: NDArray[np.int64] | None = None
    """Occurrences of each token id in the reference text; None where no condition reads them."""
    bos: int | None = None
    """Token that every block begins with."""


def prepare(
    protocol: Protocol,
    base: Path,
    session: Session,
    subject: Subject | None = None,
    *,
    kept_out: Collection[str],
    force: bool = False,
) -> Prepared:
    """Read the text, see which positions belong to the conditions, draw some of them, load the subject.

    The text needs the tokenizer alone, so that what is wrong with it is known before any weights are read.

    Args:
        protocol: A valid protocol.
        base: Folder that relative paths of the protocol start from.
        session: Device, random streams and progress.
        subject: Instead of loading the one that the protocol names.
        kept_out: Hashes of documents that must not come to the evaluation split; see
            `hypotest.pipeline.registered.registered.kept_out_of_evaluation`.
        force: Whether to go on without a beginning-of-sequence token where the model's family needs one.

    Raises:
        SubjectError: If the model cannot be had, or needs that token.
        ProtocolError: If its layer has not the neurons that the group names.
        CorpusError: If the text or the frequency table does not give what the protocol asks for.
        EvidenceError: If labels cannot be shuffled as declared.
    """
    if subject is None and protocol.subject.network is not None:
        subject = load_subject(protocol, base, session.device, session.stage)  # which brings its rows
    brings_rows = isinstance(subject, RowSubject)
    step = session.stage("rows and conditions" if brings_rows else "model, text and positions", 3)
    reader = subject or load_reader(protocol.subject.name, revision=one_checkpoint(protocol), base=base)
    if not force and not isinstance(reader, RowSubject):
        require_beginning(protocol, reader)
    drawn = find_positions(protocol, base, reader, session, step, kept_out)
    require_exchangeable(protocol, drawn.sampled.positions)
    subject = subject or load_subject(protocol, base, session.device)
    layer = subject.layer
    require_neurons(protocol, subject.n_neurons, None if isinstance(layer, str) else layer)
    step()
    samples = {}
    for split in SPLITS:
        rows = drawn.sampled.positions.filter(pl.col("split") == split)
        heads = blocks_for_heads(rows, HEAD_BLOCKS, session.streams("head blocks", split))
        samples[split] = Sample(drawn.blocks.tokens, rows, heads)
    ablation = plan_ablation(
        subject, protocol.ablation.replacement, protocol.ablation.tolerance, protocol.seed, protocol.outcome
    )
    return Prepared(
        subject=subject,
        blocks=drawn.blocks,
        documents=drawn.documents,
        sources=drawn.sources,
        text=drawn.text,
        curve=drawn.curve,
        sampled=drawn.sampled,
        samples=samples,
        ablation=ablation,
        keys=evidence_keys(subject, samples, ablation),
        text_differs=_differences(drawn.sources)
        if protocol.corpus and protocol.corpus.text == "reference"
        else (),
        kept_out=drawn.kept_out,
        counts=drawn.text.counts_if_read(),
        bos=drawn.bos,
    )


def _differences(sources: tuple[TextSource, ...]) -> tuple[str, ...]:
    """Packages whose text is not what the reference model's card was measured on."""
    pinned = {item["name"]: item for item in reference_card()["evaluation_text"]["sources"]}
    return tuple(
        f"{source.name} {source.version} (pinned: {pinned[source.name]['version']})"
        for source in sources
        if source.sha256 != pinned[source.name]["sha256"]
    )
