"""Lesions of whole groups, through the cache: for the groups that an analysis asks for, and no others."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.scoring import Scoring
from hypotest.collect.self_check import FORWARD_ROUNDING, columns_in, intervene
from hypotest.collect.stages.forward import collect_forward
from hypotest.collect.store import (
    evidence_key,
    make_shards,
    read_checksums,
    read_shard,
    read_shards,
    write_shard,
)
from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.errors import EvidenceError, SelfCheckError
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.stored.files import write_whole
from hypotest.subjects.kinds import Subject, words_of

VERSION = 1
"""Raised when what is stored changes."""
GROUPS_PER_SHARD = 8
CHECKED = 4
"""(group, block) pairs that are lesioned by a real intervention as well."""
_FINISHED = "lesions.json"
_NEITHER = "neither"


@dataclass(frozen=True, slots=True, eq=False)
class AskedLesions:
    """The groups whose lesions an analysis reads."""

    groups: tuple[NDArray[np.int64], ...]
    """Numbers in the layer, ascending."""
    random: NDArray[np.bool_]
    """Which were drawn at random, shape (n_groups,)."""


def lesions_key(splits: Mapping[str, SplitEvidence], neither: Sample, asked: AskedLesions, after: str) -> str:
    """Name of lesions in the cache.

    Args:
        splits: Name -> evidence of its rows.
        neither: Rows of neither condition; may have none.
        asked: The groups.
        after: Name of the evidence that ablated units are set by, and with it subject and way of ablation.
    """

    def digest(*arrays: NDArray[np.generic]) -> str:
        sha256 = hashlib.sha256()
        for array in arrays:
            sha256.update(np.ascontiguousarray(array).tobytes())
        return sha256.hexdigest()

    return evidence_key(
        {
            "version": VERSION,
            "after": after,
            "rows": {name: digest(split.blocks, split.indices) for name, split in splits.items()},
            "neither": digest(neither.blocks, neither.indices),
            "groups": [digest(group) for group in asked.groups],
            "random": asked.random.tolist(),
        }
    )


def collect_lesions(
    subject: Subject,
    tokens: NDArray[np.int32],
    splits: Mapping[str, SplitEvidence],
    neither: Sample,
    replacement: Replacement,
    asked: AskedLesions,
    key: str,
    session: Session,
    outcome: str = "loss",
) -> None:
    """Lesion groups at the rows of some splits, and at rows of neither condition, where the cache does not.

    Args:
        subject: The network.
        tokens: All blocks of the text, shape (n_blocks, context).
        splits: Name -> evidence of its rows, of every neuron.
        neither: Rows of neither condition; may have none.
        replacement: What ablated neurons are set to.
        asked: The groups.
        key: From `lesions_key`.
        session: Cache, memory and progress.
        outcome: What the changes are of.

    Raises:
        EvidenceError: If a change is not finite, or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    folder = session.evidence / key
    n_shards = -(-len(asked.groups) // GROUPS_PER_SHARD)
    step = session.stage("groups lesioned at once", n_shards)
    if has_lesions(session.evidence, key):
        return
    rows = dict(splits)
    if neither.positions.height:
        seen = collect_forward(subject, neither, folder, session.telling(silent), attention=False)
        known = {Channel(name): array for name, array in seen.items()}
        rows[_NEITHER] = SplitEvidence(neither.positions, known)

    def compute(number: int) -> dict[str, NDArray[np.float32]]:
        groups = asked.groups[number * GROUPS_PER_SHARD : (number + 1) * GROUPS_PER_SHARD]
        arrays = {}
        for name, split in rows.items():
            every = np.arange(split.positions.height)
            change = ablate_groups(
                subject,
                tokens,
                split,
                every,
                replacement,
                groups,
                session.memory,
                outcome=outcome,
            )
            if not np.isfinite(change).all():
                raise EvidenceError(f"lesions: a change of loss at rows of {name} is not finite")
            arrays[name] = np.ascontiguousarray(change.T)
        return arrays

    make_shards(folder / "lesions", n_shards, compute, step, session.share)
    write_shard(
        folder / "asked",
        {
            "members": np.concatenate(asked.groups),
            "sizes": np.array([len(group) for group in asked.groups]),
            "random": asked.random,
            "documents": np.asarray(neither.documents),
            "targets": np.asarray(neither.targets),
        },
    )
    write_whole(folder / _FINISHED, json.dumps({"shards": n_shards, "splits": list(splits)}))
    gc.collect()  # nnsight leaves cycles that hold the locals of every function up to here


def has_lesions(cache: Path, key: str) -> bool:
    """Whether the cache holds all lesions of this name."""
    return (cache / key / _FINISHED).exists()


def read_lesions(cache: Path, key: str) -> dict[str, Lesions]:
    """Lesions by split, rows of neither condition with the last one.

    Raises:
        EvidenceError: If they are missing or damaged.
    """
    folder, finished = cache / key, _finished(cache, key)
    asked = read_shard(folder / "asked")
    changes = read_shards(folder / "lesions", finished["shards"])
    groups = tuple(np.split(asked["members"].astype(np.int64), np.cumsum(asked["sizes"])[:-1]))
    n_groups, splits = len(groups), finished["splits"]
    last, lesions = splits[-1], {}
    for name in splits:
        mine = name == last and _NEITHER in changes
        lesions[name] = Lesions(
            groups=groups,
            random=asked["random"].astype(bool),
            change=changes[name].T,
            neither=changes[_NEITHER].T if mine else np.empty((0, n_groups), dtype=np.float32),
            documents=asked["documents"] if mine else np.empty(0, dtype=np.int64),
            targets=asked["targets"] if mine else np.empty(0, dtype=np.int64),
        )
    return lesions


def lesions_digest(cache: Path, key: str) -> str:
    """SHA-256 of the checksums of all arrays; they are not read.

    Raises:
        EvidenceError: If something is missing or damaged.
    """
    folder, finished = cache / key, _finished(cache, key)
    shards = ["asked", *(f"lesions/{number:05d}" for number in range(finished["shards"]))]
    try:
        sums = {shard: dict(sorted(read_checksums(folder / shard).items())) for shard in shards}
    except (AttributeError, TypeError, ValueError) as error:
        raise EvidenceError(f"the cached lesions {folder} are damaged: {error!r}") from None
    text = json.dumps({"finished": finished, "shards": sums}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_lesions(
    subject: Subject,
    tokens: NDArray[np.int32],
    split: SplitEvidence,
    lesions: Lesions,
    replacement: Replacement,
    tolerance: float,
    rng: np.random.Generator,
    outcome: str = "loss",
) -> float:
    """Lesion some groups in some blocks by nnsight, in the whole model, and compare.

    Args:
        subject: The network.
        tokens: All blocks of the text, shape (n_blocks, context).
        split: Whose rows.
        lesions: Of these rows.
        replacement: What ablated neurons are set to.
        tolerance: Nats, beside what two forward passes differ by.
        rng: Which groups and blocks; the first group is one of them.
        outcome: What the changes are of.

    Returns:
        The largest difference, in nats.

    Raises:
        SelfCheckError: If it exceeds the tolerance.
    """
    allowed, largest = tolerance + FORWARD_ROUNDING, 0.0
    for pair in range(CHECKED):
        column = 0 if pair == 0 else int(rng.integers(len(lesions.groups)))
        group, row = lesions.groups[column], int(rng.choice(np.unique(split.blocks)))
        here = np.flatnonzero(split.blocks == row)
        values = replacement.within(row, subject.length_of(tokens.shape[1]))[:, columns_in(subject, group)]
        scoring = Scoring.of(split.positions, outcome).part(here)
        measured, _ = intervene(subject, tokens[row], split.indices[here], group, values, scoring)
        difference = float(np.abs(measured - lesions.change[here, column]).max())
        largest = max(largest, difference)
        if not difference <= allowed:
            raise SelfCheckError(
                f"the lesion of {len(group)} {words_of(subject).many} at once differs by {difference:.6f} "
                f"nats from an intervention in the whole model (block {row}; at most {allowed:g} are "
                "allowed); family "
                f"{subject.tested_words}. No result can be trusted; please report "
                "this with the model's name"
            )
    return largest


def _finished(cache: Path, key: str) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((cache / key / _FINISHED).read_text(encoding="utf-8"))
        return record
    except (OSError, ValueError):
        raise EvidenceError(
            f"no finished lesions in {cache / key}; run the protocol again to collect them (HYPOTEST_CACHE "
            "names the folder they are looked for in)"
        ) from None
