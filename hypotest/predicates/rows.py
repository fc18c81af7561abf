"""Rows: positions of a text, or examples, that a condition may have, with what predicates are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hypotest.records.corpus import CorpusDocument
from hypotest.records.evidence.arrays import IntArray

if TYPE_CHECKING:
    from hypotest.corpora.blocks import Blocks

About = Literal["target", "token"]
"""The token to be predicted, or the one before it, the last that the network sees."""
BoolArray = NDArray[np.bool_]


def _no_offsets(numbers: Sequence[int]) -> list[IntArray]:
    raise ValueError("these rows have no text: give documents and offsets")


@dataclass(frozen=True, eq=False)
class Rows:
    """All positions of a text that can be looked at, or all examples; arrays have shape (n_rows,).

    Of a text, the first position of a block is none: it sees one token. The last is the one before the
    last token.
    """

    blocks: Blocks
    block: IntArray
    """Number of the block, ascending."""
    index: IntArray
    """Place within the block, from 1, ascending within a block."""
    documents: Sequence[CorpusDocument] = ()
    """By number; empty where no predicate reads them."""
    offsets: Callable[[Sequence[int]], Sequence[IntArray]] = _no_offsets
    """Numbers of documents -> for each the characters of its tokens, from and up to, shape (n_tokens, 2)."""
    n_before: int = 0
    """Tokens at the beginning of each block that are none of the document's."""
    fields: Sequence[Mapping[str, str]] = ()
    """Columns of each block that is an example, as text; empty where blocks are of running text."""

    @classmethod
    def of_examples(
        cls, blocks: Blocks, index: IntArray, fields: Sequence[Mapping[str, str]], n_before: int = 0
    ) -> Rows:
        """The last token of each prompt.

        Args:
            blocks: One for each example.
            index: Place of that token, shape (n_blocks,).
            fields: Columns of each example.
            n_before: As in `Rows`.
        """
        block = np.arange(len(blocks.tokens), dtype=np.int32)
        return cls(blocks, block, index.astype(np.int32), n_before=n_before, fields=fields)

    @property
    def called(self) -> str:
        """What a sentence calls them, in the plural."""
        return "examples" if self.fields else "positions of this text"

    @classmethod
    def of(
        cls,
        blocks: Blocks,
        documents: Sequence[CorpusDocument] = (),
        offsets: Callable[[Sequence[int]], Sequence[IntArray]] = _no_offsets,
        n_before: int = 0,
    ) -> Rows:
        """The rows of a text in blocks."""
        inner = blocks.is_text[:, 1:].copy()
        inner[:, 0] = False
        block, index = (places.astype(np.int32) for places in np.nonzero(inner))
        return cls(blocks, block, index, documents, offsets, n_before)

    def __len__(self) -> int:
        return int(self.block.size)

    @property
    def document(self) -> IntArray:
        """Number of the document."""
        return np.asarray(self.blocks.document[self.block])

    @property
    def target(self) -> IntArray:
        """Token to be predicted."""
        return np.asarray(self.blocks.tokens[self.block, self.index + 1])

    @property
    def token(self) -> IntArray:
        """Current token."""
        return np.asarray(self.blocks.tokens[self.block, self.index])

    def ids(self, about: About) -> IntArray:
        """Tokens that a predicate is about."""
        return self.target if about == "target" else self.token

    def characters(self, documents: Sequence[int]) -> tuple[IntArray, IntArray, IntArray]:
        """Where the targets of some documents stand in their text.

        Args:
            documents: Numbers of documents.

        Returns:
            Rows of these documents; the first character of the target of each, and the one behind its last.
        """
        numbers = sorted(set(documents))
        rows = np.flatnonzero(np.isin(self.document, numbers))
        n_before, length = self.n_before, self.blocks.tokens.shape[1] - self.n_before
        first_block = np.searchsorted(self.blocks.document, numbers)  # a document's blocks follow each other
        place = np.searchsorted(numbers, self.document[rows])
        ordinal = self.block[rows] - first_block[place]
        token = ordinal * length + self.index[rows] + 1 - n_before
        offsets = self.offsets(numbers)
        starts = np.cumsum([0, *(len(item) for item in offsets)])[:-1]
        flat = np.concatenate([np.asarray(item).reshape(-1, 2) for item in offsets]) if offsets else _NOTHING
        spans = flat[starts[place] + token] if rows.size else _NOTHING
        return rows, spans[:, 0], spans[:, 1]


_NOTHING = np.zeros((0, 2), dtype=np.int64)
