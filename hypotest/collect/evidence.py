"""From a subject and samples of positions to evidence, through the cache."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.collect.ablation import NeuronAblation
from hypotest.collect.decomposition import decompose
from hypotest.collect.engine import IDENTITY, INTERVENTIONS
from hypotest.collect.evidence_folder import (
    FINISHED,
    EvidenceKeys,
    is_collected,
    read_evidence,
    read_selection,
)
from hypotest.collect.forward import forward_arrays
from hypotest.collect.heads import head_ablation_arrays
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.store import collect_shards, write_shard
from hypotest.records.evidence import Ablation, Evidence, SelectionEvidence
from hypotest.records.files import write_whole
from hypotest.records.progress import StartStage
from hypotest.records.protocol import AblationKind
from hypotest.subjects.language_model import LanguageModel

BLOCKS_PER_SHARD = 64
"""Of text that a shard of forward passes covers."""
_HEAD_BLOCKS_PER_SHARD = 32
POSITIONS_PER_SHARD = 1024
_INTERVENTION_BLOCKS_PER_SHARD = 4
DECOMPOSED_POSITIONS = 512


def collect_evidence(
    subject: LanguageModel,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    ablation: Ablation,
    memory: float,
    cache: Path,
    start_stage: StartStage,
    *,
    before_evaluation: Callable[[], None] = lambda: None,
) -> Evidence:
    """Collect what the cache does not hold yet, and read all of it.

    Args:
        subject: The network.
        samples: ``selection`` and ``evaluation``.
        keys: From `evidence_keys`.
        ablation: From `hypotest.collect.engine.plan_ablation`.
        memory: Bytes that ablation may take beside model and evidence.
        cache: Folder of the evidence cache.
        start_stage: Told of each stage and its steps, for progress.
        before_evaluation: Called before the evaluation split is run through the model, or read.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    if is_collected(cache, keys.selection, keys.evaluation):
        before_evaluation()
    else:
        _collect_splits(subject, samples, keys, ablation, memory, cache, start_stage, before_evaluation)
        gc.collect()  # nnsight leaves cycles that hold the locals of every function up to here
    return read_evidence(cache, keys)


def _collect_splits(
    subject: LanguageModel,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    ablation: Ablation,
    memory: float,
    cache: Path,
    start_stage: StartStage,
    before_evaluation: Callable[[], None],
) -> None:
    """Leave both splits in the cache; the engine and what it was given can be freed before they are read."""
    engine = _engine(subject, ablation, memory)
    replacement = _collect_selection(
        subject, samples["selection"], cache / keys.selection, ablation, engine, memory, start_stage
    )
    before_evaluation()
    sample, folder = samples["evaluation"], cache / keys.evaluation
    forward = _collect_forward(subject, sample, folder, "evaluation", start_stage)
    changes = _ablate(
        subject, engine, sample, forward, replacement, memory, folder, "evaluation", start_stage
    )
    if engine is not None:
        _collect_decomposition(engine, sample, forward, changes, replacement, folder, start_stage)
    _collect_heads(subject, sample, folder, "evaluation", start_stage)
    _describe(sample, ablation, folder)


