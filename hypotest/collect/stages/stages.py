"""The stages of a split's collection; what each leaves in the cache is not made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.engine import IDENTITY
from hypotest.collect.evidence_folder import FINISHED
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.decomposition import decompose
from hypotest.collect.network.collection import write_declared
from hypotest.collect.partition import write_partition
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.stages.ablation import ablation_shards
from hypotest.collect.stages.forward import collect_forward, forward_shards
from hypotest.collect.stages.heads import head_shards
from hypotest.collect.store import read_shards, write_shard
from hypotest.engine.session import Session
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.records.evidence.rows import extra_columns
from hypotest.records.protocol.choices import AblationKind
from hypotest.records.stored.files import write_whole
from hypotest.subjects.kinds import Subject, words_of
from hypotest.subjects.network.row_subject import RowSubject

DECOMPOSED_POSITIONS = 512


def _collect_weights(subject: Subject, folder: Path) -> None:
    """Weights of the tested units, if they have some, and the heads that reach them; or what is declared."""
    if isinstance(subject, RowSubject):
        write_declared(subject, folder)
        return
    if (folder / "weights").exists():
        return
    heads = [(layer, head) for layer in subject.reaching_layers for head in range(subject.n_heads)]
    known = {"heads": np.array(heads, dtype=np.int32).reshape(-1, 2)}
    if Channel.WEIGHTS in subject.channels:
        known["output"] = subject.output_vectors.cpu().numpy()
        known["input"] = subject.kind.input_vectors(subject).cpu().numpy()
    write_shard(folder / "weights", known)
    write_partition(subject.kind.partition(subject), folder)


def begin_selection(
    subject: Subject,
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
        forward.get("coordinates", forward["activations"]),
        sample.blocks,
        sample.indices,
        ablation.seed,
    )


def decomposition_stage(subject: Subject) -> str:
    """What the stage is called."""
    return f"entropy and norm scale of every {words_of(subject).one}"


def collect_decomposition(
    subject: Subject,
    engine: NeuronAblation,
    sample: Sample,
    forward: Mapping[str, NDArray[Any]],
    replacement: Replacement,
    folder: Path,
    session: Session,
) -> None:
    """What the effects on some targets of the first condition are made of, after `ablate`."""
    step = session.stage(decomposition_stage(subject), 1)
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


def describe(
    subject: Subject,
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
    named = ("document", "block", "index", "target", *extra_columns(sample.positions))
    columns = {name: sample.positions[name].to_numpy() for name in named}
    columns["first"] = sample.first
    write_shard(folder / "positions", columns)
    identity = ablation.engine == IDENTITY
    counts = {
        "split": sample.split,
        "conditions": list(sample.conditions),
        "forward": forward_shards(sample, subject) if forward else 0,
        "ablation": {
            name: ablation_shards(sample.where(rows), identity, subject) for name, rows in parts.items()
        },
        "how": asdict(ablation),
        "heads": head_shards(sample) if heads and Channel.HEADS in subject.channels else 0,
        "shape": _shape(subject, sample.tokens.shape[1]),
    }
    write_whole(folder / FINISHED, json.dumps(counts))


def _shape(subject: Subject, context: int) -> dict[str, Any]:
    if isinstance(subject, RowSubject):
        return {"neurons": subject.n_neurons, "heads": 0, "layers": 0, "context": context, "windows": []}
    return {
        "neurons": subject.n_neurons,
        "heads": len(subject.reaching_layers) * subject.n_heads,
        "layers": len(subject.reaching_layers),
        "context": context,
        "windows": np.repeat(
            [window or context for window in subject.attention_windows], subject.n_heads
        ).tolist(),
    }
