"""Evidence from elsewhere, divided as a protocol says: what `hypotest.analyse` is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.collect.engine import plan_ablation
from hypotest.corpora.sampling import SPLITS
from hypotest.engine.session import Session
from hypotest.pipeline.checks.channels import check_channels
from hypotest.pipeline.texts.positions import find_positions
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.subjects.recorded.evidence import RecordedEvidence


def divided(protocol: Protocol, recorded: RecordedEvidence, session: Session) -> Evidence:
    """Sample rows of both conditions and split them by cluster, as a run does.

    Args:
        protocol: A valid protocol, whose subject is a network.
        recorded: The evidence.
        session: Random streams.

    Raises:
        ProtocolError: If a measure reads what is not there.
        CorpusError: If the rows do not give what the protocol asks for.
    """
    check_channels(protocol, recorded.channels, recorded.name, Path("protocol"))
    drawn = find_positions(protocol, Path(), recorded, session, lambda: None, ())
    splits = {}
    for split in SPLITS:
        positions = drawn.sampled.positions.filter(pl.col("split") == split)
        rows = positions["block"].to_numpy().astype(np.int64)
        splits[split] = SplitEvidence(positions, _channels(recorded, rows))
    selection = splits["selection"]
    return Evidence(
        selection=selection,
        evaluation=splits["evaluation"],
        weights=recorded.weights,
        heads=(),
        mean_activation=selection.activations.mean(axis=0, dtype=np.float64).astype(np.float32),
        ablation=plan_ablation(
            recorded, protocol.ablation.replacement, protocol.ablation.tolerance, protocol.seed
        ),
        decomposition=None,
        partition=recorded.partition,
    )


def _channels(recorded: RecordedEvidence, rows: NDArray[np.int64]) -> dict[Channel, NDArray[Any]]:
    known: dict[Channel, NDArray[Any] | None] = {
        Channel.ACTIVATIONS: recorded.activations(rows),
        Channel.INFLUENCE: recorded.influence(rows),
        Channel.LOSS: recorded.loss(rows),
    }
    return {channel: array for channel, array in known.items() if array is not None}
