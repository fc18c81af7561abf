"""The stage that ablates neurons, one at a time: by the identity where it holds, else by forward passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.engine import IDENTITY, Identity
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.last_block.logit_difference import LogitDifferenceAblation
from hypotest.collect.network.collection import ablate_rows
from hypotest.collect.network.collection import n_shards as network_shards
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.scoring import Scoring
from hypotest.collect.stages.forward import collect_scored
from hypotest.collect.store import make_shards, write_shard
from hypotest.engine.session import Session
from hypotest.records.evidence.channels import Channel
from hypotest.subjects.kinds import Subject, words_of
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.recorded.evidence import RecordedEvidence

POSITIONS_PER_SHARD = 1024
_INTERVENTION_BLOCKS_PER_SHARD = 4


def ablation_parts(
    sample: Sample, engine: str, subject: Subject | None = None
) -> dict[str, NDArray[np.bool_]]:
    """Rows of a sample that are ablated apart, under the name of their folder.

    By the identity those of each condition, so that one condition gives the same numbers as both do; forward
    passes go through whole blocks, which hold both. None of evidence from elsewhere that has no influence.
    """
    if isinstance(subject, RecordedEvidence) and Channel.INFLUENCE not in subject.channels:
        return {}
    if engine == IDENTITY:
        return {"first": sample.first, "second": sample.second}
    return {"both": np.ones(sample.positions.height, dtype=bool)}


def ablation_stage(subject: Subject) -> str:
    """What the stage is called, beside its split."""
    return f"ablation of every {words_of(subject).one}"


def ablate(
    subject: Subject,
    engine: Identity | None,
    sample: Sample,
    forward: Mapping[str, NDArray[Any]],
    replacement: Replacement,
    folder: Path,
    session: Session,
    *,
    outcome: str,
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
        outcome: What the changes are of.
        parts: From `ablation_parts`, all or some of them.
        neurons: Which ones, ascending; all by default.
    """
    if neurons is not None and not (folder / "neurons").exists():
        write_shard(folder / "neurons", {"neurons": neurons})
    stage = f"{ablation_stage(subject)}, {sample.split} split"
    if isinstance(subject, RowSubject):
        if not parts:
            return
        place = folder / "ablation" / "both"
        started = partial(session.stage, stage)
        ablate_rows(subject, sample, replacement, place, session, started, neurons)
        return
    samples = {name: sample.where(rows) for name, rows in parts.items()}
    shards = {name: ablation_shards(part, engine is not None) for name, part in samples.items()}
    steps = shards if engine else {name: np.unique(part.blocks).size for name, part in samples.items()}
    step = session.stage(stage, sum(steps.values()))
    scoring = Scoring.of(sample.positions, outcome)
    if engine is not None and scoring.length is not None:
        forward = collect_scored(subject, sample, scoring, folder, session)
    places = scoring.places(sample.positions.height)
    for name, part in samples.items():
        own = scoring.part(parts[name])
        if engine is not None:
            seen = {key: forward[key][parts[name][places]] for key in ("residual", "activations")}
            compute = _by_identity(engine, part, own, seen, replacement, neurons)
            make_shards(folder / "ablation" / name, shards[name], compute, step, session.share)
        else:
            compute = _by_interventions(subject, part, own, replacement, session.memory, neurons, step)
            make_shards(folder / "ablation" / name, shards[name], compute, share=session.share)


def _by_identity(
    engine: Identity,
    sample: Sample,
    scoring: Scoring,
    forward: Mapping[str, NDArray[Any]],
    replacement: Replacement,
    neurons: NDArray[np.int64] | None,
) -> Callable[[int], dict[str, NDArray[Any]]]:
    block, index = sample.blocks, sample.indices
    n_rows, chosen = index.size, slice(None) if neurons is None else neurons
    places, queries = scoring.places(n_rows), scoring.queries(index)
    target = sample.tokens[block[places], queries + 1].astype(np.int64)

    def compute(number: int) -> dict[str, NDArray[Any]]:
        rows = slice(number * POSITIONS_PER_SHARD, (number + 1) * POSITIONS_PER_SHARD)
        here = slice(*np.searchsorted(places, [rows.start, rows.stop]))
        inputs = (
            forward["residual"][here],
            forward["activations"][here][:, chosen],
            replacement.at(block[places[here]], queries[here], sample.tokens.shape[1])[..., chosen],
            target[here],
        )
        own = scoring.part(rows)
        if isinstance(engine, LogitDifferenceAblation):
            assert own.foil is not None  # the outcome for which this engine is chosen
            return engine(*inputs, own.foil)
        arrays = engine(*inputs)
        return {
            name: own.summed(values, min(rows.stop, n_rows) - rows.start) for name, values in arrays.items()
        }

    return compute


def _by_interventions(
    subject: LanguageModel,
    sample: Sample,
    scoring: Scoring,
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
            scoring.part(here),
        )

    return compute


def ablation_shards(sample: Sample, identity: bool, subject: Subject | None = None) -> int:
    """How many shards the ablation of a sample has."""
    if isinstance(subject, RowSubject):
        return network_shards(sample)
    if identity:
        return -(-sample.positions.height // POSITIONS_PER_SHARD)
    return -(-np.unique(sample.blocks).size // _INTERVENTION_BLOCKS_PER_SHARD)
