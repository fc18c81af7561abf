"""Placebos: what the same tests find where the first condition is make-believe.

Positions of the second condition are all alike in what the protocol asks about. Their target types (or what
else keeps its label together) are divided at random into a make-believe first and second condition; the group
is selected on the first, and every prediction is tested as it is declared, by the null that decides it. About
one in twenty should reject at 0.05. Another division, types with a high against types with a low baseline
loss, has the real ratio of losses as nearly as a cut gives it: an effect that appears there as well may
belong to loss.

No evidence is collected: make-believe conditions have about half of the second condition's positions. p is
compared with the level, on few draws (`hypotest.pipeline.analysis.quick`). On simulated layers with no effect
(25 layers, 20 placebos each) the tests of the shipped protocol rejected 0.04 to 0.06 (routing, whose errors
are too wide near 1, 0.006); random groups reject in all where loud neurons act together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.engine.workers import Values
from hypotest.groups.live import without_dead
from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared_null
from hypotest.pipeline.analysis.make_believe import (
    cut_by_loss,
    half_of_units,
    loss_ratio,
    losses,
    relabelled,
    rows_of,
    units_of,
)
from hypotest.pipeline.analysis.quick import QuickTest, few_draws, quick_tests
from hypotest.predicates.combine import exchange_of
from hypotest.predicates.units import EXCHANGES
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.defined import defined
from hypotest.records.results.placebos import PlaceboResult, Placebos
from hypotest.testing.selection import select
from hypotest.testing.task import Task
from hypotest.testing.undefined import NO_VALUE


def run_placebos(protocol: Protocol, evidence: Evidence, session: Session) -> Placebos | None:
    """Test a protocol's predictions on make-believe conditions.

    Args:
        protocol: Its ``placebos``: how many random divisions.
        evidence: Both splits, of the second condition's positions as many as there are.
        session: What it computes with.

    Returns:
        None where the protocol asks for none, or the second condition cannot be divided: of pairs it has one
        row each, which would change labels with none.
    """
    if not protocol.placebos:
        return None
    alone = replace(
        evidence,
        selection=rows_of(evidence.selection, evidence.selection.second),
        evaluation=rows_of(evidence.evaluation, evidence.evaluation.second),
    )
    unit = exchange_of(protocol)
    try:
        units = units_of(alone, unit)
    except ValueError:  # evidence made elsewhere need not say which stretch of text a row lies in
        return None
    if not units.divisible:
        return None
    codes, counts = units.codes, units.counts
    chosen = [
        half_of_units(units, session.streams("placebo units", str(number)))
        for number in range(protocol.placebos)
    ]
    real = loss_ratio(evidence)
    by_loss, reached = cut_by_loss(losses(alone), codes, counts, real)
    divisions = [*chosen, *([] if by_loss is None else [by_loss])]
    plan = protocol.model_copy(
        update={
            "predictions": tuple(item for item in protocol.predictions if not why_no_placebo(item, protocol)),
        }
    )
    values = session.workers(
        "make-believe conditions",
        on_make_believe,
        [
            {
                "protocol": plan,
                "evidence": alone,
                "first": mask[codes],
                "seed": int(session.streams("placebo", str(number)).integers(2**62)),
            }
            for number, mask in enumerate(divisions)
        ],
    )
    sizes = [int(counts[mask].sum()) for mask in chosen]
    n_first = int(evidence.selection.first.sum() + evidence.evaluation.first.sum())
    return Placebos(
        n_splits=len(chosen),
        level=protocol.decision.level,
        draws=few_draws(protocol, Form.GROUPS),
        draws_of_labels=few_draws(protocol, Form.LABELS),
        positions=(min(*sizes, codes.size - max(sizes)), max(*sizes, codes.size - min(sizes))),
        real_positions=(n_first, codes.size),
        unit=EXCHANGES[unit].words,
        n_units=counts.size,
        loss_ratio=real,
        loss_ratio_reached=reached,
        predictions=tuple(_results(protocol, plan, values, len(chosen))),
    )


def why_no_placebo(prediction: Prediction, protocol: Protocol) -> str:
    """Why a make-believe condition says nothing of a prediction; empty where it does."""
    if prediction.role == "descriptive":
        return "it describes, and decides nothing"
    measure = measure_of(prediction)
    if Channel.LESIONS in measure.needs:
        return "groups were lesioned at once that the conditions select, and none of a make-believe one"
    declared = declared_null(protocol, prediction.contrast.null)
    if declared is not None:
        return declared.null.no_placebo or declared.null.never_decides
    reference = prediction.contrast.reference
    if reference is None or (isinstance(measure, ConditionMeasure) and measure.no_difference == reference):
        return ""
    return (
        f"its value is compared with a number, {reference:g}, of which a make-believe condition makes "
        "nothing "
        "more or less true"
    )


def on_make_believe(protocol: Protocol, evidence: Evidence, first: NDArray[np.bool_], seed: int) -> Values:
    """Effect and p of every prediction where some positions are called the first condition.

    Args:
        protocol: With the predictions that have a placebo.
        evidence: Of the second condition's positions.
        first: Which of them, those of the selection split before those of the other.
        seed: Of all draws.

    Returns:
        Shape (n_predictions, 2); NaN where there is no value, p also where nothing can be concluded.
    """
    n_selection = evidence.selection.positions.height
    divided = replace(
        evidence,
        selection=relabelled(evidence.selection, first[:n_selection]),
        evaluation=relabelled(evidence.evaluation, first[n_selection:]),
    )
    session = Session(Streams(seed))
    try:
        divided = without_dead(divided)
        task = Task(protocol, divided, select(protocol, divided, session.streams), session)
    except NO_VALUE:  # no group can be selected
        return np.full((len(protocol.predictions), 2), np.nan)
    tests = quick_tests(task)
    rows = [_row(tests.get(item.id)) for item in protocol.predictions]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _row(test: QuickTest | None) -> tuple[float, float]:
    if test is None:
        return np.nan, np.nan
    return test.effect, np.nan if test.blocked or test.p_value is None else test.p_value


def _results(
    protocol: Protocol, plan: Protocol, of_splits: Sequence[Values], n_splits: int
) -> Sequence[PlaceboResult]:
    places = {item.id: place for place, item in enumerate(plan.predictions)}
    results = []
    for item in protocol.predictions:
        if reason := why_no_placebo(item, protocol):
            results.append(PlaceboResult(item.id, reason=reason))
            continue
        values = [[defined(number) for number in rows[places[item.id]]] for rows in of_splits]
        by_loss = values[n_splits] if len(values) > n_splits else (None, None)
        results.append(
            PlaceboResult(
                item.id,
                null=item.contrast.null or "",
                effects=tuple(effect for effect, _ in values[:n_splits]),
                p_values=tuple(p_value for _, p_value in values[:n_splits]),
                effect_by_loss=by_loss[0],
                p_by_loss=by_loss[1],
            )
        )
    return results
