"""What a run will take on this machine: pieces are timed here and now, and extrapolated to the plan."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic

import numpy as np
import polars as pl
from scipy.optimize import nnls

from hypotest.collect.ablation import NeuronAblation
from hypotest.collect.decomposition import decompose
from hypotest.collect.engine import IDENTITY
from hypotest.collect.evidence import collect_selection
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.self_check import check_ablation
from hypotest.collect.stages import DECOMPOSED_POSITIONS, POSITIONS_PER_SHARD
from hypotest.collect.store import read_shard, write_shard
from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.groups.nulls import random_groups
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import declared
from hypotest.pipeline.ablation_effects import POSITIONS, RANDOM_GROUPS
from hypotest.pipeline.collection import SELF_CHECK_PAIRS
from hypotest.pipeline.manifest import Stopwatch
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.untrained import networks_of
from hypotest.records.evidence import SelectionEvidence
from hypotest.records.protocol import Protocol
from hypotest.records.split import SplitEvidence
from hypotest.studies.power.record import StageCost

_FIRST_BLOCKS = 4  # warm up, and tell how many more can be afforded
_MOST_BLOCKS = 64
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
    session.evidence.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".timing-", dir=session.evidence) as folder:
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
            ("ablation of every neuron", _n_positions, "positions"),
            ("ablation of attention heads", _n_head_blocks, "blocks"),
        ):
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
    engine = NeuronAblation(prepare_readout(prepared.subject), how.tolerance, memory)
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
    ablate_groups(subject, prepared.blocks.tokens, split, rows, replacement, groups, session.memory)
    spent = monotonic() - started
    costs.append(_extra("groups ablated at once", spent, rows.size, min(POSITIONS, n_first), "positions"))

    if how.engine == IDENTITY:
        engine = NeuronAblation(prepare_readout(subject), how.tolerance, session.memory)
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
        costs.append(_extra("entropy and norm scale of every neuron", spent, rows.size, needed, "positions"))
    return costs


def _extra(stage: str, spent: float, timed: int, needed: int, unit: str) -> StageCost:
    return StageCost(stage, spent * needed / timed, False, f"{timed:,} of {needed:,} {unit}")


def extrapolate_analysis(
    plan: Protocol,
    full: Mapping[str, float],
    thinned: Mapping[str, float],
    thinned_draws: int,
    measuring: int,
    planned: int,
) -> tuple[tuple[StageCost, ...], dict[str, float]]:
    """Times of the tests, from an analysis of one half of the selection split and from a smaller one.

    Measures of groups take a time for each group and one for each document; the two
    analyses, with unlike numbers of both, tell them apart (neither can be negative). Everything else grows
    with the documents.

    Args:
        plan: The protocol.
        full: Seconds per stage with all draws.
        thinned: The same with half of the documents and at most `thinned_draws` draws.
        thinned_draws: Of each null.
        measuring: Documents behind `full`.
        planned: Documents of the evaluation split.

    Returns:
        The stages, and per prediction the seconds that 1,000 further groups take.
    """
    n_groups, fewer = _n_groups(plan, None), _n_groups(plan, thinned_draws)
    design = np.array([[n_groups, measuring], [fewer, measuring / 2]])
    measures = {f"{item.id}: {item.measure}": item for item in plan.predictions}
    costs, per_1000 = [], {}
    for stage, seconds in full.items():
        item = measures.get(stage)
        if item is not None and MEASURES[item.measure].level == "weights":
            costs.append(StageCost(stage, seconds, False, "timed in full"))
            per_1000[item.id] = 1000 * seconds / n_groups
        elif item is not None and stage in thinned:
            per_group, per_document = nnls(design, np.array([seconds, thinned[stage]]))[0]
            estimate = per_group * n_groups + per_document * planned
            costs.append(StageCost(stage, float(estimate), False, f"{measuring:,} of {planned:,} documents"))
            per_1000[item.id] = float(1000 * per_group)
        else:
            estimate = seconds * planned / measuring
            costs.append(StageCost(stage, estimate, False, f"{measuring:,} of {planned:,} documents"))
    return tuple(costs), per_1000


def repeated_work(
    plan: Protocol, collecting: Sequence[StageCost], analysis: Sequence[StageCost]
) -> Iterator[StageCost]:
    """What a run does again: evidence of untrained networks, and the tests on other splits."""
    untrained = networks_of(plan)
    if untrained is not None:
        once = sum(item.seconds for item in collecting if item.stage.endswith(" split"))
        yield StageCost(
            f"untrained networks ({untrained.weights} weights)",
            untrained.number * once,
            False,
            f"at most {untrained.number} times both splits",
        )
    if plan.splits > 1:
        yield StageCost(
            "other splits of the documents",
            (plan.splits - 1) * sum(item.seconds for item in analysis),
            False,
            f"{plan.splits - 1} times the tests",
        )


def _n_groups(plan: Protocol, most: int | None) -> int:
    """Groups that a measure is taken on."""
    return sum(item.null.evaluations(item.null.fewer(item.options, most)) for item in declared(plan))


def evidence_bytes(split: SplitEvidence) -> int:
    """Bytes of a split's arrays."""
    heads = () if split.heads is None else (split.heads.base, split.heads.single, split.heads.layer)
    return sum(int(array.nbytes) for array in (*split.channels.values(), *heads))


def peak_memory() -> int | None:
    """Largest memory of this process so far, in bytes; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