def collect_selection(
    subject: LanguageModel,
    sample: Sample,
    key: str,
    ablation: Ablation,
    memory: float,
    cache: Path,
    start_stage: StartStage,
) -> SelectionEvidence:
    """Collect the selection split alone, and read it; nothing of the evaluation split is run or read.

    What it leaves in the cache is what `collect_evidence` would have left there.

    Args:
        subject: The network.
        sample: Of the selection split.
        key: Its name, from `evidence_keys`.
        ablation: From `hypotest.collect.engine.plan_ablation`.
        memory: Bytes that ablation may take beside model and evidence.
        cache: Folder of the evidence cache.
        start_stage: Told of each stage and its steps, for progress.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    if not is_collected(cache, key):
        engine = _engine(subject, ablation, memory)
        _collect_selection(subject, sample, cache / key, ablation, engine, memory, start_stage)
    return read_selection(cache, key)


def _engine(subject: LanguageModel, ablation: Ablation, memory: float) -> NeuronAblation | None:
    if ablation.engine != IDENTITY:
        return None
    return NeuronAblation(prepare_readout(subject), ablation.tolerance, memory)


def _collect_selection(
    subject: LanguageModel,
    sample: Sample,
    folder: Path,
    ablation: Ablation,
    engine: NeuronAblation | None,
    memory: float,
    start_stage: StartStage,
) -> Replacement:
    """Collect the selection split, and say what neurons are ablated to in both."""
    if not (folder / "weights").exists():
        write_shard(
            folder / "weights",
            {
                "output": subject.output_vectors.cpu().numpy(),
                "input": subject.input_vectors.cpu().numpy(),
                "heads": np.array(
                    [(layer, head) for layer in subject.reaching_layers for head in range(subject.n_heads)],
                    dtype=np.int32,
                ),
            },
        )
    forward = _collect_forward(subject, sample, folder, "selection", start_stage)
    replacement = Replacement.of(
        cast(AblationKind, ablation.replacement),
        forward["activations"],
        sample.blocks,
        sample.indices,
        ablation.seed,
    )
    if not (folder / "mean").exists():
        mean = forward["activations"].mean(axis=0, dtype=np.float64).astype(np.float32)
        write_shard(folder / "mean", {"mean_activation": mean})
    _ablate(subject, engine, sample, forward, replacement, memory, folder, "selection", start_stage)
    _collect_heads(subject, sample, folder, "selection", start_stage)
    _describe(sample, ablation, folder)
    return replacement


def _ablate(
    subject: LanguageModel,
    engine: NeuronAblation | None,
    sample: Sample,
    forward: dict[str, NDArray[Any]],
    replacement: Replacement,
    memory: float,
    folder: Path,
    split: str,
    start_stage: StartStage,
) -> dict[str, NDArray[Any]]:
    if engine is not None:
        return _ablate_by_identity(engine, sample, forward, replacement, folder, split, start_stage)
    return _ablate_by_interventions(subject, sample, replacement, memory, folder, split, start_stage)


def _collect_forward(
    subject: LanguageModel, sample: Sample, folder: Path, split: str, start_stage: StartStage
) -> dict[str, NDArray[Any]]:
    used, index = np.unique(sample.blocks), sample.indices
    owner = np.searchsorted(used, sample.blocks)

    def compute(number: int) -> dict[str, NDArray[np.float32]]:
        first = number * BLOCKS_PER_SHARD
        blocks = used[first : first + BLOCKS_PER_SHARD]
        here = slice(*np.searchsorted(owner, [first, first + blocks.size]))
        return forward_arrays(subject, sample.tokens[blocks], owner[here] - first, index[here])

    n_shards = _ceil(used.size, BLOCKS_PER_SHARD)
    step = start_stage(f"activations and attention, {split} split", n_shards)
    return collect_shards(folder / "forward", n_shards, compute, step)


def _ablate_by_identity(
    engine: NeuronAblation,
    sample: Sample,
    forward: dict[str, NDArray[Any]],
    replacement: Replacement,
    folder: Path,
    split: str,
    start_stage: StartStage,
) -> dict[str, NDArray[Any]]:
    block, index, target = sample.blocks, sample.indices, sample.targets

    def compute(number: int) -> dict[str, NDArray[Any]]:
        rows = slice(number * POSITIONS_PER_SHARD, (number + 1) * POSITIONS_PER_SHARD)
        return engine(
            forward["residual"][rows],
            forward["activations"][rows],
            replacement.at(block[rows], index[rows], sample.tokens.shape[1]),
            target[rows],
        )

    n_shards = _ablation_shards(sample, IDENTITY)
    step = start_stage(f"ablation of every neuron, {split} split", n_shards)
    return collect_shards(folder / "ablation", n_shards, compute, step)


def _ablate_by_interventions(
    subject: LanguageModel,
    sample: Sample,
    replacement: Replacement,
    memory: float,
    folder: Path,
    split: str,
    start_stage: StartStage,
) -> dict[str, NDArray[Any]]:
    used, index = np.unique(sample.blocks), sample.indices
    owner = np.searchsorted(used, sample.blocks)
    step = start_stage(f"ablation of every neuron, {split} split", used.size)

    def compute(number: int) -> dict[str, NDArray[Any]]:
        first = number * _INTERVENTION_BLOCKS_PER_SHARD
        blocks = used[first : first + _INTERVENTION_BLOCKS_PER_SHARD]
        here = slice(*np.searchsorted(owner, [first, first + blocks.size]))
        return intervention_arrays(
            subject,
            sample.tokens[blocks],
            blocks,
            owner[here] - first,
            index[here],
            replacement,
            memory,
            on_block=step,
        )

    return collect_shards(folder / "ablation", _ablation_shards(sample, INTERVENTIONS), compute)


def _collect_decomposition(
    engine: NeuronAblation,
    sample: Sample,
    forward: dict[str, NDArray[Any]],
    changes: dict[str, NDArray[Any]],
    replacement: Replacement,
    folder: Path,
    start_stage: StartStage,
) -> None:
    step = start_stage("entropy and norm scale of every neuron", 1)
    if not (folder / "decomposition").exists():
        rare = np.flatnonzero(sample.mask("rare"))
        rows = rare[np.linspace(0, rare.size - 1, min(DECOMPOSED_POSITIONS, rare.size)).astype(np.int64)]
        parts = decompose(
            engine,
            forward["residual"][rows],
            forward["activations"][rows],
            replacement.at(sample.blocks[rows], sample.indices[rows], sample.tokens.shape[1]),
            sample.targets[rows],
        )
        means = {
            name: values.mean(axis=0, dtype=np.float64).astype(np.float32)
            for name, values in {"total": changes["delta_loss"][rows], **parts}.items()
        }
        write_shard(folder / "decomposition", {"n_positions": np.array([rows.size]), **means})
    step()


def _ablation_shards(sample: Sample, engine: str) -> int:
    if engine == IDENTITY:
        return _ceil(sample.positions.height, POSITIONS_PER_SHARD)
    return _ceil(np.unique(sample.blocks).size, _INTERVENTION_BLOCKS_PER_SHARD)


def _collect_heads(
    subject: LanguageModel, sample: Sample, folder: Path, split: str, start_stage: StartStage
) -> None:
    rare = sample.positions.filter(pl.col("condition") == "rare")
    rare = rare.filter(pl.col("block").is_in(sample.head_blocks.tolist()))
    owner = np.searchsorted(sample.head_blocks, rare["block"].to_numpy())
    index = rare["index"].to_numpy().astype(np.int64)

    def compute(number: int) -> dict[str, NDArray[Any]]:
        first = number * _HEAD_BLOCKS_PER_SHARD
        blocks = sample.head_blocks[first : first + _HEAD_BLOCKS_PER_SHARD]
        here = slice(*np.searchsorted(owner, [first, first + blocks.size]))
        arrays = head_ablation_arrays(subject, sample.tokens[blocks], owner[here] - first, index[here])
        documents = rare["document"].to_numpy()[here]
        first_rows = np.unique(owner[here], return_index=True)[1]
        return {"document": documents[first_rows], **arrays}

    n_shards = _ceil(sample.head_blocks.size, _HEAD_BLOCKS_PER_SHARD)
    step = start_stage(f"ablation of attention heads, {split} split", n_shards)
    collect_shards(folder / "heads", n_shards, compute, step)


def _describe(sample: Sample, ablation: Ablation, folder: Path) -> None:
    """Leave the positions, the numbers of shards and how neurons were ablated beside the arrays."""
    if (folder / FINISHED).exists():
        return
    columns = {name: sample.positions[name].to_numpy() for name in ("document", "block", "index", "target")}
    columns["rare"] = sample.mask("rare")
    write_shard(folder / "positions", columns)
    counts = {
        "split": str(sample.positions["split"][0]),
        "forward": _ceil(np.unique(sample.blocks).size, BLOCKS_PER_SHARD),
        "ablation": _ablation_shards(sample, ablation.engine),
        "how": asdict(ablation),
        "heads": _ceil(sample.head_blocks.size, _HEAD_BLOCKS_PER_SHARD),
    }
    write_whole(folder / FINISHED, json.dumps(counts))


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
