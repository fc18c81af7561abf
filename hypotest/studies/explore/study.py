"""Looking at the selection split before registering: the curve, the group, its covariates, the text.

By the code of a run and with its random numbers, so that the group shown is the group that the run will test.
No prediction is measured, and nothing of the evaluation split is run through the model or read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.corpora.sampling import count_positions
from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session
from hypotest.errors import CorpusError
from hypotest.estimators.regimes import influence, lognormal_ratio, preference
from hypotest.groups import matching
from hypotest.groups.live import live_neurons
from hypotest.groups.nulls import Influences
from hypotest.groups.select import most_influential
from hypotest.nulls.registry import NULLS, Declared, declared_null
from hypotest.pages.notebook import show_as
from hypotest.pipeline.collection import documents_of
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.registered.registered import evidence_existed
from hypotest.pipeline.registered.seen import seen_before
from hypotest.pipeline.texts.document_log import read_log
from hypotest.predicates.combine import bound_condition, limitations_of
from hypotest.predicates.rows import Rows
from hypotest.predicates.variations import narrower
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.group import INFLUENCE, By, Rule
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.records.results.group_result import GroupResult
from hypotest.registration import protocol_hash
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.studies.explore.export import write_exploration
from hypotest.studies.explore.page import exploration_summary
from hypotest.studies.explore.record import (
    Blind,
    ConditionCounts,
    CovariateComparison,
    Exploration,
    ExploredCurve,
    OtherGroup,
    PreferenceCount,
)
from hypotest.studies.selection_split import look_at_selection
from hypotest.testing.curves import describe_curve
from hypotest.testing.halves import whole
from hypotest.testing.ranking import ranking
from hypotest.testing.selection import ObservedSelection, fit_curves, select, select_observed
from hypotest.testing.task import Task

THRESHOLDS = (0.1, 0.25, 0.5)
"""Of a neuron's preference |first - second| / (first + second): 0.1 is a ratio of 1.2, 0.5 one of 3."""
SIZES = (0.5, 2.0)
"""Other group sizes, as multiples of the selected one."""
MOST_OF_LAYER = 0.5
MATCHED_DRAWS = 1999
"""Where the protocol does not declare such groups."""


show_as(Exploration, exploration_summary)


