"""Pairs of positions, one of each condition, that agree in what could explain a difference away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.errors import CorpusError
from hypotest.records.conditions import Conditions
from hypotest.records.design import CALIPER, MatchFactor

_EXACT = tuple(name for name in get_args(MatchFactor) if name != "index")
BoolArray = NDArray[np.bool_]

FACTOR_WORDS: Mapping[str, str] = {
    "block": "block of text",
    "document": "document",
    "index": "place in the block",
    "target_frequency": "frequency of the target (its power of 2)",
    "token": "current token",
    "length": "length of the document (its power of 2)",
}


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
    for name in match:
        if name not in _EXACT:
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


class Pairing:
    """Positions of the second condition that are still free, by what pairs agree in."""

    def __init__(
        self,
        blocks: Blocks,
        second: BoolArray,
        match: Collection[str],
        counts: NDArray[np.int64] | None,
        max_per_document: int,
    ) -> None:
        """Group the positions.

        Args:
            blocks: The text.
            second: Positions of the second condition in a split, shape (n_blocks, context - 1).
            match: What pairs agree in.
            counts: Occurrences of each token id; read with ``target_frequency``.
            max_per_document: Positions of one document, at most, where pairs do not keep to theirs.
        """
        self._blocks, self._counts = blocks, counts
        self._exact = [name for name in _EXACT if name in match]
        self._near = "index" in match or "block" in match
        self._limit = None if {"block", "document"} & set(match) else max_per_document
        self._block, self._index = np.nonzero(second)
        self._free = np.ones(self._block.size, dtype=bool)
        self._used: dict[int, int] = {}
        keys = self._keys(self._block, self._index)
        order = np.lexsort(keys.T[::-1])  # stable: within a group by block and place
        ordered = keys[order]
        changed = (
            np.flatnonzero(np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)]) if order.size else order
        )
        ends = np.r_[changed[1:], order.size]
        self._groups = {
            tuple(ordered[start].tolist()): order[start:end]
            for start, end in zip(changed.tolist(), ends.tolist(), strict=False)
        }

    def paired(self, first: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Find a partner for each position of the first condition, in their order.

        A partner is drawn among those that agree; with the block or the index among what pairs agree in,
        among those within `CALIPER` tokens, or it is the nearest if there is none.

        Args:
            first: Positions as (block, index), shape (n_positions, 2), sorted.
            rng: Source of randomness.

        Returns:
            Rows (block, index, block of the partner, its index); a position without a partner is left out.
        """
        pairs: list[tuple[int, int, int, int]] = []
        keys = self._keys(first[:, 0], first[:, 1])
        for key, (block, index) in zip(keys.tolist(), first.tolist(), strict=True):
            group = self._groups.get(tuple(key))
            candidates = group[self._free[group]] if group is not None else ()
            if len(candidates) == 0:
                continue
            partner = self._chosen(np.asarray(candidates), index, rng)
            self._take(partner)
            pairs.append((block, index, int(self._block[partner]), int(self._index[partner])))
        return np.asarray(pairs, dtype=np.int64).reshape(-1, 4)

    def _chosen(self, candidates: NDArray[np.int64], index: int, rng: np.random.Generator) -> int:
        if not self._near:
            return int(rng.choice(candidates))
        distance = np.abs(self._index[candidates] - index)
        near = candidates[distance <= CALIPER]
        return int(rng.choice(near)) if near.size else int(candidates[np.argmin(distance)])

    def _take(self, partner: int) -> None:
        self._free[partner] = False
        if self._limit is None:
            return
        document = int(self._blocks.document[self._block[partner]])
        self._used[document] = self._used.get(document, 0) + 1
        if self._used[document] >= self._limit:
            self._free[self._blocks.document[self._block] == document] = False

    def _keys(self, block: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.int64]:
        """What positions must agree in exactly, shape (n_positions, n_factors)."""
        columns = [_values(self._blocks, block, index, name, self._counts) for name in self._exact]
        return np.stack([*columns, np.zeros(block.size, dtype=np.int64)], axis=1)


def _values(
    blocks: Blocks,
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    name: str,
    counts: NDArray[np.int64] | None,
) -> NDArray[np.int64]:
    """What positions must agree in, as numbers."""
    if name == "block":
        return block.astype(np.int64)
    if name == "document":
        return blocks.document[block].astype(np.int64)
    if name == "token":
        return blocks.tokens[block, index].astype(np.int64)
    if name == "length":
        tokens = np.bincount(blocks.document, weights=blocks.lengths)
        return _power(tokens.astype(np.int64))[blocks.document[block]]
    assert counts is not None  # whoever asks for it reads them
    return _power(counts)[blocks.tokens[block, index + 1]]


def _values_at(
    blocks: Blocks, mask: BoolArray, name: str, counts: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    block, index = np.nonzero(mask)
    return _values(blocks, block, index, name, counts)


def _power(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Floor of the binary logarithm; -1 of 0."""
    return np.asarray(np.frexp(numbers.astype(np.float64))[1] - 1, dtype=np.int64)
