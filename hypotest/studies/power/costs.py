"""What a run will take on this machine: pieces of it are done here, timed, and extrapolated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.errors import CorpusError, EvidenceError
from hypotest.groups.live import without_dead
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import needed_nulls
from hypotest.pipeline.analysis.analysis import Analysis, analyse
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.registered.manifest import Stopwatch
from hypotest.records.evidence.evidence import Evidence, SelectionEvidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.power.analysis_costs import extrapolate_analysis, repeated_work
from hypotest.studies.power.collection_costs import time_collection, time_network
from hypotest.studies.power.lesions import halves_with_lesions
from hypotest.studies.power.memory_costs import evidence_bytes, peak_memory
from hypotest.studies.power.record import Costs, StageCost
from hypotest.studies.power.variants import foreseeable, variant
from hypotest.studies.selection_split import SelectionLook
from hypotest.testing.halves import divide

FEWER_DRAWS = 999
"""Of each null with half of the documents, from which only SDs and times are taken."""


def foresee_costs(looked: SelectionLook) -> Costs:
    """What a run will take, from some of its selection split.

    The tests are done on two halves of what was collected, and extrapolated to all documents. Where that is
    too little to test anything, a note says so, and their time is not in the sum.

    Args:
        looked: A plan, and evidence of some documents of its selection split.
    """
    plan, prepared, session = looked.plan, looked.prepared, looked.session
    timed, timed_halved, note, size, measuring = Stopwatch(silent), Stopwatch(silent), "", 1, 1
    try:
        evidence = without_dead(halves_with_lesions(looked, divide(looked.selection, session.streams)))
        weighed = [item for item in plan.predictions if foreseeable(item)]
        analysis = analyse(variant(plan, weighed), evidence, session=session.telling(timed))
        size = len(analysis.task.selection.group)
        measuring = np.unique(evidence.evaluation.documents).size
        grouped = [item for item in weighed if MEASURES[item.measure].level != "conditions"]
        _, timed_halved = thinned(plan, grouped, evidence, session, FEWER_DRAWS, quick=False)
    except (EvidenceError, CorpusError) as error:
        note = f"the tests are not included: {error}"
    costs = extrapolated(
        plan,
        prepared,
        looked.selection,
        size,
        session,
        measuring,
        looked.preparing,
        (timed.seconds, timed_halved.seconds),
    )
    return replace(costs, notes=(*costs.notes, note)) if note else costs


def thinned(
    plan: Protocol,
    grouped: list[Prediction],
    evidence: Evidence,
    session: Session,
    draws: int,
    quick: bool,
) -> tuple[Analysis | None, Stopwatch]:
    """The declared analysis with half of the measuring documents: how nulls and times change with them.

    Args:
        plan: The protocol.
        grouped: Predictions about the group.
        evidence: Of the two halves of the selection split.
        session: Random streams and progress.
        draws: Of each null, at most.
        quick: Whether times are not taken from it.
    """
    watch = Stopwatch(session.start_stage)
    documents = np.unique(evidence.evaluation.documents)
    kept = session.streams("documents kept").permutation(documents)[: documents.size // 2]
    fewer = replace(evidence, evaluation=evidence.evaluation.of_documents(kept))
    if not grouped:
        return None, watch
    asked = variant(plan, grouped, draws=draws)
    if quick:  # times are not taken from it
        asked = asked.with_nulls({name for item in grouped for name in needed_nulls(item)})
    try:
        return analyse(asked, fewer, session=session.telling(watch)), watch
    except EvidenceError:  # undefined with so few documents: nothing is said about more of them
        return None, Stopwatch(silent)


def extrapolated(
    plan: Protocol,
    prepared: Prepared,
    selection: SelectionEvidence,
    group_size: int,
    session: Session,
    measuring: int,
    preparing: dict[str, float],
    analysed: tuple[dict[str, float], dict[str, float]],
) -> Costs:
    """What a run will take, from what was timed.

    Args:
        plan: The protocol.
        prepared: Subject, text and positions.
        selection: Evidence of the selection split, or of some of it.
        group_size: Units of the tested group.
        session: Cache, memory, random streams and progress.
        measuring: Documents behind the timed analysis with all draws.
        preparing: Seconds of each stage before anything is collected.
        analysed: Seconds of the stages of an analysis with all draws, and of one with half of the documents
            and `FEWER_DRAWS`.
    """
    stages = [StageCost(name, seconds, False, "timed in full") for name, seconds in preparing.items()]
    sampled = prepared.samples
    collecting = time_collection(prepared, selection, group_size, session)
    analysis, per_1000 = extrapolate_analysis(
        plan,
        *analysed,
        FEWER_DRAWS,
        measuring,
        sampled["evaluation"].positions["document"].n_unique(),
    )
    here = evidence_bytes(selection.split)
    there = here * sampled["evaluation"].positions.height / sampled["selection"].positions.height
    peak = peak_memory()
    return Costs(
        stages=(
            *stages,
            *collecting,
            *analysis,
            *repeated_work(plan, collecting, analysis, time_network(plan, prepared, session)),
        ),
        seconds_per_1000_draws=per_1000,
        model_bytes=prepared.subject.n_bytes,
        evidence_bytes=round(here + there),
        # the halves were copies of the selection split: they stood where the evaluation split will
        peak_bytes=None if peak is None else round(peak - here + there),
        notes=("start-up, report and figures are not included",),
    )