def explore(
    protocol: str | Path,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    memory: float = MEMORY,
    start_stage: StartStage | None = None,
    subject: Any = None,
) -> Exploration:
    """Look at the selection split of a protocol, and at nothing of its evaluation split.

    Args:
        protocol: Path of the protocol.
        out: Folder that gets ``<out>/<protocol id>/explore``; default ``reports``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        memory: GB that ablation may take beside model and evidence.
        start_stage: Told of each stage and its number of steps, for progress.
        subject: As for `hypotest.run`.

    Returns:
        Curves, group, covariates and counts; the same lie in the result's folder.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem.
        RunError: If evidence cannot be collected; what was finished stays in the cache.
    """
    shown = stages_shown(start_stage)
    looked = look_at_selection(protocol, "explore", out, device, memory, shown, subject=subject)
    plan, prepared = looked.plan, looked.prepared
    live = np.flatnonzero(live_neurons(looked.selection.split.activations))
    layer_size = looked.selection.mean_activation.size
    selection = looked.selection if live.size == layer_size else looked.selection.of_neurons(live)
    split = selection.split
    observed = select_observed(split, plan.group, looked.session.streams, live)
    selected = plan.group.is_selected
    matching_null = next(item for item in NULLS.values() if "on" in item.options.model_fields)
    declared = declared_null(plan, matching_null.name)
    default = matching_null.drawn_often(matching_null.options(), MATCHED_DRAWS)
    null = declared or Declared(matching_null, default)
    arms, names = observed.arms, plan.names
    planned = prepared.samples["evaluation"].positions
    evidence = whole(selection)
    task = Task(
        plan, evidence, select(plan, evidence, looked.session.streams), Session(looked.session.streams)
    )
    covariates = matching.activation_covariates(split.activations, selection.output_weights)
    result = Exploration(
        protocol_id=plan.id,
        protocol_hash=protocol_hash(plan),
        title=plan.title,
        words=material_words(plan),
        group=GroupResult(
            neurons=tuple(live[observed.group].tolist()),
            n_neurons=layer_size,
            rule=observed.rule,
            reason=observed.reason,
            control_neurons=tuple(live[observed.second].tolist()) if selected else (),
            n_dead=layer_size - live.size,
            called=() if selection.partition is None else selection.partition.called(observed.group),
        ),
        curves=tuple(map(explore_curve, names, arms)),
        halves_shared=_shared_by_halves(split, observed, plan.group.by) if selected else None,
        halves_by_chance=observed.group.size**2 / live.size,
        covariates=() if plan.group.is_whole else compare_covariates(task, null),
        matched_on=null.options.on,
        matching_declared=declared is not None,
        conditions=tuple(count_condition(split, name) for name in names),
        eligible=prepared.sampled.eligible["selection"],
        frequencies=prepared.curve,
        others=tuple(_other_groups(plan, prepared, split, observed)) if selected else (),
        preferences=tuple(count_preferences(arms, observed.group, value) for value in THRESHOLDS),
        blind=Blind(
            positions=planned.height,
            documents=planned["document"].n_unique(),
            seen=_documents_seen(prepared, looked.session),
            was_collected=evidence_existed(looked.session.evidence, prepared.keys.evaluation),
            predictions=tuple(item.id for item in plan.predictions),
        ),
        notes=tuple(_notes(plan, prepared, null.name, declared is not None)),
        neurons=pl.DataFrame(
            {
                "neuron": live.astype(np.int32),
                f"influence_{names.first}": arms[0].whole[0].astype(np.float64),
                f"influence_{names.second}": arms[1].whole[0].astype(np.float64),
                "in_group": np.isin(np.arange(live.size), observed.group),
                **covariates,
            }
        ),
        folder=looked.folder,
    )
    write_exploration(result)
    return result


def _documents_seen(prepared: Prepared, session: Session) -> int:
    documents = documents_of(prepared, prepared.samples["evaluation"])
    return seen_before(read_log(session.cache)[0], (prepared.subject.fingerprint,), documents).documents


def explore_curve(condition: str, influences: Influences) -> ExploredCurve:
    """Regimes of a condition's rank-influence curve, and whether a power law describes its tail."""
    fits, _ = fit_curves(influences)
    ratio = lognormal_ratio(influences.whole[0])
    defined = bool(np.isfinite(ratio.ratio))
    return ExploredCurve(
        fit=describe_curve(condition, influences),
        end_of_plateau=int(fits.plateau_size[0]),
        lognormal_ratio=ratio.ratio if defined else None,
        lognormal_p=ratio.p_value if defined else None,
    )


def compare_covariates(task: Task, null: Declared) -> tuple[CovariateComparison, ...]:
    """All known covariates of group and layer, and what matching on the declared ones leaves of them."""
    evidence, group = task.evidence, task.selection.group
    matched = null.null.prepare(null.options, task)
    known = matching.activation_covariates(evidence.selection.activations, evidence.output_weights)
    values = np.column_stack(list(known.values()))
    before, after = matching.balance(values, group, matched.groups)
    return tuple(
        CovariateComparison(
            covariate=name,
            group_mean=float(column[group].mean()),
            group_sd=float(column[group].std()),
            layer_mean=float(column.mean()),
            layer_sd=float(column.std()),
            difference=float(first),
            left=float(second),
            matched=name in null.options.on,
        )
        for (name, column), first, second in zip(known.items(), before, after, strict=True)
    )


def count_condition(split: SplitEvidence, condition: str) -> ConditionCounts:
    """Positions, documents and types of one condition."""
    rows = split.mask(condition)
    return ConditionCounts(
        condition=condition,
        **count_positions(split.positions.filter(rows))._asdict(),
        mean_index=float(split.indices[rows].mean()),
        mean_loss=float(split.loss[rows].mean(dtype=np.float64)),
    )


