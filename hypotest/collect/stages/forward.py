"""The stage of forward passes: what is seen at rows, and at whole targets where all of their tokens count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.forward import forward_arrays
from hypotest.collect.network.collection import collect_rows
from hypotest.collect.network.collection import n_shards as network_shards
from hypotest.collect.sample import Sample
from hypotest.collect.scoring import Scoring
from hypotest.collect.store import collect_shards
from hypotest.engine.session import Session
from hypotest.engine.share import Share
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.network.row_subject import RowSubject

BLOCKS_PER_SHARD = 64
"""Of text that a shard of forward passes covers."""


def collect_forward(
    subject: Subject, sample: Sample, folder: Path, session: Session, *, attention: bool
) -> dict[str, NDArray[Any]]:
    """Activations, final residual and, if asked for, attention at a sample's positions."""
    if isinstance(subject, RowSubject):
        step = session.stage(f"activations, {sample.split} split", network_shards(sample))
        return collect_rows(subject, sample, folder / "forward", step, session.share)
    step = session.stage(f"activations and attention, {sample.split} split", forward_shards(sample))
    place, share = folder / "forward", session.share
    return _forward_at(subject, sample, sample.blocks, sample.indices, place, step, attention, share)


def collect_scored(
    subject: LanguageModel, sample: Sample, scoring: Scoring, folder: Path, session: Session
) -> dict[str, NDArray[Any]]:
    """Activations and final residual at every token of the targets, where all of them count."""
    step = session.stage(f"activations at whole targets, {sample.split} split", forward_shards(sample))
    block = sample.blocks[scoring.places(sample.positions.height)]
    queries, place = scoring.queries(sample.indices), folder / "targets"
    return _forward_at(subject, sample, block, queries, place, step, False, session.share)


def _forward_at(
    subject: LanguageModel,
    sample: Sample,
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    folder: Path,
    step: Callable[[], None],
    attention: bool,
    share: Share,
) -> dict[str, NDArray[Any]]:
    used = np.unique(block)
    owner = np.searchsorted(used, block)

    def compute(number: int) -> dict[str, NDArray[np.float32]]:
        first = number * BLOCKS_PER_SHARD
        blocks = used[first : first + BLOCKS_PER_SHARD]
        here = slice(*np.searchsorted(owner, [first, first + blocks.size]))
        return forward_arrays(
            subject, sample.tokens[blocks], owner[here] - first, index[here], attention=attention
        )

    return collect_shards(folder, forward_shards(sample), compute, step, share)


def forward_shards(sample: Sample, subject: Subject | None = None) -> int:
    """How many shards the forward passes of a sample have."""
    if isinstance(subject, RowSubject):
        return network_shards(sample)
    return -(-np.unique(sample.blocks).size // BLOCKS_PER_SHARD)
