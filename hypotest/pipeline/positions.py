"""From a protocol's text to the positions that will be looked at; needs a tokenizer, no model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.conditions import SampledPositions, sample_positions
from hypotest.corpora.content import document_hashes
from hypotest.corpora.frequencies import (
    FrequencyCuts,
    cut_frequencies,
    fit_to_vocabulary,
)
from hypotest.engine.session import Session
from hypotest.errors import CorpusError
from hypotest.pipeline.beginning import first_token
from hypotest.pipeline.kept_text import blocks_of, positions_in
from hypotest.pipeline.reader import TextReader, require_known
from hypotest.pipeline.texts import read_text
from hypotest.pipeline.token_counts import token_counts
from hypotest.records.corpus import Document, TextSource
from hypotest.records.figure_data import FrequencyCurve
from hypotest.records.protocol import Protocol


@dataclass(frozen=True, slots=True, eq=False)
class FoundPositions:
    """Text in blocks, and the rare and common positions drawn from it."""

    documents: tuple[str, ...]
    """Hash of each document's content; blocks and positions name documents by their place here."""
    sources: tuple[TextSource, ...]
    blocks: Blocks
    cuts: FrequencyCuts
    sampled: SampledPositions
    kept_out: tuple[str, ...]
    """Hashes of documents of the text that were kept out of the evaluation split, sorted."""
    bos: int | None
    """Token that every block begins with."""


def find_positions(
    protocol: Protocol,
    base: Path,
    reader: TextReader,
    session: Session,
    step: Callable[[], None],
    kept_out: Collection[str],
    on_cuts: Callable[[FrequencyCuts], None] = lambda cuts: None,
) -> FoundPositions:
    """Read the text, cut the frequencies, draw the positions.

    Args:
        protocol: A valid protocol.
        base: Folder that relative paths of the protocol start from.
        reader: The subject, or its tokenizer.
        session: Random streams and progress.
        step: Called when the text is read, and when positions are drawn.
        kept_out: Hashes of documents that must not come to the evaluation split; see
            `hypotest.pipeline.registered.kept_out_of_evaluation`.
        on_cuts: Told which types are rare and common, before positions are drawn.

    Raises:
        CorpusError: If the text or the frequency table does not give what the protocol asks for.
    """
    if protocol.corpus.context > reader.context:
        raise CorpusError(
            f"corpus.context: {protocol.corpus.context} tokens, but {reader.name} takes at most "
            f"{reader.context}"
        )
    documents, sources = read_text(protocol.corpus.text, base, "corpus.text", session.start_stage)
    bos = first_token(protocol, reader)
    blocks = blocks_in(protocol, documents, reader, bos)
    hashes = document_hashes(documents)
    del documents  # a large text has gigabytes, and only its tokens are needed from here on
    step()
    counts = token_counts(protocol.frequencies, base, reader, session.start_stage)
    cuts = cut_frequencies(
        fit_to_vocabulary(counts, reader.vocab_size),
        protocol.conditions,
        n_unlisted=max(0, reader.vocab_size - counts.size),
    )
    on_cuts(cuts)
    kept = set(kept_out)
    asked: dict[str, Any] = {
        "n_positions": protocol.conditions.positions,
        "max_per_document": protocol.conditions.max_per_document,
        "selection_share": protocol.split.selection,
        "kept_out": [number for number, name in enumerate(hashes) if name in kept],
    }
    sampled = positions_in(
        blocks,
        cuts,
        {**asked, "seed": session.streams.seed},
        lambda: sample_positions(blocks, cuts, rng=session.streams("positions"), **asked),
    )
    step()
    return FoundPositions(
        documents=hashes,
        sources=tuple(sources),
        blocks=blocks,
        cuts=cuts,
        sampled=sampled,
        kept_out=tuple(sorted(kept.intersection(hashes))),
        bos=bos,
    )


def blocks_in(
    protocol: Protocol, documents: Sequence[Document], reader: TextReader, bos: int | None
) -> Blocks:
    """The blocks of a protocol's text.

    Documents shorter than a block are padded. Those of the reference text are not: the numbers of its model's
    card, and the example, are of whole blocks, which hold all but a three-hundredth of it.

    Raises:
        CorpusError: If no document gives a block, or the tokenizer has more tokens than the model.
    """
    padded = protocol.corpus.text != "reference"
    blocks = blocks_of(documents, reader, protocol.corpus.context, bos, padded=padded)
    require_known(blocks.tokens, reader)
    return blocks


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
        n_unlisted_types=cuts.n_unlisted,
    )
