"""Which positions are measured: matched pairs of both conditions, in two splits of the documents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.pairing import Pairing, require_overlap
from hypotest.errors import CorpusError
from hypotest.records.evidence.rows import condition_type, conditions_of, effective_number
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.wording import OF_TEXT, MaterialWords

SPLITS = ("selection", "evaluation")
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SampledPositions:
    """Positions of both conditions."""

    positions: pl.DataFrame
    """Columns document, block, index, target, condition, split, where labels or examples need them some of
    `hypotest.records.evidence.rows.EXTRA`; sorted by split, block, index. The condition is one of two names,
    the first condition's before the second's (`conditions_of`)."""
    eligible: dict[str, int]
    """Split -> pairs that the limits allow: what the sample was drawn from."""
    available: dict[str, int]
    """Condition -> positions in the text before pairing and cap."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Which positions of a text belong to each condition; shape (n_blocks, context - 1).

    The position is that of the query: its target is one place behind it.
    """

    names: Conditions
    first: BoolArray
    second: BoolArray
    places: Sequence[str] = ()
    """Of each block that is an example; empty where blocks are of running text."""

    def __post_init__(self) -> None:
        both = self.first & self.second
        row, rows = ("example", "examples") if self.places else ("position of this text", "positions")
        if both.any():
            block, index = (int(place[0]) for place in np.nonzero(both))
            place = self.places[block] if self.places else f"position {index} of block {block}"
            raise CorpusError(
                f"conditions: {int(both.sum()):,} {rows} belong to both {self.names.first} and "
                f"{self.names.second}, such as {place}: let them exclude each other, by `all` and `not`"
            )
        for name, mask in zip(self.names, (self.first, self.second), strict=True):
            if not mask.any():
                raise CorpusError(f"conditions.{name}: no {row} belongs to it: define it more widely")


def sample_positions(
    blocks: Blocks,
    candidates: Candidates,
    *,
    n_positions: int,
    max_per_document: int,
    max_per_type: int | None,
    selection_share: float,
    match: Collection[str],
    counts: NDArray[np.int64] | None,
    rng: np.random.Generator,
    kept_out: Collection[int] = (),
    words: MaterialWords = OF_TEXT,
) -> SampledPositions:
    """Draw matched pairs of a position of the first condition and one of the second.

    Documents are split at random. In each split pairs are drawn as `hypotest.corpora.pairing` does, with at
    most `max_per_document` positions of the first condition from a document, and `max_per_type` of each
    condition whose target is one type; of these, so many as are asked for. Matched on the block, both
    conditions have the same blocks and nearly the same query positions. The first query of a block is left
    out: it sees one token, and no concentration of attention is defined there.

    Documents that are kept out of the evaluation split go to the selection split, before all others; where
    they are more than its share, it becomes larger. The evaluation split is a random part of the rest.

    Args:
        blocks: The text.
        candidates: Which positions belong to which condition.
        n_positions: Pairs in both splits together.
        max_per_document: Largest number of pairs from one document.
        max_per_type: Largest number of positions of one target type in a split; None: any number.
        selection_share: Share of documents, and of pairs, in the selection split.
        match: What pairs agree in.
        counts: Occurrences of each token id in the reference text; read where pairs agree in them.
        rng: Source of randomness.
        kept_out: Numbers of documents that must not come to the evaluation split.
        words: For errors.

    Raises:
        CorpusError: If the conditions cannot be matched so (says on what), or the text holds fewer pairs than
            asked for (says how many there are).
    """
    names = candidates.names
    owners, indices = np.nonzero(candidates.first)
    require_overlap(blocks, candidates.first, candidates.second, names, match, counts)
    documents = np.unique(blocks.document)
    if documents.size < 2:
        raise CorpusError(
            f"all {words.rows} of this {words.whole} are of one {words.unit}: some {words.units} select the "
            f"neurons, and others measure them; give {words.more} of others"
        )
    shuffled = rng.permutation(documents)
    first = np.isin(shuffled, list(kept_out))
    shuffled = np.concatenate([shuffled[first], shuffled[~first]])
    n_selection = max(round(selection_share * documents.size), int(first.sum()))
    wanted = {"selection": round(selection_share * n_positions)}
    wanted["evaluation"] = n_positions - wanted["selection"]
    parts = {"selection": shuffled[:n_selection], "evaluation": shuffled[n_selection:]}

    frames: list[pl.DataFrame] = []
    eligible: dict[str, int] = {}
    for split in SPLITS:
        mine = np.isin(blocks.document[owners], parts[split])
        own = np.stack([owners[mine], indices[mine]], axis=1)
        inside = candidates.second & np.isin(blocks.document, parts[split])[:, None]
        pairs = Pairing(blocks, inside, match, counts, max_per_document, max_per_type).paired(own, rng)
        eligible[split] = len(pairs)
        chosen = pairs[np.sort(rng.permutation(len(pairs))[: wanted[split]])]
        frames.extend(
            _frame(blocks, chosen[:, column], chosen[:, column + 1], condition, names, split)
            for column, condition in ((0, names.first), (2, names.second))
        )
    available = {
        name: int(mask.sum()) for name, mask in zip(names, (candidates.first, candidates.second), strict=True)
    }
    short = [split for split in SPLITS if eligible[split] < wanted[split]]
    if short:
        possible = min(
            int(eligible["selection"] / selection_share),
            int(eligible["evaluation"] / (1 - selection_share)),
        )
        raise CorpusError(
            f"sample.positions asks for {n_positions} {words.rows} of each condition, but this {words.whole} "
            "gives only "
            + " and ".join(f"{eligible[split]} of {wanted[split]} for the {split} split" for split in short)
            + f" ({owners.size} {words.rows} of {names.first} in {documents.size} {words.units}, "
            + _limits(max_per_document, max_per_type, possible, words)
            + f", give more {words.more}, or define {names.first} more widely"
            + _kept_out_words(int(first.sum()), documents.size, words)
        )
    positions = pl.concat(frames).sort("split", "block", "index", descending=[True, False, False])
    return SampledPositions(positions, eligible, available)


def _limits(max_per_document: int, max_per_type: int | None, possible: int, words: MaterialWords) -> str:
    of_types = "" if max_per_type is None else f", and {max_per_type} of each type in a split"
    raised = "" if max_per_type is None else " or max_per_type"
    return (
        f"at most {max_per_document} from each {words.unit}{of_types}); ask for at most {possible}, raise "
        f"max_per_document{raised}"
    )


def _kept_out_words(kept_out: int, documents: int, words: MaterialWords) -> str:
    if not kept_out:
        return ""
    return (
        f". {kept_out:,} of its {documents:,} {words.units} are kept out of the evaluation split, since they "
        f"were seen before: {documents - kept_out:,} are left to evaluate on"
    )


class PositionCounts(NamedTuple):
    """How much text stands behind some positions."""

    positions: int
    documents: int
    effective_documents: float
    """(sum n_d)^2 / sum n_d^2 over documents with n_d positions: fewer where a few documents hold most."""
    types: int
    """Different targets."""
    effective_types: float
    """The same of targets: 1 / sum p^2, with p their shares of the positions."""
    top_type_share: float
    """Share of the positions that belongs to the most frequent target."""


def count_positions(positions: pl.DataFrame) -> PositionCounts:
    """Count documents and targets of at least one position; columns document and target."""
    documents, types = positions["document"].to_numpy(), positions["target"].to_numpy()
    _, per_type = np.unique(types, return_counts=True)
    return PositionCounts(
        positions=positions.height,
        documents=np.unique(documents).size,
        effective_documents=effective_number(documents),
        types=per_type.size,
        effective_types=effective_number(types),
        top_type_share=float(per_type.max() / positions.height),
    )


def blocks_for_heads(positions: pl.DataFrame, limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most `limit` blocks with positions of the first condition, spread over many documents.

    Args:
        positions: Rows of one split.
        limit: Largest number of blocks.
        rng: Source of randomness.

    Returns:
        Sorted block numbers.
    """
    name = conditions_of(positions).first
    own = positions.filter(pl.col("condition") == name).select("document", "block").unique()
    own = own.sort("document", "block")
    document, block = own["document"].to_numpy(), own["block"].to_numpy()
    order = rng.permutation(block.size)
    document, block = document[order], block[order]
    turn = np.empty(block.size, dtype=np.int64)  # a document's first block, second block, ...
    seen: dict[int, int] = {}
    for i, owner in enumerate(document):
        turn[i] = seen.get(int(owner), 0)
        seen[int(owner)] = int(turn[i]) + 1
    return np.sort(block[np.argsort(turn, kind="stable")[:limit]]).astype(np.int64)


def _frame(
    blocks: Blocks,
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    condition: str,
    names: Conditions,
    split: str,
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "document": blocks.document[block].astype(np.int32),
            "block": block.astype(np.int32),
            "index": index.astype(np.int32),
            "target": blocks.tokens[block, index + 1].astype(np.int32),
            **{name: values[block] for name, values in blocks.columns.items()},
            "condition": pl.Series([condition] * block.size, dtype=condition_type(names)),
            "split": pl.Series([split] * block.size, dtype=pl.String),
        }
    )
