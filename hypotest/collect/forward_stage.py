"""The stage of forward passes: what is seen at rows, and at whole targets where all of their tokens count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.forward import forward_arrays
from hypotest.collect.sample import Sample
from hypotest.collect.scoring import Scoring
from hypotest.collect.store import collect_shards
from hypotest.engine.session import Session
from hypotest.subjects.language_model import LanguageModel

BLOCKS_PER_SHARD = 64
"""Of text that a shard of forward passes covers."""


def collect_forward(
    subject: LanguageModel, sample: Sample, folder: Path, session: Session, *, attention: bool
) -> dict[str, NDArray[Any]]:
    """Activations, final residual and, if asked for, attention at a sample's positions."""
    step = session.stage(f"activations and attention, {sample.split} split", forward_shards(sample))
    return _forward_at(subject, sample, sample.blocks, sample.indices, folder / "forward", step, attention)


def collect_scored(
    subject: LanguageModel, sample: Sample, scoring: Scoring, folder: Path, session: Session
) -> dict[str, NDArray[Any]]:
    """Activations and final residual at every token of the targets, where all of them count."""
    step = session.stage(f"activations at whole targets, {sample.split} split", forward_shards(sample))
    block = sample.blocks[scoring.places(sample.positions.height)]
    return _forward_at(
        subject, sample, block, scoring.queries(sample.indices), folder / "targets", step, False
    )


def _forward_at(
    subject: LanguageModel,
    sample: Sample,
    block: NDArray[np.int64],
    index: NDArray[np.int64],
    folder: Path,
    step: Callable[[], None],
    attention: bool,
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

    return collect_shards(folder, forward_shards(sample), compute, step)


def forward_shards(sample: Sample) -> int:
    """How many shards the forward passes of a sample have."""
    return -(-np.unique(sample.blocks).size // BLOCKS_PER_SHARD)
