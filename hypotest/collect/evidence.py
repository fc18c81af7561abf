"""From a subject and sampled positions to evidence, through the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.collect.ablation import Readout, ablation_arrays, prepare_readout
from hypotest.collect.forward import forward_arrays
from hypotest.collect.heads import head_ablation_arrays
from hypotest.collect.store import (
    collect_shards,
    evidence_key,
    read_shard,
    read_shards,
    write_shard,
)
from hypotest.errors import EvidenceError
from hypotest.records.evidence import (
    Evidence,
    Head,
    HeadAblation,
    SplitEvidence,
    Weights,
)
from hypotest.records.progress import StartStage
from hypotest.subjects.language_model import LanguageModel

COLLECTION_VERSION = 2
"""Raised when collection changes what it stores, so that older evidence is not reused."""

_FINISHED = "shards.json"  # written last: a split that has it is complete
_BLOCKS_PER_SHARD = 64
_HEAD_BLOCKS_PER_SHARD = 32
_POSITIONS_PER_SHARD = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What to collect: the positions of one split and the blocks for head ablation."""

    tokens: NDArray[np.int32]
    """All blocks of the text, shape (n_blocks, context)."""
    positions: pl.DataFrame
    """Rows of one split, sorted by block and index."""
    head_blocks: NDArray[np.int64]
    """Blocks in which heads are ablated, sorted."""


@dataclass(frozen=True, slots=True)
class EvidenceKeys:
    """Names of the two splits' evidence in the cache."""

    selection: str
    evaluation: str


def evidence_keys(subject: LanguageModel, samples: Mapping[str, Sample]) -> EvidenceKeys:
    """The keys follow from the weights, the tokens and the positions; nothing else matters.

    The evaluation split's key depends on the selection split's too: ablated neurons are set to their mean
    over the selection split.
    """
    keys: dict[str, str] = {}
    for split in ("selection", "evaluation"):
        sample = samples[split]
        used = np.union1d(sample.positions["block"].unique().to_numpy(), sample.head_blocks)
        keys[split] = evidence_key(
            {
                "version": COLLECTION_VERSION,
                "subject": subject.fingerprint,
                "layer": subject.layer,
                "split": split,
                "tokens": _digest(sample.tokens[used]),
                "positions": _digest(sample.positions.select("document", "block", "index").to_numpy()),
                "conditions": _digest((sample.positions["condition"] == "rare").to_numpy()),
                "head_blocks": _digest(sample.head_blocks),
                "after": keys.get("selection", ""),
            }
        )
    return EvidenceKeys(keys["selection"], keys["evaluation"])


