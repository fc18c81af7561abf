"""Pairs of positions, one of each condition, that agree in what could explain a difference away."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Self, get_args

import numpy as np
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.errors import CorpusError
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.design import CALIPER, FACTOR_WORDS, MatchFactor

PAIR = "pair"
"""Column of examples: both positions of a minimal pair have one number, and are drawn together."""
_EXACT: tuple[MatchFactor, ...] = tuple(name for name in get_args(MatchFactor) if name != "index")
BoolArray = NDArray[np.bool_]


def require_overlap(
    blocks: Blocks,
    first: BoolArray,
    second: BoolArray,
    names: Conditions,
    match: Collection[str],
    counts: NDArray[np.int64] | None,
) -> None:
    """Refuse to match on what never agrees.

    Args:
        blocks: The text.
        first: Positions of the first condition, shape (n_blocks, context - 1).
        second: Of the second.
        names: Of both.
        match: What pairs are to agree in.
        counts: Occurrences of each token id.

    Raises:
        CorpusError: If no value of one of them occurs in both conditions; says of which.
    """
    for name in _EXACT:
        if name not in match:
            continue
        one, two = (_values_at(blocks, mask, name, counts) for mask in (first, second))
        if np.intersect1d(one, two).size == 0:
            raise CorpusError(
                f"sample.match: {names.first} and {names.second} have no {FACTOR_WORDS[name]} in common, "
                "so that "
                f"positions cannot be matched on it: take {name} out of the list, and read the balance "
                "table of "
                "the report"
            )


class _Shrinking:
    """Positions in the order of their place in the block; those that drop out never come back."""

    def __init__(self, positions: NDArray[np.int64], places: NDArray[np.int64]) -> None:
        self._positions, self._places = positions, places

    def within(
        self, reach: tuple[int, int] | None, is_in: Callable[[NDArray[np.int64]], BoolArray]
    ) -> NDArray[np.int64]:
        """Those that are still in, from one place to another, or all of them.

        Where most of what is looked at has dropped out, all that has is let go: the texts of a few hundred
        long documents are full long before the last of a million positions has been tried.
        """
        part = slice(0, None)
        if reach is not None:
            part = slice(*np.searchsorted(self._places, (reach[0], reach[1] + 1)))
        looked_at = self._positions[part]
        kept = looked_at[is_in(looked_at)]
        if 2 * kept.size < looked_at.size:
            still = is_in(self._positions)
            self._positions, self._places = self._positions[still], self._places[still]
        return kept


@dataclass(frozen=True, slots=True)
class _Group:
    """Positions that agree in what pairs must agree in exactly."""

    free: _Shrinking
    """Those that nobody has, of documents with room."""
    open: _Shrinking
    """Those of them whose target types have room, too."""

    @classmethod
    def of(cls, positions: NDArray[np.int64], index: NDArray[np.int64]) -> Self:
        """All of these positions, whose places in their blocks are `index[positions]`."""
        ordered = positions[np.argsort(index[positions], kind="stable")]
        return cls(_Shrinking(ordered, index[ordered]), _Shrinking(ordered, index[ordered]))


class Pairing:
    """Positions of the second condition that are still free, by what pairs agree in."""

    def __init__(
        self,
        blocks: Blocks,
        second: BoolArray,
        match: Collection[str],
        counts: NDArray[np.int64] | None,
        max_per_document: int,
        max_per_type: int | None = None,
    ) -> None:
        """Group the positions.

        Args:
            blocks: The text.
            second: Positions of the second condition in a split, shape (n_blocks, context - 1).
            match: What pairs agree in.
            counts: Occurrences of each token id; read with ``target_frequency``.
            max_per_document: Positions of one document in each condition, at most.
            max_per_type: Positions of a condition whose target is one token type, at most; None: any number.
        """
        self._blocks, self._counts = blocks, counts
        self._exact: list[str] = [name for name in _EXACT if name in match]
        if PAIR in blocks.columns:
            self._exact.insert(0, PAIR)
        self._near = "index" in match or "block" in match
        n_documents, n_types = (
            int(blocks.document.max(initial=-1)) + 1,
            int(blocks.tokens.max(initial=-1)) + 1,
        )
        most = blocks.tokens.size if max_per_type is None else max_per_type
        self._of_documents = np.full((2, n_documents), max_per_document)
        self._of_types = np.full((2, n_types), most)
        self._block, self._index = np.nonzero(second)
        self._free = np.ones(self._block.size, dtype=bool)
        keys = self._keys(self._block, self._index)
        order = np.lexsort(keys.T[::-1])  # stable: within a group by block and place
        ordered = keys[order]
        changed = (
            np.flatnonzero(np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)]) if order.size else order
        )
        ends = np.r_[changed[1:], order.size]
        self._groups = {
            tuple(ordered[start].tolist()): _Group.of(order[start:end], self._index)
            for start, end in zip(changed.tolist(), ends.tolist(), strict=False)
        }

    def paired(self, first: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Find a partner for positions of the first condition, until a document or a target type is full.

        Positions of the first condition are gone through in random order; one whose document or target type
        is full is passed over. A partner is drawn among those that agree; with the block or the index among
        what pairs agree in, among those within `CALIPER` tokens, or the nearest if there is none. Partners
        whose type is full are no candidates: a position that has no others near it is left out, so that
        limits do not loosen the matching. Nothing can be added to the result.

        Types are units of both conditions, as documents are, and a few frequent ones would otherwise hold
        most positions: of 4,096 pairs of the reference text 75 common types of equal size say as much as all
        1,250; with at most 8 positions of a type, 950.

        Args:
            first: Positions as (block, index), shape (n_positions, 2).
            rng: Source of randomness.

        Returns:
            Rows (block, index, block of the partner, its index), ascending.
        """
        pairs: list[tuple[int, int, int, int]] = []
        keys = self._keys(first[:, 0], first[:, 1])
        documents = self._blocks.document[first[:, 0]]
        types = self._blocks.tokens[first[:, 0], first[:, 1] + 1]
        for row in rng.permutation(len(first)).tolist():
            if self._of_documents[0, documents[row]] <= 0 or self._of_types[0, types[row]] <= 0:
                continue
            group = self._groups.get(tuple(keys[row].tolist()))
            block, index = (int(value) for value in first[row])
            partner = None if group is None else self._chosen(group, index, rng)
            if partner is None:
                continue
            other = int(self._block[partner]), int(self._index[partner])
            self._free[partner] = False
            for condition, place in enumerate(((block, index), other)):
                self._of_documents[condition, self._blocks.document[place[0]]] -= 1
                self._of_types[condition, self._blocks.tokens[place[0], place[1] + 1]] -= 1
            pairs.append((block, index, *other))
        return np.asarray(sorted(pairs), dtype=np.int64).reshape(-1, 4)

    def _chosen(self, group: _Group, index: int, rng: np.random.Generator) -> int | None:
        reach = (index - CALIPER, index + CALIPER) if self._near else None
        candidates = group.open.within(reach, self._is_open)
        if self._near and not candidates.size and not group.free.within(reach, self._is_free).size:
            free = group.free.within(None, self._is_free)
            distance = np.abs(self._index[free] - index)
            nearest = free[distance == distance.min()] if free.size else free
            candidates = nearest[self._is_open(nearest)]
        return int(rng.choice(np.sort(candidates))) if candidates.size else None

    def _is_free(self, positions: NDArray[np.int64]) -> BoolArray:
        """Whether nobody has them, and their document may have another partner."""
        of_documents = self._of_documents[1, self._blocks.document[self._block[positions]]]
        return np.asarray(self._free[positions] & (of_documents > 0))

    def _is_open(self, positions: NDArray[np.int64]) -> BoolArray:
        """Whether their target type may have another partner, too."""
        targets = self._blocks.tokens[self._block[positions], self._index[positions] + 1]
        return np.asarray(self._is_free(positions) & (self._of_types[1, targets] > 0))

    def _keys(self, block: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.int64]:
        """What positions must agree in exactly, shape (n_positions, n_factors)."""
        columns = [_values(self._blocks, block, index, name, self._counts) for name in self._exact]
        return np.stack([*columns, np.zeros(block.size, dtype=np.int64)], axis=1)


