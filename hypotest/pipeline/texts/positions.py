"""From a protocol's text, or examples, to the positions that will be looked at; needs no model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.content import document_hashes
from hypotest.corpora.examples import read_examples
from hypotest.corpora.sampling import SampledPositions
from hypotest.engine.progress import StartStage
from hypotest.engine.session import Session
from hypotest.errors import CorpusError
from hypotest.pipeline.texts.beginning import first_token
from hypotest.pipeline.texts.examples import require_apart, rows_of_examples
from hypotest.pipeline.texts.kept_text import blocks_of, positions_in
from hypotest.pipeline.texts.network_rows import require_conditions, rows_of_network, source_of_network
from hypotest.pipeline.texts.reader import TextReader, require_known
from hypotest.pipeline.texts.reading import read_text
from hypotest.pipeline.texts.rows import TextRows, curve_of, draw, rows_of
from hypotest.predicates.combine import columns_of, needs_documents
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.recorded.evidence import RecordedEvidence


@dataclass(frozen=True, slots=True, eq=False)
class FoundPositions:
    """Text in blocks, and the positions of both conditions drawn from it."""

    documents: tuple[str, ...]
    """Hash of each document's content; blocks and positions name documents by their place here."""
    sources: tuple[TextSource, ...]
    text: TextRows
    sampled: SampledPositions
    remarks: tuple[str, ...]
    """What tying predicates to the tokenizer found out, each with its place in the protocol."""
    curve: FrequencyCurve | None
    """What a report draws of a condition."""
    kept_out: tuple[str, ...]
    """Hashes of documents of the text that were kept out of the evaluation split, sorted."""
    bos: int | None
    """Token that every block begins with."""

    @property
    def blocks(self) -> Blocks:
        """The text."""
        return self.text.blocks


def find_positions(
    protocol: Protocol,
    base: Path,
    reader: TextReader | RowSubject,
    session: Session,
    step: Callable[[], None],
    kept_out: Collection[str],
    on_bound: Callable[[Sequence[str]], None] = lambda remarks: None,
) -> FoundPositions:
    """Read the text, see which positions belong to the conditions, draw some of them.

    Args:
        protocol: A valid protocol.
        base: Folder that relative paths of the protocol start from.
        reader: The subject, or its tokenizer; a network brings its rows.
        session: Random streams and progress.
        step: Called when the text is read, and when positions are drawn.
        kept_out: Hashes of documents that must not come to the evaluation split; see
            `hypotest.pipeline.registered.registered.kept_out_of_evaluation`.
        on_bound: Told what tying predicates to the tokenizer found out, before positions are drawn.

    Raises:
        CorpusError: If text, conditions or frequency table do not give what the protocol asks for.
    """
    if isinstance(reader, RowSubject):
        source_material: _Material = _network(reader, base)
    else:
        material = _examples if protocol.examples else _text
        source_material = material(protocol, base, reader, session.start_stage)
    hashes, sources, notes, text, bos = source_material
    step()
    bound = text.bound(protocol)
    remarks = (*notes, *(f"{item.name}.{line}" for item in bound for line in item.remarks))
    on_bound(remarks)
    candidates = text.candidates(bound)
    if text.table is not None:
        require_apart(text.table, text.rows, candidates)
    if isinstance(reader, RecordedEvidence):
        require_conditions(reader, candidates)
    kept = set(kept_out)
    numbers = [number for number, name in enumerate(hashes) if name in kept]
    sampled = positions_in(
        text.blocks,
        candidates,
        {
            **protocol.sample.model_dump(mode="json"),
            "counts": _digest(text.counts(protocol)),
            "selection_share": protocol.split.selection,
            "kept_out": numbers,
            "seed": protocol.seed,
        },
        lambda: draw(protocol, candidates, text, kept_out=numbers),
    )
    step()
    sampled = replace(sampled, positions=text.with_units(sampled.positions, protocol, bound))
    return FoundPositions(
        documents=hashes,
        sources=tuple(sources),
        text=text,
        sampled=sampled,
        remarks=remarks,
        curve=curve_of(bound),
        kept_out=tuple(sorted(kept.intersection(hashes))),
        bos=bos,
    )


_Material = tuple[tuple[str, ...], Sequence[TextSource], tuple[str, ...], TextRows, int | None]
"""Hashes of documents, sources, notes, rows, and what blocks begin with."""


def _text(protocol: Protocol, base: Path, reader: TextReader, start_stage: StartStage) -> _Material:
    corpus = protocol.text
    if corpus.context > reader.context:
        raise CorpusError(
            f"corpus.context: {corpus.context} tokens, but {reader.name} takes at most {reader.context}"
        )
    conditions = tuple(protocol.conditions.values())
    documents, sources = read_text(corpus.text, base, "corpus.text", start_stage, columns_of(*conditions))
    bos = first_token(protocol, reader)
    blocks = blocks_in(protocol, documents, reader, bos)
    hashes = document_hashes(documents)
    if not needs_documents(*conditions):
        documents = []  # a large text has gigabytes, and only its tokens are needed from here on
    rows = rows_of(protocol, base, blocks, documents, reader, int(bos is not None), start_stage)
    return hashes, sources, (), rows, bos


def _examples(protocol: Protocol, base: Path, reader: TextReader, start_stage: StartStage) -> _Material:
    assert protocol.examples is not None  # who calls it has looked
    table = read_examples(protocol.examples, base, columns_of(*protocol.conditions.values()))
    bos = first_token(protocol, reader)
    examples = rows_of_examples(table, reader, bos, protocol.outcome)
    text = TextRows.of(protocol, base, examples.rows, reader, start_stage, table)
    return document_hashes(table.clusters()), table.sources, examples.notes, text, bos


def _network(network: RowSubject, base: Path) -> _Material:
    return network.cluster_hashes, (source_of_network(network),), (), rows_of_network(network, base), None


def _digest(counts: NDArray[np.int64] | None) -> str:
    return "" if counts is None else hashlib.sha256(counts.astype("<i8").tobytes()).hexdigest()


def sources_of(protocol: Protocol, base: Path, start_stage: StartStage) -> Sequence[TextSource]:
    """What a protocol's text, or its table of examples, is read from; needs no tokenizer.

    Raises:
        CorpusError: If it cannot be read.
    """
    if protocol.examples is not None:
        return read_examples(protocol.examples, base, columns_of(*protocol.conditions.values())).sources
    return read_text(protocol.text.text, base, "corpus.text", start_stage)[1]


def blocks_in(
    protocol: Protocol, documents: Sequence[CorpusDocument], reader: TextReader, bos: int | None
) -> Blocks:
    """The blocks of a protocol's text.

    Documents shorter than a block are padded. Those of the reference text are not: the numbers of its model's
    card, and the example, are of whole blocks, which hold all but a three-hundredth of it.

    Raises:
        CorpusError: If no document gives a block, or the tokenizer has more tokens than the model.
    """
    padded = protocol.text.text != "reference"
    blocks = blocks_of(documents, reader, protocol.text.context, bos, padded=padded)
    require_known(blocks.tokens, reader)
    return blocks
