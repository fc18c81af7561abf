"""Which positions are measured: rare and common targets, in two splits of the documents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.frequencies import FrequencyCuts
from hypotest.errors import CorpusError
from hypotest.records.design import CALIPER

SPLITS = ("selection", "evaluation")


@dataclass(frozen=True, slots=True, eq=False)
class SampledPositions:
    """Positions whose next token is a rare or a common target."""

    positions: pl.DataFrame
    """Columns document, block, index, target, condition, split; sorted by split, block, index."""
    eligible: dict[str, int]
    """Split -> rare positions in pairs that the cap allows: what the sample was drawn from."""
    eligible_rare: int
    """Rare positions in the text before pairing and cap."""


def sample_positions(
    blocks: Blocks,
    cuts: FrequencyCuts,
    *,
    n_positions: int,
    max_per_document: int,
    selection_share: float,
    rng: np.random.Generator,
    kept_out: Collection[int] = (),
) -> SampledPositions:
    """Draw matched pairs of a rare and a common position.

    Documents are split at random. In each split at most `max_per_document` rare positions of a document
    are kept; each is paired with a common position of the same block, at random among those within 16
    tokens (the nearest if there is none), so that both conditions have the same blocks and nearly the
    same query positions. The first query of a block is left out: it sees one token, and no concentration
    of attention is defined there.

    Documents that are kept out of the evaluation split go to the selection split, before all others; where
    they are more than its share, it becomes larger. The evaluation split is a random part of the rest.

    Args:
        blocks: The text.
        cuts: Which types are rare and common.
        n_positions: Pairs in both splits together.
        max_per_document: Largest number of pairs from one document.
        selection_share: Share of documents, and of pairs, in the selection split.
        rng: Source of randomness.
        kept_out: Numbers of documents that must not come to the evaluation split.

    Raises:
        CorpusError: If the text holds fewer pairs than asked for; says how many there are.
    """
    targets = blocks.tokens[:, 1:]
    owners, indices = np.nonzero(cuts.rare[targets] & blocks.is_text[:, 1:])
    inner = indices > 0
    owners, indices = owners[inner], indices[inner]
    documents = np.unique(blocks.document)
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
        rare = _capped(blocks, owners[mine], indices[mine], max_per_document, rng)
        pairs = _paired(blocks, cuts, rare, rng)
        eligible[split] = len(pairs)
        chosen = pairs[np.sort(rng.permutation(len(pairs))[: wanted[split]])]
        frames.extend(
            _frame(blocks, chosen[:, 0], chosen[:, column], condition, split)
            for column, condition in ((1, "rare"), (2, "common"))
        )
    short = [split for split in SPLITS if eligible[split] < wanted[split]]
    if short:
        possible = min(
            int(eligible["selection"] / selection_share),
            int(eligible["evaluation"] / (1 - selection_share)),
        )
        raise CorpusError(
            f"conditions.positions asks for {n_positions} rare positions, but this text gives only "
            + " and ".join(f"{eligible[split]} of {wanted[split]} for the {split} split" for split in short)
            + f" ({owners.size} rare targets in {documents.size} documents, at most {max_per_document} "
            f"from each); ask for at most {possible}, raise max_per_document, give more text, or define "
            "rare more widely" + _kept_out_words(int(first.sum()), documents.size)
        )
    positions = pl.concat(frames).sort("split", "block", "index", descending=[True, False, False])
    return SampledPositions(positions, eligible, int(owners.size))


def _kept_out_words(kept_out: int, documents: int) -> str:
    if not kept_out:
        return ""
    return (
        f". {kept_out:,} of its {documents:,} documents are kept out of the evaluation split, since they "
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
    top_type_share: float
    """Share of the positions that belongs to the most frequent target."""


def count_positions(positions: pl.DataFrame) -> PositionCounts:
    """Count documents and targets of at least one position; columns document and target."""
    _, per_document = np.unique(positions["document"].to_numpy(), return_counts=True)
    _, per_type = np.unique(positions["target"].to_numpy(), return_counts=True)
    return PositionCounts(
        positions=positions.height,
        documents=per_document.size,
        effective_documents=float(positions.height**2 / np.square(per_document).sum()),
        types=per_type.size,
        top_type_share=float(per_type.max() / positions.height),
    )


def blocks_for_heads(positions: pl.DataFrame, limit: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most `limit` blocks with rare positions, spread over as many documents as possible.

    Args:
        positions: Rows of one split.
        limit: Largest number of blocks.
        rng: Source of randomness.

    Returns:
        Sorted block numbers.
    """
    rare = positions.filter(pl.col("condition") == "rare").select("document", "block").unique()
    rare = rare.sort("document", "block")
    document, block = rare["document"].to_numpy(), rare["block"].to_numpy()
    order = rng.permutation(block.size)
    document, block = document[order], block[order]
    turn = np.empty(block.size, dtype=np.int64)  # a document's first block, second block, ...
    seen: dict[int, int] = {}
    for i, owner in enumerate(document):
        turn[i] = seen.get(int(owner), 0)
        seen[int(owner)] = int(turn[i]) + 1
    return np.sort(block[np.argsort(turn, kind="stable")[:limit]]).astype(np.int64)


def _capped(
    blocks: Blocks,
    owners: NDArray[np.int64],
    indices: NDArray[np.int64],
    limit: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """At most `limit` rare positions per document, at random; rows (block, index), sorted."""
    order = rng.permutation(owners.size)
    document = blocks.document[owners[order]]
    by_document = np.argsort(document, kind="stable")
    ordered = document[by_document]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if ordered.size else ordered
    sizes = np.diff(np.r_[starts, ordered.size])
    place = np.arange(ordered.size) - np.repeat(starts, sizes)
    kept = np.sort(order[by_document[place < limit]])
    return np.stack([owners[kept], indices[kept]], axis=1)


def _paired(
    blocks: Blocks,
    cuts: FrequencyCuts,
    rare: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Rows (block, rare index, common index); a rare position without a partner is left out."""
    pairs: list[tuple[int, int, int]] = []
    free: NDArray[np.bool_] = np.zeros(0, dtype=bool)
    current = -1
    for block, index in rare:
        if block != current:
            current = int(block)
            free = cuts.common[blocks.tokens[block, 1:]].copy()
            free[0] = False
            free[blocks.lengths[block] - 1 :] = False  # targets behind the end of a short document
        candidates = np.flatnonzero(free)
        if candidates.size == 0:
            continue
        distance = np.abs(candidates - index)
        near = candidates[distance <= CALIPER]
        partner = int(rng.choice(near)) if near.size else int(candidates[np.argmin(distance)])
        free[partner] = False
        pairs.append((int(block), int(index), partner))
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 3)


def _frame(
    blocks: Blocks,
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    condition: str,
    split: str,
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "document": blocks.document[block].astype(np.int32),
            "block": block.astype(np.int32),
            "index": index.astype(np.int32),
            "target": blocks.tokens[block, index + 1].astype(np.int32),
            "condition": pl.Series([condition] * block.size, dtype=pl.String),
            "split": pl.Series([split] * block.size, dtype=pl.String),
        }
    )
