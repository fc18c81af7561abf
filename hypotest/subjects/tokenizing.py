"""Text to tokens, whatever a tokenizer was used for before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def encode(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text by a fast tokenizer, without special tokens and in full."""
    with as_defined(tokenizer.backend_tokenizer) as backend:
        encoded = backend.encode_batch(list(texts), add_special_tokens=False)
    return [item.ids for item in encoded]


def tokenizer_fingerprint(tokenizer: Any) -> str:
    """SHA-256 of a fast tokenizer's definition: vocabulary and rules, whatever it was used for before."""
    with as_defined(tokenizer.backend_tokenizer) as backend:
        return hashlib.sha256(backend.to_str().encode()).hexdigest()


@contextmanager
def as_defined(backend: Any) -> Iterator[Any]:
    """A tokenizer without what its last call left in it, which is put back.

    Transformers writes truncation, padding and the treatment of special tokens into the tokenizer with every
    call, and saves the first two with it: a text would be cut to the length that somebody once asked for.
    Dropout of merges is for training, and gives other tokens every time.
    """
    truncation, padding, plain = backend.truncation, backend.padding, backend.encode_special_tokens
    dropout = getattr(backend.model, "dropout", None)
    if dropout is not None:
        backend.model.dropout = None
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = False
    try:
        yield backend
    finally:
        backend.encode_special_tokens = plain
        if dropout is not None:
            backend.model.dropout = dropout
        if truncation is not None:
            backend.enable_truncation(**truncation)
        if padding is not None:
            backend.enable_padding(**padding)


def passage(tokenizer: Any, before: Sequence[int], target: int, after: Sequence[int]) -> tuple[str, str, str]:
    """A stretch of text in three parts, as the tokenizer writes it; special tokens are left out.

    A token may be part of a letter only: what cannot be told apart stands with the part before it.

    Args:
        tokenizer: Whose tokens they are.
        before: Token ids up to the target.
        target: One token id.
        after: Token ids behind it.
    """
    ends = (list(before), [*before, target], [*before, target, *after])
    known, middle, whole = (str(tokenizer.decode(ids, skip_special_tokens=True)) for ids in ends)
    if not middle.startswith(known) or not whole.startswith(middle):
        alone = (list(before), [target], list(after))
        known, own, rest = (str(tokenizer.decode(ids, skip_special_tokens=True)) for ids in alone)
        return known, own, rest
    return known, middle[len(known) :], whole[len(middle) :]
