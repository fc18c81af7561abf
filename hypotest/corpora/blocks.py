"""Blocks of equal length, cut from documents: packed, never padded, never across documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import CorpusError


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Token ids in blocks."""

    tokens: NDArray[np.int32]
    """Shape (n_blocks, context)."""
    document: NDArray[np.int32]
    """Document of each block, shape (n_blocks,), counted from 0 over all documents."""
    n_documents: int
    """Documents that gave at least one block."""


def cut_blocks(documents: Iterable[Sequence[int]], context: int, first: int | None = None) -> Blocks:
    """Cut each document into consecutive blocks; a remainder shorter than a block is left out.

    Args:
        documents: Token ids per document.
        context: Tokens per block.
        first: Token that every block begins with, beside those of the document.

    Raises:
        CorpusError: If no document is as long as one block.
    """
    length = context if first is None else context - 1
    tokens: list[NDArray[np.int32]] = []
    owners: list[NDArray[np.int32]] = []
    longest = 0
    for number, ids in enumerate(documents):
        longest = max(longest, len(ids))
        n_blocks = len(ids) // length
        if n_blocks:
            tokens.append(np.asarray(ids[: n_blocks * length], dtype=np.int32).reshape(-1, length))
            owners.append(np.full(n_blocks, number, dtype=np.int32))
    if not tokens:
        raise CorpusError(
            f"no document fills a block of {length} tokens (the longest has {longest}); "
            "lower corpus.context or give longer texts"
        )
    cut = np.concatenate(tokens)
    if first is not None:
        cut = np.concatenate([np.full((len(cut), 1), first, dtype=np.int32), cut], axis=1)
    return Blocks(cut, np.concatenate(owners), len(owners))
