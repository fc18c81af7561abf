"""The stage that ablates attention heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.heads import head_ablation_arrays
from hypotest.collect.sample import Sample
from hypotest.collect.store import make_shards
from hypotest.engine.session import Session
from hypotest.records.evidence.channels import Channel
from hypotest.subjects.kinds import Subject
from hypotest.subjects.network.row_subject import RowSubject

_HEAD_BLOCKS_PER_SHARD = 32


def collect_heads(
    subject: Subject,
    sample: Sample,
    folder: Path,
    session: Session,
    only: NDArray[np.int64] | None = None,
) -> None:
    """How the neurons change when attention heads are ablated, at positions of the first condition.

    Args:
        subject: The network.
        sample: The positions.
        folder: Of the split.
        session: For progress.
        only: Heads to ablate, and no whole layers; all by default.
    """
    if isinstance(subject, RowSubject) or Channel.HEADS not in subject.channels:
        return  # there are none, or none that are looked at
    own = sample.head_positions
    owner = np.searchsorted(sample.head_blocks, own["block"].to_numpy())
    index = own["index"].to_numpy().astype(np.int64)

    def compute(number: int) -> dict[str, NDArray[Any]]:
        first = number * _HEAD_BLOCKS_PER_SHARD
        blocks = sample.head_blocks[first : first + _HEAD_BLOCKS_PER_SHARD]
        here = slice(*np.searchsorted(owner, [first, first + blocks.size]))
        tokens = sample.tokens[blocks]
        arrays = head_ablation_arrays(subject, tokens, owner[here] - first, index[here], only)
        return {**{name: own[name].to_numpy()[here] for name in ("document", "target")}, **arrays}

    n_shards = head_shards(sample)
    step = session.stage(f"ablation of attention heads, {sample.split} split", n_shards)
    make_shards(folder / "heads", n_shards, compute, step, session.share)


def head_shards(sample: Sample) -> int:
    """How many shards the ablation of heads has."""
    return -(-sample.head_blocks.size // _HEAD_BLOCKS_PER_SHARD)