def collect_evidence(
    subject: LanguageModel,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    cache: Path,
    start_stage: StartStage,
) -> Evidence:
    """Collect what the cache does not hold yet, and read all of it.

    Args:
        subject: The network.
        samples: ``selection`` and ``evaluation``.
        keys: From `evidence_keys`.
        cache: Folder of the evidence cache.
        start_stage: Told of each stage and its steps, for progress.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    if all((cache / key / _FINISHED).exists() for key in (keys.selection, keys.evaluation)):
        return read_evidence(cache, keys)  # nothing to collect: read it once
    readout = prepare_readout(subject)
    selection = cache / keys.selection
    if not (selection / "weights").exists():
        write_shard(
            selection / "weights",
            {
                "output": subject.module("down_projection").weight.T.cpu().numpy(),
                "input": subject.module("up_projection").weight.cpu().numpy(),
                "heads": np.array(
                    [(layer, head) for layer in subject.reaching_layers for head in range(subject.n_heads)],
                    dtype=np.int32,
                ),
            },
        )
    mean_activation: NDArray[np.float32] | None = None
    for split, key in (("selection", keys.selection), ("evaluation", keys.evaluation)):
        forward = _collect_forward(subject, samples[split], cache / key, split, start_stage)
        if mean_activation is None:
            mean_activation = forward["activations"].mean(axis=0, dtype=np.float64).astype(np.float32)
            if not (selection / "mean").exists():
                write_shard(selection / "mean", {"mean_activation": mean_activation})
        _collect_ablation(readout, samples[split], forward, mean_activation, cache / key, split, start_stage)
        _collect_heads(subject, samples[split], cache / key, split, start_stage)
        _describe(samples[split], cache / key)
    return read_evidence(cache, keys)


def read_evidence(cache: Path, keys: EvidenceKeys) -> Evidence:
    """Read evidence that was collected before; needs no model.

    Raises:
        EvidenceError: If it is missing or damaged.
    """
    weights = read_shard(cache / keys.selection / "weights")
    heads = tuple(Head(int(layer), int(head)) for layer, head in weights["heads"])
    return Evidence(
        selection=_load_split(cache / keys.selection),
        evaluation=_load_split(cache / keys.evaluation),
        weights=Weights(output=weights["output"], input=weights["input"]),
        heads=heads,
        mean_activation=read_shard(cache / keys.selection / "mean")["mean_activation"],
    )


def _collect_forward(
    subject: LanguageModel, sample: Sample, folder: Path, split: str, start_stage: StartStage
) -> dict[str, NDArray[Any]]:
    used = np.unique(sample.positions["block"].to_numpy())
    owner = np.searchsorted(used, sample.positions["block"].to_numpy())
    index = sample.positions["index"].to_numpy().astype(np.int64)

    def compute(number: int) -> dict[str, NDArray[np.float32]]:
        first = number * _BLOCKS_PER_SHARD
        blocks = used[first : first + _BLOCKS_PER_SHARD]
        here = slice(*np.searchsorted(owner, [first, first + blocks.size]))
        return forward_arrays(subject, sample.tokens[blocks], owner[here] - first, index[here])

    n_shards = _ceil(used.size, _BLOCKS_PER_SHARD)
    step = start_stage(f"activations and attention, {split} split", n_shards)
    return collect_shards(folder / "forward", n_shards, compute, step)


def _collect_ablation(
    readout: Readout,
    sample: Sample,
    forward: dict[str, NDArray[Any]],
    mean_activation: NDArray[np.float32],
    folder: Path,
    split: str,
    start_stage: StartStage,
) -> None:
    target = sample.positions["target"].to_numpy().astype(np.int64)

    def compute(number: int) -> dict[str, NDArray[Any]]:
        rows = slice(number * _POSITIONS_PER_SHARD, (number + 1) * _POSITIONS_PER_SHARD)
        return ablation_arrays(
            readout,
            forward["residual"][rows],
            forward["activations"][rows],
            mean_activation,
            target[rows],
        )

    n_shards = _ceil(target.size, _POSITIONS_PER_SHARD)
    step = start_stage(f"ablation of every neuron, {split} split", n_shards)
    collect_shards(folder / "ablation", n_shards, compute, step)


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


def _describe(sample: Sample, folder: Path) -> None:
    """Leave the positions and the numbers of shards beside the arrays."""
    if (folder / _FINISHED).exists():
        return
    columns = {name: sample.positions[name].to_numpy() for name in ("document", "block", "index", "target")}
    columns["rare"] = (sample.positions["condition"] == "rare").to_numpy()
    write_shard(folder / "positions", columns)
    counts = {
        "split": str(sample.positions["split"][0]),
        "forward": _ceil(sample.positions["block"].n_unique(), _BLOCKS_PER_SHARD),
        "ablation": _ceil(sample.positions.height, _POSITIONS_PER_SHARD),
        "heads": _ceil(sample.head_blocks.size, _HEAD_BLOCKS_PER_SHARD),
    }
    temporary = folder / ".shards.json"
    temporary.write_text(json.dumps(counts), encoding="utf-8")
    temporary.replace(folder / _FINISHED)


def _load_split(folder: Path) -> SplitEvidence:
    try:
        counts = json.loads((folder / _FINISHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise EvidenceError(
            f"no finished evidence in {folder}; run the protocol again to collect it (HYPOTEST_CACHE names "
            "the folder it is looked for in)"
        ) from None
    columns = read_shard(folder / "positions")
    positions = pl.DataFrame(
        {name: columns[name] for name in ("document", "block", "index", "target")}
    ).with_columns(
        pl.Series("condition", np.where(columns["rare"], "rare", "common")),
        pl.lit(counts["split"]).alias("split"),
    )
    forward = read_shards(folder / "forward", counts["forward"])
    ablation = read_shards(folder / "ablation", counts["ablation"])
    return SplitEvidence(
        positions=positions,
        activations=forward["activations"],
        delta_loss=ablation["delta_loss"],
        loss=ablation["loss"],
        n_exact=ablation["n_exact"],
        attention=forward["attention"],
        head_ablation=_by_document(read_shards(folder / "heads", counts["heads"])),
    )


def _by_document(blocks: dict[str, NDArray[Any]]) -> HeadAblation:
    """Sum the blocks of a document."""
    documents, owner = np.unique(blocks["document"], return_inverse=True)

    def total(name: str) -> NDArray[Any]:
        values = blocks[name]
        result = np.zeros((documents.size, *values.shape[1:]), dtype=values.dtype)
        np.add.at(result, owner, values)
        return result

    return HeadAblation(
        documents=documents,
        n_positions=total("n_positions"),
        base=total("base"),
        single=total("single"),
        layer=total("layer"),
    )


def _ceil(count: int, size: int) -> int:
    return -(-count // size)


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
