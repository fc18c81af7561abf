"""Routing similarity: whether the heads look around alike in both conditions.

Its formula::

    meanₕ cₕ / meanₕ √(max(aₕ, 0) max(bₕ, 0)), with c between conditions, a and b within each
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.streams import Streams
    from hypotest.estimators.attention.routing import Routing
    from hypotest.inference.left_out import CrossedLeftOut
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

HALVINGS = 5
"""Random halvings of documents and types behind a noise ceiling."""

WORDS = MeasureWords(
    title="similarity of attention routing",
    unit="share of the noise ceiling",
    what=(
        "how alike the attention heads look around for {first} and for {second} targets, as a share of"
        " what two halves of the same data agree on"
    ),
    less="routing is less alike: {first} targets take ways of their own",
    greater="routing is more alike",
    label="routing similarity (share of the noise ceiling)",
    question="Do the attention heads look at the same places for {first} targets as for {second} ones?",
    method=(
        "routing similarity is the Spearman correlation of mean attention profiles, as a share of"
        " the noise ceiling of halves that share neither documents nor token types; its "
        "variances over documents and over types are added up"
    ),
    beside={
        "spearman": "The mean rank correlation of both conditions' attention, noise and all.",
        "spearman_lowest_head": "Rank correlation of both conditions' attention in the head in which it "
        "is least alike.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """Similarity of the attention profiles of both conditions, as a share of its noise ceiling.

    p is that of t against the declared reference, with the standard error over documents and target types of
    the interval. A ratio of rank correlations is far from linear, so that what documents and types have in
    common is not taken off their variances: with it 90 % intervals covered 0.82 (0.07) in simulations of the
    shipped size where the profiles differ, with the sum 0.94. Where they are alike nearly all first-order
    terms cancel, and either is too wide (standard errors 2.4 and 3.0 times the SD; none of 157 true nulls was
    rejected): p-values near the reference are conservative.
    """
    from hypotest.estimators.attention.correlations import routing_correlations
    from hypotest.testing.contrast import against_declared
    from hypotest.testing.intervals import secondary
    from hypotest.testing.left_out import reference_errors
    from hypotest.testing.undefined import defined

    split, first = task.evidence.evaluation, task.evidence.evaluation.first
    routing, without, left = _left_out(prediction, task, HALVINGS)
    observed = defined(
        float(routing.similarity[0]),
        f"no head attends alike in two halves of the {np.unique(split.documents).size} documents and their "
        "token types, or they share fewer than three distances; more positions may help",
    )
    reference = float(prediction.contrast.reference or 0.0)
    errors = reference_errors([np.r_[observed, item.similarity] for item in without], left, split.conditions)
    level = task.protocol.decision.level
    interval, at_95 = (errors.interval(observed - reference, item) for item in (1 - 2 * level, 0.95))
    spearman = float(routing.correlation[0])
    of_plain = reference_errors(
        [np.r_[spearman, item.correlation] for item in without], left, split.conditions
    )
    by_head = routing_correlations(split.attention, split.indices, first, split.head_windows)
    return against_declared(
        observed,
        reference,
        (interval, at_95),
        secondary(
            {
                "spearman": spearman,
                "spearman_lowest_head": float(np.nanmin(by_head)),
                "noise_ceiling": float(routing.ceiling[0]),
                **errors.effective,
            },
            spearman=of_plain.interval(spearman, 0.95),
        ),
        errors.reason,
    )


def quick(prediction: Prediction, task: Task) -> tuple[float, float | None]:
    """The difference from the declared reference and its p, by a single halving."""
    from hypotest.testing.intervals import interval_p_value
    from hypotest.testing.left_out import reference_errors

    routing, without, left = _left_out(prediction, task, 1)
    observed = float(routing.similarity[0])
    errors = reference_errors(
        [np.r_[observed, item.similarity] for item in without], left, task.evidence.evaluation.conditions
    )
    effect = observed - float(prediction.contrast.reference or 0.0)
    interval = errors.interval(effect, 0.95)
    return effect, None if interval is None else interval_p_value(interval)


def _left_out(
    prediction: Prediction, task: Task, n_halvings: int
) -> tuple[Routing, list[Routing], CrossedLeftOut]:
    """With all rows, and without each group of documents and of types."""
    from dataclasses import replace

    from hypotest.estimators.attention.correlations import everything
    from hypotest.estimators.attention.routing import crossed_halvings, crossed_routing
    from hypotest.testing.group_measure import MeasuredRows
    from hypotest.testing.left_out import left_out_of

    split, streams = task.evidence.evaluation, task.streams
    halves = crossed_halvings(split.documents, split.types, n_halvings, streams("halves", prediction.id))
    # cells are not taken off: the errors are V_documents + V_types
    left = replace(left_out_of(MeasuredRows.of(split, both=True), streams), cells=())
    routing, *without = crossed_routing(
        split.attention,
        split.indices,
        split.first,
        [everything(split.positions.height), *((item.units, item.weights) for item in left.each())],
        halves,
        split.head_windows,
    )
    return routing, without, left


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The ratio less the declared reference."""
    from hypotest.estimators.attention.correlations import everything
    from hypotest.estimators.attention.routing import crossed_halvings, crossed_routing

    split = evidence.evaluation
    halves = crossed_halvings(split.documents, split.types, HALVINGS, streams("truth, halves"))
    (routing,) = crossed_routing(
        split.attention,
        split.indices,
        split.first,
        [everything(split.positions.height)],
        halves,
        split.head_windows,
    )
    return float(routing.similarity[0]) - float(prediction.contrast.reference or 0.0)


MEASURE = ConditionMeasure(
    name="routing_similarity",
    words=WORDS,
    figure="routing",
    depends_on=("conditions",),  # attention is read without any ablation
    level="conditions",
    contrasts=(Form.REFERENCE,),
    compared=compare,
    effect=effect,
    quick=quick,
    no_difference=1.0,
    needs=frozenset({Channel.ATTENTION}),
)
