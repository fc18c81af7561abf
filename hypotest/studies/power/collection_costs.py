"""How long collecting will take on this machine: some of it is timed here and now, and extrapolated."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic

import numpy as np
import polars as pl

from hypotest.collect.engine import IDENTITY
from hypotest.collect.evidence import collect_selection
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.decomposition import decompose
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.scoring import Scoring
from hypotest.collect.self_check import check_ablation
from hypotest.collect.stages.ablation import POSITIONS_PER_SHARD, ablation_stage
from hypotest.collect.stages.stages import DECOMPOSED_POSITIONS, decomposition_stage
from hypotest.collect.store import read_shard, write_shard
from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.errors import CorpusError, EvidenceError
from hypotest.groups.nulls import random_groups
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared, with_nulls
from hypotest.pipeline.analysis.ablation_effects import POSITIONS
from hypotest.pipeline.analysis.lesioned import RANDOM_GROUPS
from hypotest.pipeline.collection import SELF_CHECK_PAIRS
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.registered.manifest import Stopwatch
from hypotest.pipeline.untrained import collect_untrained, trained
from hypotest.records.evidence.evidence import SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.power.record import StageCost

_FIRST_BLOCKS = 4  # warm up, and tell how many more can be afforded
_MOST_BLOCKS = 64
_NETWORK_BLOCKS = (16, 16, 64)
_SECONDS = 12.0  # to spend on timing collection, about
_HEAD_SHARE = 8  # one block in so many has its heads ablated
_PAIRS = 4
_ROWS = 64
_SHARD_SECONDS = 5.0


def time_collection(
    prepared: Prepared,
    selection: SelectionEvidence,
    group_size: int,
    session: Session,
) -> tuple[StageCost, ...]:
    """Collect a few blocks of the selection split anew, and extrapolate to both splits.

    They go into a temporary folder on the cache's own disk, so that writing and checking count.

    Args:
        prepared: Subject, text and positions.
        selection: Its evidence.
        group_size: Neurons of the tested group.
        session: Cache, memory, random streams and progress.
    """
    step = session.stage("timing of a few blocks", 3)
    sample = prepared.samples["selection"]
    session.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".timing-", dir=session.cache) as folder:
        started = monotonic()
        _collect_blocks(prepared, _few_blocks(sample, _FIRST_BLOCKS), session, Path(folder) / "first")
        spent = monotonic() - started
        step()
        few = _few_blocks(sample, int(np.clip(_FIRST_BLOCKS * _SECONDS / spent, _FIRST_BLOCKS, _MOST_BLOCKS)))
        seconds = _collect_blocks(prepared, few, session, Path(folder) / "second")
        by_shard = _time_shard(prepared, selection, session.memory, Path(folder))
        step()
    costs = []
    for split, cached in (("selection", True), ("evaluation", False)):
        for stage, count, unit in (
            ("activations and attention", _n_blocks, "blocks"),
            ("activations", _n_blocks, "rows"),
            (ablation_stage(prepared.subject), _n_positions, "positions"),
            ("ablation of attention heads", _n_head_blocks, "blocks"),
        ):
            if f"{stage}, selection split" not in seconds:
                continue  # of another kind of subject
            timed, needed = count(few), count(prepared.samples[split])
            spent = seconds[f"{stage}, selection split"]
            if count is _n_positions and by_shard is not None:
                timed, spent = by_shard
            costs.append(
                StageCost(
                    stage=f"{stage}, {split} split",
                    seconds=spent * needed / timed,
                    cached=cached,
                    basis=f"{timed:,} of {needed:,} {unit}",
                )
            )
    costs += _time_extras(prepared, selection, group_size, session)
    step()
    return tuple(costs)


def time_network(plan: Protocol, prepared: Prepared, session: Session) -> tuple[float, str] | None:
    """Seconds that the evidence of one untrained network takes, from a few blocks of the selection split.

    These stand for both splits; nothing of the evaluation split is run. What a network takes whatever its
    blocks, its weights drawn and hashed, is told apart from what each block takes by two numbers of them.

    Returns:
        Seconds, and what was timed; None where the plan asks for none, or the blocks hold too little for a
        group to be selected.
    """
    asked = next(declared(plan, Form.NETWORKS), None)
    if asked is None:
        return None
    one = with_nulls(plan, {asked.name: asked.null.fewer(asked.options, 1)})
    needed = sum(_n_blocks(sample) for sample in prepared.samples.values())
    step = session.stage("timing of an untrained network", len(_NETWORK_BLOCKS))
    timed: list[tuple[int, float]] = []
    for number in _NETWORK_BLOCKS:
        few = _few_blocks(prepared.samples["selection"], number)
        as_evaluation = replace(few, positions=few.positions.with_columns(split=pl.lit("evaluation")))
        small = replace(prepared, samples={"selection": few, "evaluation": as_evaluation})
        with tempfile.TemporaryDirectory(prefix=".timing-", dir=session.cache) as folder:
            quiet = replace(session.telling(silent), anew=Path(folder))
            started = monotonic()
            try:
                collect_untrained(one, small, quiet, lambda evidence: None)
            except (EvidenceError, CorpusError):
                return None
            finally:
                step()
            timed.append((2 * _n_blocks(few), monotonic() - started))
    _, (fewer, short), (more, long) = timed  # the first has warmed up
    per_block = max(0.0, (long - short) / max(1, more - fewer))
    seconds = max(0.0, short - per_block * fewer) + per_block * needed
    return seconds, f"one, of which {more:,} of {needed:,} blocks"


def _collect_blocks(
    prepared: Prepared, sample: Sample, session: Session, folder: Path
) -> Mapping[str, float]:
    watch = Stopwatch(silent)
    collect_selection(prepared.subject, sample, "timed", prepared.ablation, folder, session.telling(watch))
    return watch.seconds


def _few_blocks(sample: Sample, n_blocks: int) -> Sample:
    """Some blocks, with heads ablated in every eighth of them."""
    heads = sample.head_blocks[: max(1, n_blocks // _HEAD_SHARE)]
    used = np.unique(sample.blocks)
    others = np.setdiff1d(used, heads)
    places = np.linspace(0, others.size - 1, min(n_blocks - heads.size, others.size)).astype(int)
    chosen = np.union1d(heads, others[places])
    rows = sample.positions.filter(pl.col("block").is_in(chosen.tolist()))
    return Sample(sample.tokens, rows, heads)


def _time_shard(
    prepared: Prepared, selection: SelectionEvidence, memory: float, folder: Path
) -> tuple[int, float] | None:
    """Positions and seconds of one shard of certified ablations, written and read back.

    A few blocks hold too few positions to tell what thousands take; these need no forward pass. None where
    neurons are ablated by forward passes.
    """
    how, split = selection.ablation, selection.split
    if how.engine != IDENTITY:
        return None
    engine = NeuronAblation(prepare_readout(trained(prepared)), how.tolerance, memory)
    replacement = Replacement.behind(how, split)
    block, index, target = split.blocks, split.indices, split.targets
    n_rows, spent = min(_ROWS, target.size), 0.0
    for name in ("few", "many"):
        if name == "many":
            affordable = np.clip(_ROWS * _SHARD_SECONDS / spent, _ROWS, POSITIONS_PER_SHARD)
            n_rows = int(min(affordable, target.size))
        rows = np.linspace(0, target.size - 1, n_rows).astype(np.int64)
        started = monotonic()
        after = replacement.at(block[rows], index[rows], prepared.blocks.tokens.shape[1])
        changes = engine(split.residual[rows], split.activations[rows], after, target[rows])
        write_shard(folder / name, changes)
        read_shard(folder / name)
        spent = monotonic() - started
    return n_rows, spent


def _n_blocks(sample: Sample) -> int:
    return int(np.unique(sample.blocks).size)


def _n_positions(sample: Sample) -> int:
    return sample.positions.height


def _n_head_blocks(sample: Sample) -> int:
    return int(sample.head_blocks.size)


def _time_extras(
    prepared: Prepared, selection: SelectionEvidence, group_size: int, session: Session
) -> list[StageCost]:
    """What a run does besides collecting: the self-check, groups at once, parts of the effects."""
    subject, how, split = prepared.subject, selection.ablation, selection.split
    replacement = Replacement.behind(how, split)
    block, index = split.blocks, split.indices
    costs = []

    started = monotonic()
    check_ablation(
        subject,
        prepared.blocks.tokens,
        block,
        index,
        split.delta_loss,
        replacement,
        how,
        _PAIRS,
        session.streams("self-check of power"),
        scoring=Scoring.of(split.positions, how.outcome),
    )
    costs.append(
        _extra("ablation against the whole model", monotonic() - started, _PAIRS, SELF_CHECK_PAIRS, "pairs")
    )

    evaluation = prepared.samples["evaluation"].positions
    n_first = int((evaluation["condition"] == split.conditions.first).sum())
    first = np.flatnonzero(split.first)
    rows = first[np.linspace(0, first.size - 1, min(_ROWS, first.size)).astype(np.int64)]
    n_neurons = selection.mean_activation.size
    groups = random_groups(n_neurons, group_size, 1 + RANDOM_GROUPS, session.streams("groups timed"))
    started = monotonic()
    ablate_groups(
        subject,
        prepared.blocks.tokens,
        split,
        rows,
        replacement,
        groups,
        session.memory,
        outcome=how.outcome,
    )
    spent = monotonic() - started
    costs.append(_extra("groups ablated at once", spent, rows.size, min(POSITIONS, n_first), "positions"))

    if how.engine == IDENTITY and how.outcome == "loss":
        engine = NeuronAblation(prepare_readout(trained(prepared)), how.tolerance, session.memory)
        started = monotonic()
        decompose(
            engine,
            split.residual[rows],
            split.activations[rows],
            replacement.at(block[rows], index[rows], prepared.blocks.tokens.shape[1]),
            split.targets[rows],
        )
        spent = monotonic() - started
        needed = min(DECOMPOSED_POSITIONS, n_first)
        costs.append(_extra(decomposition_stage(subject), spent, rows.size, needed, "positions"))
    return costs


def _extra(stage: str, spent: float, timed: int, needed: int, unit: str) -> StageCost:
    return StageCost(stage, spent * needed / timed, False, f"{timed:,} of {needed:,} {unit}")