def count_preferences(arms: tuple[Influences, ...], group: IntArray, threshold: float) -> PreferenceCount:
    """Neurons that prefer a condition by at least a threshold, on all documents and on each half."""
    first, second = arms
    whole = preference(first.whole[0], second.whole[0])
    halves = preference(first.halves[0], second.halves[0])
    return PreferenceCount(
        threshold=threshold,
        first=int((whole >= threshold).sum()),
        second=int((whole <= -threshold).sum()),
        first_twice=int((halves >= threshold).all(axis=0).sum()),
        second_twice=int((halves <= -threshold).all(axis=0).sum()),
        group_first=int((whole[group] >= threshold).sum()),
        group_second=int((whole[group] <= -threshold).sum()),
    )


def _shared_by_halves(split: SplitEvidence, observed: ObservedSelection, by: By) -> int:
    halves = observed.arms[0].halves[0]
    if by != INFLUENCE:
        parts = (observed.half, ~observed.half)
        halves = np.stack([ranking(split, split.first & part, split.second & part, by) for part in parts])
    one, other = most_influential(halves, np.full(2, observed.group.size))
    return np.intersect1d(one, other).size


def _other_groups(
    plan: Protocol, prepared: Prepared, split: SplitEvidence, observed: ObservedSelection
) -> Iterator[OtherGroup]:
    """Groups of other sizes, and those that stricter definitions would select, at the same size."""
    whole = observed.ranking
    size, n_neurons = observed.group.size, whole.size
    n_positions = int(split.first.sum())
    sizes = {round(factor * size): f"{factor:g} times as many neurons" for factor in SIZES}
    for other_rule in plan.multiverse.select if plan.multiverse else ():
        if isinstance(other_rule, Rule) and not other_rule.ids:
            sizes.setdefault(other_rule.size(n_neurons), f"{other_rule.words} of the layer (multiverse)")
    for other, change in sorted(sizes.items()):
        if other != size and 1 <= other <= MOST_OF_LAYER * n_neurons:
            yield _other_group(change, n_positions, whole, other, observed.group)
    name = plan.names.first
    sampled = Rows(prepared.blocks, split.blocks, split.indices)
    for words, stricter in narrower(plan.conditions[name]):
        try:
            strict = bound_condition(name, stricter, prepared.text.setting).holds(sampled)
        except CorpusError:  # none of these positions is left
            continue
        # those of the second condition stay, whatever the others are called
        rows = split.first & strict
        if 0 < rows.sum() < n_positions:
            change = f"{name} {words}"
            ranked = (
                influence(split.delta_loss, rows)
                if plan.group.by == INFLUENCE
                else ranking(split, rows, split.second, plan.group.by)
            )
            yield _other_group(change, int(rows.sum()), ranked, size, observed.group)


def _other_group(
    change: str, n_positions: int, ranked: NDArray[np.floating], size: int, group: IntArray
) -> OtherGroup:
    selected = most_influential(ranked[None, :], np.array([size]))[0]
    return OtherGroup(
        change=change,
        positions=n_positions,
        size=size,
        shared=np.intersect1d(selected, group).size,
        by_chance=size * len(group) / ranked.size,
    )


def _notes(plan: Protocol, prepared: Prepared, null: str, is_declared: bool) -> Iterator[str]:
    if plan.group.is_selected:
        yield (
            "The group was selected on these very positions, so that its influence and its preference for "
            f"{plan.names.first} targets are flattered here; the evaluation split will not flatter them."
        )
    if not is_declared:
        yield f"The protocol declares no {null} groups; the default covariates were tried."
    yield from limitations_of(plan.conditions.values(), prepared.subject.vocab_size, prepared.curve)
    if prepared.text_differs:
        yield "The reference text is not the pinned one: " + ", ".join(prepared.text_differs) + "."
