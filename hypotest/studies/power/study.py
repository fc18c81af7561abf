"""Before any evaluation data: what a plan can see, and what its run will take.

The group is selected on half of the selection split's documents and measured on the others, by the code of
a run. Nothing of the evaluation split is run or read; only its number of documents enters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session
from hypotest.errors import EvidenceError
from hypotest.groups.live import without_dead
from hypotest.measures.registry import MEASURES
from hypotest.pages.notebook import show_as
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.registered.manifest import Stopwatch
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.design import HEAD_BLOCKS
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.studies.power.basis import PowerBasis
from hypotest.studies.power.costs import FEWER_DRAWS, extrapolated, thinned
from hypotest.studies.power.export import write_power
from hypotest.studies.power.grid import power_curves, power_table, predict_power
from hypotest.studies.power.lesions import halves_with_lesions
from hypotest.studies.power.monte_carlo import monte_carlo
from hypotest.studies.power.notes import given_up, group_given, left_out, undefined
from hypotest.studies.power.outcome_reach import reach_of_margin, reach_of_outcomes, refusals, warnings
from hypotest.studies.power.page import power_summary
from hypotest.studies.power.record import PowerDocuments, PowerResult
from hypotest.studies.power.rehearsed import compare_halved, power_bases
from hypotest.studies.power.variants import (
    QUICK_DRAWS,
    against_one_null,
    by_null,
    foreseeable,
    other_sizes,
    resized,
    variant,
)
from hypotest.studies.selection_split import look_at_selection
from hypotest.testing.halves import divide

DRAWS = 1999
"""Draws of each null at sizes other than the declared one, at most."""
QUICK_POSITIONS = 1024
"""Of each condition that a quick look collects, about, where the selection split is not in the cache."""


show_as(PowerResult, power_summary)


def power(
    protocol: str | Path,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    memory: float = MEMORY,
    quick: bool = False,
    start_stage: StartStage | None = None,
    subject: Any = None,
) -> PowerResult:
    """Foresee what a protocol can see, from its selection split alone.

    Args:
        protocol: Path of the protocol.
        out: Folder that gets ``<out>/<protocol id>/power``; default ``reports``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        memory: GB that ablation may take beside model and evidence.
        quick: With fewer draws, at the declared size alone, without times; and from some of the documents
            unless the selection split is in the cache. How far the draws can be off is part of the result.
        start_stage: Told of each stage and its number of steps, for progress.
        subject: As for `hypotest.run`.

    Returns:
        Table, curves, refusals and costs; the same lie in the result's folder.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem.
        RunError: If evidence cannot be collected; what was finished stays in the cache.
    """
    start_stage = stages_shown(start_stage)
    looked = look_at_selection(
        protocol,
        "power",
        out,
        device,
        memory,
        start_stage,
        positions=QUICK_POSITIONS if quick else None,
        subject=subject,
    )
    plan, prepared, selection, session = looked.plan, looked.prepared, looked.selection, looked.session
    streams = session.streams
    halves = halves_with_lesions(looked, divide(selection, streams))
    evidence = without_dead(halves)  # the same object for every analysis
    documents = PowerDocuments(
        selecting=np.unique(evidence.selection.documents).size,
        measuring=np.unique(evidence.evaluation.documents).size,
        planned=prepared.samples["evaluation"].positions["document"].n_unique(),
    )
    weighed = [item for item in plan.predictions if item.role != "descriptive" and foreseeable(item)]
    grouped = [item for item in weighed if MEASURES[item.measure].level != "conditions"]
    timed = Stopwatch(start_stage)
    if quick:
        parts = [(part, against_one_null(plan, part, QUICK_DRAWS)) for part in by_null(weighed)]
    else:
        parts = [(weighed, variant(plan, plan.predictions))]
    declared = [(part, analyse(asked, evidence, session=session.telling(timed))) for part, asked in parts]
    fewer_draws = QUICK_DRAWS if quick else FEWER_DRAWS
    halved, timed_halved = thinned(plan, grouped, evidence, session, fewer_draws, quick)
    heads = _documents_with_heads(prepared, documents.planned)
    bases: list[PowerBasis] = []
    spread_ratios: dict[str, tuple[float, float]] = {}
    for part, analysis in declared:
        spread_ratios |= compare_halved(plan, analysis, halved)
        bases += power_bases(plan, part, analysis, spread_ratios, documents.measuring, heads, declared=True)
    size = len(declared[0][1].task.selection.group) if declared else 0
    notes = [
        f"{item.id}: undefined on one half of the selection split: {item.notes[0]}"
        for _, analysis in declared
        for item in analysis.predictions
        if item.outcome == "undefined"
    ]
    if not quick and plan.group.is_selected:
        more, said = _at_other_sizes(plan, grouped, size, evidence, spread_ratios, documents, heads, session)
        bases, notes = [*bases, *more], [*notes, *said]

    predictions = tuple(
        replace(
            predict_power(base, plan, documents.planned),
            reach=reach_of_outcomes(base, plan, documents.planned),
            margins=reach_of_margin(base, plan, documents.planned),
            monte_carlo=monte_carlo(base, plan, documents.planned, streams("Monte Carlo", base.prediction.id))
            if quick
            else None,
        )
        for base in bases
    )
    order = [item.id for item in plan.predictions]
    pairs = sorted(
        zip(predictions, bases, strict=True), key=lambda pair: (not pair[0].declared, order.index(pair[0].id))
    )
    numbers = sorted({documents.measuring, *(factor * documents.planned for factor in (1, 2, 4))})
    as_declared = [pair for pair in pairs if pair[0].declared]
    notes += [
        text for item, base in as_declared for text in warnings(base.prediction, item.reach, item.margins)
    ]
    reasons = [text for item, base in as_declared for text in refusals(base.prediction, item.reach)]
    if quick:
        notes += [f"in a quick look, which refuses nothing: {text}" for text in reasons]
    notes += [*left_out(plan), *group_given(plan)]
    result = PowerResult(
        protocol_id=plan.id,
        title=plan.title,
        words=material_words(plan),
        level=plan.decision.level,
        corrected_level=plan.decision.level / max(1, len(plan.deciding)),
        n_neurons=evidence.layer_size,
        is_selected=plan.group.is_selected,
        group_size=size,
        documents=documents,
        predictions=tuple(item for item, _ in pairs),
        table=power_table([base for _, base in pairs], plan, documents.planned, numbers),
        curves=power_curves([base for _, base in pairs], plan, documents.planned, numbers),
        refused=() if quick else (*undefined(plan, selection, session), *reasons),
        costs=None
        if quick
        else extrapolated(
            plan,
            prepared,
            selection,
            size,
            session,
            documents.measuring,
            looked.preparing,
            (timed.seconds, timed_halved.seconds),
        ),
        notes=(*given_up(looked.whole, documents, quick, plan.group.is_selected), *notes),
        folder=looked.folder,
    )
    write_power(result)
    return result


def _at_other_sizes(
    plan: Protocol,
    grouped: list[Prediction],
    size: int,
    evidence: Evidence,
    spread_ratios: Mapping[str, tuple[float, float]],
    documents: PowerDocuments,
    heads: Callable[[int], int],
    session: Session,
) -> tuple[list[PowerBasis], list[str]]:
    """What power rests on at sizes other than the declared one, and which cannot be had."""
    asked = [(k, part) for k in other_sizes(size, evidence.n_neurons) for part in by_null(grouped)]
    step = session.stage("other group sizes", len(asked))
    bases: list[PowerBasis] = []
    notes = []
    for k, part in asked:
        other = resized(against_one_null(plan, part, DRAWS), k / evidence.n_neurons)
        try:
            analysis = analyse(other, evidence, session=session)
            bases += power_bases(
                plan, part, analysis, spread_ratios, documents.measuring, heads, declared=False
            )
        except EvidenceError as error:
            notes.append(f"groups of {k:,} neurons: {error}")
        step()
    return bases, notes


def _documents_with_heads(prepared: Prepared, planned: int) -> Callable[[int], int]:
    """From documents of a split to those in which heads are ablated: blocks are limited in number."""
    sample = prepared.samples["evaluation"]
    with_heads = sample.head_positions["document"].n_unique()
    full = sample.head_blocks.size >= HEAD_BLOCKS

    def measured_of(documents: int) -> int:
        share = documents / planned
        return max(2, round(with_heads * (min(share, 1.0) if full else share)))

    return measured_of
