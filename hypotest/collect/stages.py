"""The stages of a split's collection; what each leaves in the cache is not made again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.ablation import NeuronAblation
from hypotest.collect.decomposition import decompose
from hypotest.collect.engine import IDENTITY
from hypotest.collect.evidence_folder import FINISHED
from hypotest.collect.forward import forward_arrays
from hypotest.collect.head_stage import head_shards
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.store import collect_shards, make_shards, read_shards, write_shard
from hypotest.engine.session import Session
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.records.protocol.choices import AblationKind
from hypotest.records.stored.files import write_whole
from hypotest.subjects.language_model import LanguageModel

BLOCKS_PER_SHARD = 64
"""Of text that a shard of forward passes covers."""
POSITIONS_PER_SHARD = 1024
_INTERVENTION_BLOCKS_PER_SHARD = 4
DECOMPOSED_POSITIONS = 512


def _collect_weights(subject: LanguageModel, folder: Path) -> None:
    """The tested MLP's weights, and which heads reach it."""
    if (folder / "weights").exists():
        return
    heads = [(layer, head) for layer in subject.reaching_layers for head in range(subject.n_heads)]
    write_shard(
        folder / "weights",
        {
            "output": subject.output_vectors.cpu().numpy(),
            "input": subject.input_vectors.cpu().numpy(),
            "heads": np.array(heads, dtype=np.int32).reshape(-1, 2),
        },
    )


def collect_forward(
    subject: LanguageModel, sample: Sample, folder: Path, session: Session, *, attention: bool
) -> dict[str, NDArray[Any]]:
    """Activations, final residual and, if asked for, attention at a sample's positions."""
    used, index = np.unique(sample.blocks), sample.indices
    owner = np.searchsorted(used, sample.blocks)

    def compute(number: int) -> dict[str, NDArray[np.float32]]:
        first = number * BLOCKS_PER_SHARD
        blocks = used[first : first + BLOCKS_PER_SHARD]
        here = slice(*np.searchsorted(owner, [first, first + blocks.size]))
        return forward_arrays(
            subject, sample.tokens[blocks], owner[here] - first, index[here], attention=attention
        )

    n_shards = _ceil(used.size, BLOCKS_PER_SHARD)
    step = session.stage(f"activations and attention, {sample.split} split", n_shards)
    return collect_shards(folder / "forward", n_shards, compute, step)


def begin_selection(
    subject: LanguageModel,
    sample: Sample,
    ablation: AblationMethod,
    folder: Path,
    session: Session,
    *,
    attention: bool,
) -> tuple[dict[str, NDArray[Any]], Replacement]:
    """Weights, activations and their means of the selection split.

    Arguments as in `collect_forward`, and how neurons are ablated.

    Returns:
        What `collect_forward` returns, and what neurons are set to in both splits.
    """
    _collect_weights(subject, folder)
    forward = collect_forward(subject, sample, folder, session, attention=attention)
    if not (folder / "mean").exists():
        mean = forward["activations"].mean(axis=0, dtype=np.float64).astype(np.float32)
        write_shard(folder / "mean", {"mean_activation": mean})
    return forward, Replacement.of(
        cast(AblationKind, ablation.replacement),
        forward["activations"],
        sample.blocks,
        sample.indices,
        ablation.seed,
    )


def ablation_parts(sample: Sample, engine: str) -> dict[str, NDArray[np.bool_]]:
    """Rows of a sample that are ablated apart, under the name of their folder.

    By the identity those of each condition, so that one condition gives the same numbers as both do; forward
    passes go through whole blocks, which hold both.
    """
    if engine == IDENTITY:
        return {"first": sample.first, "second": sample.second}
    return {"both": np.ones(sample.positions.height, dtype=bool)}


def ablate(
    subject: LanguageModel,
    engine: NeuronAblation | None,
    sample: Sample,
    forward: Mapping[str, NDArray[Any]],
    replacement: Replacement,
    folder: Path,
    session: Session,
    *,
    parts: Mapping[str, NDArray[np.bool_]],
    neurons: NDArray[np.int64] | None = None,
) -> None:
    """Ablate neurons one at a time, by the identity if there is an engine, else by forward passes.

    Args:
        subject: The network.
        engine: Of the identity.
        sample: The positions.
        forward: From `collect_forward`.
        replacement: What neurons are set to.
        folder: Of the split.
        session: Memory and progress.
        parts: From `ablation_parts`, all or some of them.
        neurons: Which ones, ascending; all by default.
    """
    if neurons is not None and not (folder / "neurons").exists():
        write_shard(folder / "neurons", {"neurons": neurons})
    samples = {name: sample.where(rows) for name, rows in parts.items()}
    shards = {name: ablation_shards(part, engine is not None) for name, part in samples.items()}
    steps = shards if engine else {name: np.unique(part.blocks).size for name, part in samples.items()}
    step = session.stage(f"ablation of every neuron, {sample.split} split", sum(steps.values()))
    for name, part in samples.items():
        if engine is not None:
            seen = {key: forward[key][parts[name]] for key in ("residual", "activations")}
            compute = _by_identity(engine, part, seen, replacement, neurons)
            make_shards(folder / "ablation" / name, shards[name], compute, step)
        else:
            compute = _by_interventions(subject, part, replacement, session.memory, neurons, step)
            make_shards(folder / "ablation" / name, shards[name], compute)


