"""The rows of a network, in the form that texts have: each row a block of its own, its cluster a document.

A block holds no tokens but the number of its row, which is the position 1 of it. Every row is its own
target type: rows of a network have no types that could be drawn again, and errors over documents and types
come to errors over clusters.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.sampling import Candidates
from hypotest.errors import EvidenceError
from hypotest.pipeline.texts.rows import TextRows
from hypotest.predicates.predicate import Setting
from hypotest.predicates.rows import Rows
from hypotest.records.corpus import TextSource
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.recorded.evidence import RecordedEvidence


def rows_of_network(network: RowSubject, base: Path) -> TextRows:
    """The rows of a network, tied to what predicates need.

    Args:
        network: The network.
        base: Folder that relative paths of the protocol start from.
    """
    n_rows = network.n_rows
    blocks = Blocks(
        tokens=network.tokens,
        document=network.rows.clusters.astype(np.int32),
        n_documents=network.rows.n_clusters,
        lengths=np.full(n_rows, network.tokens.shape[1], dtype=np.int32),
        text_tokens=n_rows,
    )
    fields = [
        {name: text for name, value in row.items() if (text := _text(value)) is not None}
        for row in network.rows.frame.iter_rows(named=True)
    ]
    index = np.ones(n_rows, dtype=np.int32)
    setting = Setting(base=base, vocab_size=network.vocab_size, texts=_no_tokens, counts=_no_tokens)
    return TextRows(Rows.of_examples(blocks, index, fields), setting)


def source_of_network(network: RowSubject) -> TextSource:
    """Where the rows come from, with their hash."""
    return TextSource(
        name=f"rows of {network.name}",
        version="",
        sha256=network.tokenizer_fingerprint,
        n_documents=network.rows.n_clusters,
    )


def require_conditions(recorded: RecordedEvidence, candidates: Candidates) -> None:
    """Refuse evidence with rows of neither condition: nobody would see that a label is misspelt.

    Raises:
        EvidenceError: If there are some; names the first.
    """
    neither = np.flatnonzero(~(candidates.first | candidates.second)[:, 1])
    if neither.size:
        first, second = candidates.names
        row = recorded.rows.frame.row(int(neither[0]), named=True)
        raise EvidenceError(
            f"{recorded.name}: each row must belong to {first} or to {second}, by the protocol's conditions; "
            f"{neither.size:,} of {recorded.n_rows:,} belong to neither, the first of them row {neither[0]} "
            f"({row!s:.200}): correct it, or leave such rows out"
        )


def _text(value: Any) -> str | None:
    """As conditions write it: text as it is, numbers and truth values as in JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str)


def _no_tokens() -> NoReturn:
    raise ValueError("rows of a network have no tokens")
