"""What text is read with: a language model, or its tokenizer alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hypotest.corpora import blocks
from hypotest.errors import CorpusError
from hypotest.records.corpus import CorpusDocument
from hypotest.subjects import masking
from hypotest.subjects.beginning import Beginning

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

    @property
    def beginning(self) -> Beginning:
        """What texts begin with."""

    @property
    def is_masked(self) -> bool:
        """Whether the model is an encoder, which predicts masked tokens."""

    @property
    def tokenizer(self) -> Any:
        """A fast tokenizer of ``transformers``."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""


def padding_for(reader: TextReader) -> int:
    """Token id behind the text of a short block."""
    return masking.PADDING if reader.is_masked else blocks.PADDING


def encoded_batches(documents: Sequence[CorpusDocument], reader: TextReader) -> Iterator[list[list[int]]]:
    """Token ids of each document, `BATCH` documents at a time."""
    for start in range(0, len(documents), BATCH):
        yield reader.encode([document.text for document in documents[start : start + BATCH]])


def require_known(ids: NDArray[np.integer], reader: TextReader) -> None:
    """Refuse token ids that the model has no row for.

    Args:
        ids: Token ids, any shape.
        reader: Whose tokens they are.

    Raises:
        CorpusError: If the tokenizer has more tokens than the model.
    """
    largest = int(ids.max(initial=-1))
    if largest >= reader.vocab_size:
        raise CorpusError(
            f"subject.model: the tokenizer of {reader.name} gives token {largest}, but its model has "
            f"{reader.vocab_size} tokens; they do not belong together (tokens that were added need "
            "model.resize_token_embeddings and training)"
        )
