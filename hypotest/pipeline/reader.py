"""What text is read with: a language model, or its tokenizer alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


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
