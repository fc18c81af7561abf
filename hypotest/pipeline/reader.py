"""What text is read with: a language model, or its tokenizer alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from hypotest.records.corpus import Document

BATCH = 256
"""Documents that are tokenized at once; a tokenizer needs a hundred bytes for each token of a batch."""


class TextReader(Protocol):
    """Turns text into tokens."""

    @property
    def name(self) -> str:
        """As the protocol names it."""

    @property
    def vocab_size(self) -> int:
        """Rows of the unembedding."""

    @property
    def context(self) -> int:
        """Most tokens that fit into one forward pass."""

    @property
    def tokenizer_fingerprint(self) -> str:
        """SHA-256 of the tokenizer's definition."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""


def encoded_batches(documents: Sequence[Document], reader: TextReader) -> Iterator[list[list[int]]]:
    """Token ids of each document, `BATCH` documents at a time."""
    for start in range(0, len(documents), BATCH):
        yield reader.encode([document.text for document in documents[start : start + BATCH]])
