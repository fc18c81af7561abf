"""Evidence as it lies in the cache, read back without a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.collect.partition import read_partition
from hypotest.collect.store import read_checksums, read_shard, read_shards
from hypotest.errors import EvidenceError
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import (
    AblationMethod,
    Decomposition,
    Evidence,
    SelectionEvidence,
    Weights,
)
from hypotest.records.evidence.heads import Head, HeadAblation
from hypotest.records.evidence.rows import EXTRA, condition_type
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.conditions import Conditions

FINISHED = "shards.json"
"""Written last: a split that has it is complete."""


@dataclass(frozen=True, slots=True)
class EvidenceKeys:
    """Names of the two splits' evidence in the cache."""

    selection: str
    evaluation: str


def is_collected(cache: Path, *keys: str) -> bool:
    """Whether the cache holds all evidence of these names."""
    return all((cache / key / FINISHED).exists() for key in keys)


def evidence_digest(cache: Path, key: str) -> str:
    """SHA-256 of a split's evidence: of the checksums of all of its arrays, and of what lies beside them.

    The arrays themselves are not read; `read_evidence` checks each against its checksum.

    Args:
        cache: Folder of the evidence cache.
        key: Name of the split's evidence.

    Raises:
        EvidenceError: If it is missing or damaged.
    """
    folder = cache / key
    finished = _finished(folder)
    try:
        shards = {
            shard: dict(sorted(read_checksums(folder / shard).items())) for shard in _shards(folder, finished)
        }
        text = json.dumps({"finished": finished, "shards": shards}, sort_keys=True)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"the cached evidence {folder} is damaged: {error!r}") from None
    return hashlib.sha256(text.encode()).hexdigest()


def evidence_digests(cache: Path, keys: EvidenceKeys) -> dict[str, str]:
    """The digest of each split, for the manifest.

    Raises:
        EvidenceError: If evidence is missing or damaged.
    """
    return {
        "selection": evidence_digest(cache, keys.selection),
        "evaluation": evidence_digest(cache, keys.evaluation),
    }


def _shards(folder: Path, finished: dict[str, Any]) -> Iterator[str]:
    """Every shard that belongs to a finished split, and none that a killed run has left."""
    yield "positions"
    shards = ("weights", "partition", "mean", "neurons", "decomposition")
    yield from (name for name in shards if (folder / name).exists())
    collections = {name: finished[name] for name in ("forward", "heads")}
    collections |= {f"ablation/{part}": count for part, count in finished["ablation"].items()}
    for name, count in collections.items():
        yield from (f"{name}/{number:05d}" for number in range(count))


def read_evidence(cache: Path, keys: EvidenceKeys) -> Evidence:
    """Read evidence that was collected before; needs no model.

    Raises:
        EvidenceError: If it is missing or damaged.
    """
    selection = read_selection(cache, keys.selection)
    return Evidence(
        selection=selection.split,
        evaluation=_load_split(cache / keys.evaluation),
        weights=selection.weights,
        heads=selection.heads,
        mean_activation=selection.mean_activation,
        ablation=AblationMethod(**_finished(cache / keys.evaluation)["how"]),
        decomposition=_load_decomposition(cache / keys.evaluation / "decomposition"),
        partition=selection.partition,
    )


def read_selection(cache: Path, key: str) -> SelectionEvidence:
    """Read the selection split's evidence alone; needs no model and no evaluation split.

    Raises:
        EvidenceError: If it is missing or damaged.
    """
    folder = cache / key
    split = _load_split(folder)
    weights = read_shard(folder / "weights")
    return SelectionEvidence(
        split=split,
        weights=Weights(output=weights["output"], input=weights["input"]) if "output" in weights else None,
        heads=tuple(Head(int(layer), int(head)) for layer, head in weights["heads"]),
        mean_activation=read_shard(folder / "mean")["mean_activation"],
        ablation=AblationMethod(**_finished(folder)["how"]),
        partition=read_partition(folder),
    )


def _load_decomposition(folder: Path) -> Decomposition | None:
    if not folder.exists():
        return None
    arrays = read_shard(folder)
    return Decomposition(n_positions=int(arrays.pop("n_positions")[0]), **arrays)


def _finished(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise EvidenceError(
            f"no finished evidence in {folder}; run the protocol again to collect it (HYPOTEST_CACHE names "
            "the folder it is looked for in)"
        ) from None
    return record


def _load_split(folder: Path) -> SplitEvidence:
    counts = _finished(folder)
    try:
        return _read_split(folder, counts)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"the cached evidence {folder} is damaged: {error!r}") from None


def _read_split(folder: Path, counts: dict[str, Any]) -> SplitEvidence:
    names = Conditions(*counts["conditions"])
    columns = read_shard(folder / "positions")
    positions = pl.DataFrame(
        {name: columns[name] for name in ("document", "block", "index", "target", *EXTRA) if name in columns}
    ).with_columns(
        pl.Series("condition", np.where(columns["first"], *names), dtype=condition_type(names)),
        pl.lit(counts["split"]).alias("split"),
    )
    shape = counts["shape"]
    forward = read_shards(folder / "forward", counts["forward"]) if counts["forward"] else {}
    changes = _load_changes(folder, counts, columns["first"], shape["neurons"]) if counts["ablation"] else {}
    return SplitEvidence(
        positions=positions,
        channels={Channel(name): array for name, array in {**forward, **changes}.items()},
        heads=_load_heads(read_shards(folder / "heads", counts["heads"])) if counts["heads"] else None,
        windows=np.asarray(shape["windows"], dtype=np.int64),
    )


def _load_changes(
    folder: Path, counts: dict[str, Any], first: NDArray[np.bool_], n_neurons: int
) -> dict[str, NDArray[Any]]:
    """What ablation gave: each part in its rows and, where some neurons were ablated only, their columns."""
    n_positions = first.size
    chosen = read_shard(folder / "neurons")["neurons"] if (folder / "neurons").exists() else None
    changes: dict[str, NDArray[Any]] = {
        "influence": np.full((n_positions, n_neurons), np.nan, dtype=np.float32),
        "error_bound": np.full((n_positions, n_neurons), np.nan, dtype=np.float16),
        "loss": np.full(n_positions, np.nan, dtype=np.float32),
        "n_exact": np.zeros(n_positions, dtype=np.int32),
    }
    rows_of = {"first": first, "second": ~first, "both": np.ones_like(first)}
    for part, count in counts["ablation"].items():
        rows, start = np.flatnonzero(rows_of[part]), 0
        for number in range(count):
            shard = read_shard(folder / "ablation" / part / f"{number:05d}")
            here = rows[start : start + len(shard["loss"])]
            start += here.size
            place = here if chosen is None else np.ix_(here, chosen)
            changes["influence"][place] = shard["delta_loss"]
            changes["error_bound"][place] = shard["error_bound"]
            for name in ("loss", "n_exact"):
                changes[name][here] = shard[name]
    return changes


def _load_heads(arrays: dict[str, NDArray[Any]]) -> HeadAblation:
    documents, targets = (arrays.pop(name) for name in ("document", "target"))
    return HeadAblation(documents=documents, targets=targets, **arrays)
