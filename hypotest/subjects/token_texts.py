"""The text of single tokens, and where tokens stand in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.subjects.tokenizing import as_defined, encode

_BEFORE = "a"
"""Text before a token, within which it has its space."""


def token_texts(tokenizer: Any, vocab_size: int) -> tuple[str, ...]:
    """The text of every token as it stands within a text; at its beginning some tokenizers drop its space.

    Args:
        tokenizer: A fast tokenizer.
        vocab_size: Rows of the model's unembedding; ids that the tokenizer does not have are empty.
    """
    (before,) = encode(tokenizer, [_BEFORE])
    with as_defined(tokenizer.backend_tokenizer) as backend:
        known = min(vocab_size, backend.get_vocab_size(with_added_tokens=True))
        start = backend.decode(before, skip_special_tokens=False)
        within = backend.decode_batch(
            [[*before, number] for number in range(known)], skip_special_tokens=False
        )
        alone = backend.decode_batch([[number] for number in range(known)], skip_special_tokens=False)
    texts = (
        whole.removeprefix(start) if whole.startswith(start) else own
        for whole, own in zip(within, alone, strict=True)
    )
    return (*texts, *[""] * (vocab_size - known))


def decoded(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of some tokens, special ones included."""
    with as_defined(tokenizer.backend_tokenizer) as backend:
        return str(backend.decode(list(ids), skip_special_tokens=False))


def token_offsets(tokenizer: Any, texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Characters of each token that `encode` gives of each text, from and up to, shape (n_tokens, 2)."""
    with as_defined(tokenizer.backend_tokenizer) as backend:
        encoded = backend.encode_batch(list(texts), add_special_tokens=False)
    return [np.asarray(item.offsets, dtype=np.int64).reshape(-1, 2) for item in encoded]