def _by_identity(
    engine: NeuronAblation,
    sample: Sample,
    forward: Mapping[str, NDArray[Any]],
    replacement: Replacement,
    neurons: NDArray[np.int64] | None,
) -> Callable[[int], dict[str, NDArray[Any]]]:
    block, index, target = sample.blocks, sample.indices, sample.targets
    chosen = slice(None) if neurons is None else neurons

    def compute(number: int) -> dict[str, NDArray[Any]]:
        rows = slice(number * POSITIONS_PER_SHARD, (number + 1) * POSITIONS_PER_SHARD)
        return engine(
            forward["residual"][rows],
            forward["activations"][rows][:, chosen],
            replacement.at(block[rows], index[rows], sample.tokens.shape[1])[..., chosen],
            target[rows],
        )

    return compute


def _by_interventions(
    subject: LanguageModel,
    sample: Sample,
    replacement: Replacement,
    memory: float,
    neurons: NDArray[np.int64] | None,
    on_block: Callable[[], None],
) -> Callable[[int], dict[str, NDArray[Any]]]:
    used, index = np.unique(sample.blocks), sample.indices
    owner = np.searchsorted(used, sample.blocks)

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
            neurons,
            on_block,
        )

    return compute


def collect_decomposition(
    engine: NeuronAblation,
    sample: Sample,
    forward: Mapping[str, NDArray[Any]],
    replacement: Replacement,
    folder: Path,
    session: Session,
) -> None:
    """What the effects on some targets of the first condition are made of, after `ablate`."""
    step = session.stage("entropy and norm scale of every neuron", 1)
    if not (folder / "decomposition").exists():
        own = np.flatnonzero(sample.first)
        places = np.linspace(0, own.size - 1, min(DECOMPOSED_POSITIONS, own.size)).astype(np.int64)
        rows = own[places]
        n_shards = ablation_shards(sample.where(sample.first), identity=True)
        changes = read_shards(folder / "ablation" / "first", n_shards)["delta_loss"][places]
        parts = decompose(
            engine,
            forward["residual"][rows],
            forward["activations"][rows],
            replacement.at(sample.blocks[rows], sample.indices[rows], sample.tokens.shape[1]),
            sample.targets[rows],
        )
        means = {
            name: values.mean(axis=0, dtype=np.float64).astype(np.float32)
            for name, values in {"total": changes, **parts}.items()
        }
        write_shard(folder / "decomposition", {"n_positions": np.array([rows.size]), **means})
    step()


def ablation_shards(sample: Sample, identity: bool) -> int:
    """How many shards the ablation of a sample has."""
    if identity:
        return _ceil(sample.positions.height, POSITIONS_PER_SHARD)
    return _ceil(np.unique(sample.blocks).size, _INTERVENTION_BLOCKS_PER_SHARD)


def describe(
    subject: LanguageModel,
    sample: Sample,
    ablation: AblationMethod,
    folder: Path,
    *,
    forward: bool = True,
    parts: Mapping[str, NDArray[np.bool_]],
    heads: bool = True,
) -> None:
    """Leave the positions, the numbers of shards and how neurons were ablated beside the arrays.

    Args:
        subject: The network.
        sample: The positions.
        ablation: How neurons were ablated.
        folder: Of the split.
        forward: Whether `collect_forward` was run.
        parts: What `ablate` was run with.
        heads: Whether `collect_heads` was run.
    """
    if (folder / FINISHED).exists():
        return
    columns = {name: sample.positions[name].to_numpy() for name in ("document", "block", "index", "target")}
    columns["first"] = sample.first
    write_shard(folder / "positions", columns)
    identity = ablation.engine == IDENTITY
    counts = {
        "split": sample.split,
        "conditions": list(sample.conditions),
        "forward": _ceil(np.unique(sample.blocks).size, BLOCKS_PER_SHARD) if forward else 0,
        "ablation": {name: ablation_shards(sample.where(rows), identity) for name, rows in parts.items()},
        "how": asdict(ablation),
        "heads": head_shards(sample) if heads else 0,
        "shape": {
            "neurons": subject.n_neurons,
            "heads": len(subject.reaching_layers) * subject.n_heads,
            "layers": len(subject.reaching_layers),
            "context": sample.tokens.shape[1],
            "windows": np.repeat(
                [window or sample.tokens.shape[1] for window in subject.attention_windows], subject.n_heads
            ).tolist(),
        },
    }
    write_whole(folder / FINISHED, json.dumps(counts))


def _ceil(count: int, size: int) -> int:
    return -(-count // size)
