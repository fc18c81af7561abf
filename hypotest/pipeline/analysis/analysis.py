"""Everything behind the evidence: selection, nulls, tests, outcomes, verdict. No model, no files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.estimators.attention.heads import top_head
from hypotest.groups.live import live_neurons, without_dead
from hypotest.ladder.against_nulls import describe_group, prepare
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.registry import reference_of
from hypotest.pipeline.analysis.dependence import find_dependence
from hypotest.pipeline.analysis.outcomes import (
    adjust_together,
    classify_prediction,
    judge,
    null_frame,
)
from hypotest.pipeline.analysis.sensitivity import with_sensitivity
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence, Selected, SelectionEvidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.figure_data import RegimeFit
from hypotest.records.results.group_result import GroupResult
from hypotest.records.results.placebos import Placebos
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Dependence, HypothesisVerdict
from hypotest.testing.contrast import MeasuredContrast
from hypotest.testing.selection import select, select_group
from hypotest.testing.task import Task
from hypotest.testing.undefined import NO_VALUE, why, without_outcome

if TYPE_CHECKING:
    from hypotest.subjects.recorded.evidence import RecordedEvidence


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What a protocol says of evidence."""

    task: Task
    """The tested group, its evidence, and what was drawn to compare it with."""
    group: GroupResult
    """The tested group, for the record."""
    predictions: tuple[PredictionResult, ...]
    verdicts: tuple[HypothesisVerdict, ...]
    nulls: pl.DataFrame
    """Every null draw of every prediction: prediction, null, draw, value."""
    regimes: tuple[RegimeFit, ...]
    """Of the rank-influence curves, if the protocol asks for them."""
    dependence: tuple[Dependence, ...]
    """Of every two predictions about the group, over the same relabellings."""
    placebos: Placebos | None = None
    """Where they were asked for: of a run, and of `hypotest.analyse`."""


def analyse(
    protocol: Protocol,
    evidence: Evidence | RecordedEvidence,
    *,
    networks: Sequence[Mapping[str, float]] = (),
    session: Session | None = None,
) -> Analysis:
    """Test a protocol's predictions on evidence, and apply its decision rule.

    The same code that `hypotest.run` uses, for evidence from anywhere: the cache, a simulation, another
    tool. All randomness follows from the protocol's seed.

    Args:
        protocol: A valid protocol; what it says of subject and corpus is not used.
        evidence: Both splits; or `hypotest.Evidence` from elsewhere, whose rows are sampled and split here as
            the protocol says.
        networks: What `group_values` finds in each other network, for nulls that need some.
        session: What it computes with; by default alone, in silence, with the protocol's seed.

    A measure that is undefined for the group, a null without a defined draw, and whatever else a prediction
    cannot compute on this evidence give it the outcome ``undefined``; the others go on.

    Raises:
        EvidenceError: If no group can be selected on the selection split.
    """
    session = session or Session.start(protocol.seed)
    if not isinstance(evidence, Evidence):
        from hypotest.pipeline.recorded import divided

        evidence = divided(protocol, evidence, session)
    evidence = without_dead(evidence)
    selection = select(protocol, evidence, session.streams)
    task = prepare(Task(protocol, evidence, selection, session, networks=networks))
    comparisons: dict[str, MeasuredContrast] = {}
    next_prediction = session.pieces("predictions", len(protocol.predictions))
    for item in protocol.predictions:
        step = session.stage(f"{item.id}: {item.measure}", 1)
        try:
            comparisons[item.id] = measure_of(item).compare(item, task)
        except NO_VALUE as error:
            reference, variant = reference_of(protocol, item.contrast)
            comparisons[item.id] = without_outcome(reference, why(error), variant=variant)
        step()
        next_prediction()
    predictions = adjust_together(
        [classify_prediction(item, comparisons[item.id], protocol) for item in protocol.predictions], protocol
    )
    predictions = with_sensitivity(predictions, comparisons, protocol)
    return Analysis(
        task=task,
        group=describe_group(task, selection.result),
        predictions=predictions,
        verdicts=judge(predictions, protocol),
        nulls=null_frame(comparisons),
        dependence=find_dependence(comparisons, protocol),
        regimes=next((item.regimes for item in comparisons.values() if item.regimes), ()),
    )


def group_values(protocol: Protocol, evidence: Evidence) -> dict[str, float]:
    """Select the group and measure it, with no null: what another network contributes.

    Args:
        protocol: Its group and predictions.
        evidence: Of the network; what `group_needs` names is enough.

    Returns:
        Id of each prediction on a group measure -> T(G); NaN where it, or the group, is undefined.
    """
    session = Session.start(protocol.seed)
    asked = list(_group_measures(protocol))
    try:
        evidence = without_dead(evidence)
        group = select_group(evidence.selection, protocol.group, session.streams, evidence.numbers)
    except NO_VALUE:  # a network in which nothing can be selected
        return {item.id: float("nan") for item, _ in asked}
    values = {}
    for item, measure in asked:
        try:
            values[item.id] = float(measure.tied(item, evidence, session).values(group[None, :])[0])
        except NO_VALUE:
            values[item.id] = float("nan")
    return values


def group_needs(protocol: Protocol) -> frozenset[Channel]:
    """What `group_values` reads of evidence, beside the weights and what the group is selected by."""
    return frozenset[Channel]().union(*(measure.needs for _, measure in _group_measures(protocol)))


def group_and_heads(protocol: Protocol, selection: SelectionEvidence) -> Selected:
    """What `group_values` measures: neurons, none if undefined, and the head that changes them most."""
    live = np.flatnonzero(live_neurons(selection.split.activations))
    try:
        split = selection.split.of_neurons(live)
        group = live[select_group(split, protocol.group, Streams(protocol.seed), live)]
    except NO_VALUE:
        group = live[:0]
    if group.size == 0 or selection.split.heads is None:
        return Selected(group, np.empty(0, dtype=np.int64))
    changes = selection.split.heads.single.sum(axis=0, dtype=np.float64)
    return Selected(group, top_head(changes, group[None]))


def _group_measures(protocol: Protocol) -> Iterator[tuple[Prediction, GroupMeasure]]:
    for item in protocol.predictions:
        if isinstance(measure := measure_of(item), GroupMeasure):
            yield item, measure
