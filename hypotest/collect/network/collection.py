"""The stages of a split's collection for any torch module: the same arrays, in the same places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.network.ablation import ablation_arrays, kept_route, part_starts
from hypotest.collect.network.traces import trace
from hypotest.collect.partition import write_partition
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.store import collect_shards, make_shards, write_shard
from hypotest.engine.session import Session
from hypotest.engine.share import ALONE, Share
from hypotest.errors import EvidenceError
from hypotest.subjects.network.network import Network
from hypotest.subjects.precision import full_precision
from hypotest.subjects.recorded.evidence import RecordedEvidence

ROWS_PER_SHARD = 512


def n_shards(sample: Sample) -> int:
    """How many shards the rows of a sample have, in each of the stages."""
    return -(-sample.positions.height // ROWS_PER_SHARD)


def collect_rows(
    network: Network | RecordedEvidence,
    sample: Sample,
    folder: Path,
    step: Callable[[], None],
    share: Share = ALONE,
) -> dict[str, NDArray[Any]]:
    """Activations at a sample's rows.

    Args:
        network: The network.
        sample: Its rows are blocks.
        folder: Of the shards.
        step: Called after each.
        share: Of this process, where several collect the same.

    Raises:
        EvidenceError: If an activation is not finite, or what is cached is damaged.
    """

    def compute(number: int) -> dict[str, NDArray[np.float32]]:
        rows = _rows(sample, number)
        if isinstance(network, RecordedEvidence):
            loss = network.loss(rows)
            return {"activations": network.activations(rows), **({} if loss is None else {"loss": loss})}
        with full_precision():
            read = trace(network, network.inputs.of(rows), units=True)
            activations = network.layout.activations(read.units).float().cpu().numpy()
        if not np.isfinite(activations).all():
            row, unit = np.argwhere(~np.isfinite(activations))[0]
            raise EvidenceError(
                f"{network.name}: the activation of unit {unit} at row {rows[row]} is not finite"
            )
        return {"activations": activations}

    return collect_shards(folder, n_shards(sample), compute, step, share)


def ablate_rows(
    network: Network | RecordedEvidence,
    sample: Sample,
    replacement: Replacement,
    folder: Path,
    session: Session,
    start: Callable[[int], Callable[[], None]],
    units: NDArray[np.int64] | None,
) -> None:
    """Ablate units one at a time at a sample's rows.

    Args:
        network: The network.
        sample: Its rows are blocks.
        replacement: What units are set to.
        folder: Of the shards.
        session: Memory that a pass may take, and the share of this process.
        start: Given the number of parts, what is called after each.
        units: Which ones, ascending; None: all.
    """
    if isinstance(network, RecordedEvidence):
        _copy_influence(network, sample, folder, start, session.share)
        return
    route = kept_route(network)
    sizes = [_rows(sample, number).size for number in range(n_shards(sample))]
    step = start(sum(len(part_starts(route, size, session.memory)) for size in sizes))

    def compute(number: int) -> dict[str, NDArray[Any]]:
        rows = _rows(sample, number)
        index = sample.indices[number * ROWS_PER_SHARD :][: rows.size]
        after = replacement.at(rows, index, sample.tokens.shape[1])
        return ablation_arrays(route, network, rows, after, session.memory, units, step)

    make_shards(folder, n_shards(sample), compute, share=session.share)


def _copy_influence(
    evidence: RecordedEvidence,
    sample: Sample,
    folder: Path,
    start: Callable[[int], Callable[[], None]],
    share: Share,
) -> None:
    """Influence that was recorded, as if it were collected here."""

    def compute(number: int) -> dict[str, NDArray[Any]]:
        rows = _rows(sample, number)
        influence, loss = evidence.influence(rows), evidence.loss(rows)
        assert influence is not None  # or nothing asks for it
        return {
            "delta_loss": influence,
            "error_bound": np.full(influence.shape, np.nan, dtype=np.float16),
            "loss": np.full(rows.size, np.nan, dtype=np.float32) if loss is None else loss,
            "n_exact": np.zeros(rows.size, dtype=np.int32),
        }

    make_shards(folder, n_shards(sample), compute, start(n_shards(sample)), share)


def write_declared(network: Network | RecordedEvidence, folder: Path) -> None:
    """Leave what is known of the units: weights, if they were recorded, and a declared partition."""
    if not (folder / "weights").exists():
        known: dict[str, NDArray[Any]] = {"heads": np.empty((0, 2), dtype=np.int32)}
        if isinstance(network, RecordedEvidence) and network.weights is not None:
            known |= {"output": network.weights.output, "input": network.weights.input}
        write_shard(folder / "weights", known)
    write_partition(network.partition, folder)


def _rows(sample: Sample, number: int) -> NDArray[np.int64]:
    return sample.blocks[number * ROWS_PER_SHARD : (number + 1) * ROWS_PER_SHARD]
