"""Blocks of equal length, cut from documents: packed, never across documents, short documents padded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import CorpusError

PADDING = 0
"""Token id behind the end of a short document: any that a model has. It is never a target, and what a causal
model computes before it does not depend on it."""
_SHORTEST = 3
"""Tokens of a block in which something can be looked at: the first query is left out, and needs a target."""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Token ids in blocks."""

    tokens: NDArray[np.int32]
    """Shape (n_blocks, context)."""
    document: NDArray[np.int32]
    """Document of each block, shape (n_blocks,), counted from 0 over all documents."""
    n_documents: int
    """Documents that gave at least one block."""
    lengths: NDArray[np.int32]
    """Tokens of each block that are text, from its beginning, shape (n_blocks,); padding follows."""
    text_tokens: int
    """Tokens of all documents, whether in a block or not; without a first token of blocks."""
    columns: Mapping[str, NDArray[np.int32]] = field(default_factory=lambda: MappingProxyType({}))
    """Of blocks that are examples, further columns of their rows (`hypotest.records.evidence.rows.EXTRA`),
    each of shape (n_blocks,)."""

    @property
    def is_text(self) -> NDArray[np.bool_]:
        """Which tokens are no padding, shape (n_blocks, context)."""
        return np.arange(self.tokens.shape[1])[None, :] < self.lengths[:, None]

    @property
    def n_padded(self) -> int:
        """Blocks that end with padding."""
        return int((self.lengths < self.tokens.shape[1]).sum())

    @property
    def padded_tokens(self) -> int:
        """Tokens of text in them, a first token included."""
        return int(self.lengths[self.lengths < self.tokens.shape[1]].sum())


def whole_blocks(
    tokens: NDArray[np.int32], document: NDArray[np.int32], n_documents: int, text_tokens: int
) -> Blocks:
    """Blocks without padding."""
    lengths = np.full(len(tokens), tokens.shape[1], dtype=np.int32)
    return Blocks(tokens, document, n_documents, lengths, text_tokens)


def cut_blocks(
    documents: Iterable[Sequence[int]],
    context: int,
    first: int | None = None,
    *,
    padded: bool = False,
    padding: int = PADDING,
) -> Blocks:
    """Cut each document into consecutive blocks; a remainder shorter than a block is left out.

    Args:
        documents: Token ids per document.
        context: Tokens per block.
        first: Token that every block begins with, beside those of the document.
        padded: Whether a document shorter than a block is padded on the right, and not left out.
        padding: With which token.

    Raises:
        CorpusError: If no document gives a block.
    """
    before = 0 if first is None else 1
    length = context - before
    tokens: list[NDArray[np.int32]] = []
    owners: list[NDArray[np.int32]] = []
    lengths: list[NDArray[np.int32]] = []
    longest = total = 0
    for number, ids in enumerate(documents):
        longest, total = max(longest, len(ids)), total + len(ids)
        n_blocks = len(ids) // length
        size = length
        if n_blocks:
            cut = np.asarray(ids[: n_blocks * length], dtype=np.int32).reshape(-1, length)
        elif padded and len(ids) + before >= _SHORTEST:
            n_blocks, size = 1, len(ids)
            cut = np.full((1, length), padding, dtype=np.int32)
            cut[0, :size] = ids
        else:
            continue
        tokens.append(cut)
        owners.append(np.full(n_blocks, number, dtype=np.int32))
        lengths.append(np.full(n_blocks, size + before, dtype=np.int32))
    if not tokens:
        if padded:
            raise CorpusError(
                f"no document has {_SHORTEST - before} tokens, the fewest in which something can be "
                f"looked at (the longest has {longest}); give longer texts"
            )
        raise CorpusError(
            f"no document fills a block of {length} tokens (the longest has {longest}); "
            "lower corpus.context or give longer texts"
        )
    all_tokens = np.concatenate(tokens)
    if first is not None:
        start = np.full((len(all_tokens), 1), first, dtype=np.int32)
        all_tokens = np.concatenate([start, all_tokens], axis=1)
    return Blocks(all_tokens, np.concatenate(owners), len(owners), np.concatenate(lengths), total)
