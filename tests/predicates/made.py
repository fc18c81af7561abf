"""Rows made by hand: a few blocks of a few tokens, and a setting with a small vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hypotest.corpora.blocks import Blocks
from hypotest.predicates.predicate import Setting
from hypotest.predicates.rows import Rows
from hypotest.records.corpus import CorpusDocument

TEXTS = ("a", " b", " 12", "7", " c", " Paris", ".", "\n")
"""Of tokens 0 to 7."""


def setting(base: Path = Path(), counts=None, texts=TEXTS) -> Setting:
    counted = np.ones(len(texts), dtype=np.int64) if counts is None else np.asarray(counts)
    return Setting(base=base, vocab_size=len(texts), texts=lambda: tuple(texts), counts=lambda: (counted, 0))


def blocks(tokens, document=None, lengths=None) -> Blocks:
    tokens = np.asarray(tokens, dtype=np.int32)
    document = np.arange(len(tokens)) if document is None else np.asarray(document)
    lengths = np.full(len(tokens), tokens.shape[1]) if lengths is None else np.asarray(lengths)
    return Blocks(tokens, document.astype(np.int32), len(set(document.tolist())), lengths.astype(np.int32), 0)


def texts_of(words) -> tuple[str, np.ndarray]:
    """A text of these tokens, and the characters of each."""
    ends = np.cumsum([len(word) for word in words])
    return "".join(words), np.stack([np.r_[0, ends[:-1]], ends], axis=1)


def rows(tokens, document=None, lengths=None, fields=(), n_before=0) -> Rows:
    """Rows of blocks, each document the text of its own tokens."""
    made = blocks(tokens, document, lengths)
    documents, offsets = [], []
    for number in sorted(set(made.document.tolist())):
        own = np.flatnonzero(made.document == number)
        words = [
            TEXTS[token] for block in own for token in made.tokens[block, n_before : made.lengths[block]]
        ]
        text, places = texts_of(words)
        documents.append(CorpusDocument(f"{number}.txt", text, fields[number] if fields else {}))
        offsets.append(places)
    return Rows.of(made, documents, lambda numbers: [offsets[number] for number in numbers], n_before)