def values_of(
    blocks: Blocks,
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    name: str,
    counts: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """One thing that pairs can agree in, at some positions, as numbers.

    Args:
        blocks: The text.
        block: Of each position, shape (n_positions,).
        index: Its place there.
        name: What.
        counts: Occurrences of each token id; read for ``target_frequency``.

    Returns:
        Shape (n_positions,): numbers of block, document and token; place in the block, occurrences of the
        target, tokens of the document.
    """
    if name == PAIR:
        return blocks.columns[PAIR][block].astype(np.int64)
    if name == "block":
        return block.astype(np.int64)
    if name == "document":
        return blocks.document[block].astype(np.int64)
    if name == "token":
        return blocks.tokens[block, index].astype(np.int64)
    if name == "index":
        return index.astype(np.int64)
    if name == "length":
        tokens = np.bincount(blocks.document, weights=blocks.lengths)
        return tokens.astype(np.int64)[blocks.document[block]]
    assert counts is not None  # whoever asks for it reads them
    return counts[blocks.tokens[block, index + 1]]


def _values(
    blocks: Blocks,
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    name: str,
    counts: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """What positions must agree in exactly: frequency and length in their power of 2."""
    values = values_of(blocks, block, index, name, counts)
    return _power(values) if name in ("target_frequency", "length") else values


def _values_at(
    blocks: Blocks, mask: BoolArray, name: str, counts: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    block, index = np.nonzero(mask)
    return _values(blocks, block, index, name, counts)


def _power(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Floor of the binary logarithm; -1 of 0."""
    return np.asarray(np.frexp(numbers.astype(np.float64))[1] - 1, dtype=np.int64)
