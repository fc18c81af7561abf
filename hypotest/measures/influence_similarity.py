"""Influence similarity: whether the same neurons matter for both conditions, and as much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.words import Words
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.streams import Streams
    from hypotest.estimators.profile_similarity import ProfileSimilarity
    from hypotest.records.evidence.arrays import FloatArray, IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

WORDS = Words(
    title="similarity of influence profiles",
    unit="cosine, as a share of its split-half ceiling",
    what="how alike the influences of all neurons are on {first} and on {second} targets",
    less="other neurons matter for {first} targets than for {second} ones",
    greater="the same neurons matter for both",
    label="similarity of influence profiles (1: one profile)",
    question="Do the same neurons matter for {first} and for {second} targets?",
    method=(
        "influence similarity is the cosine of all neurons' mean influences on both conditions, as a share of "
        "what it would be for one profile, from products of rows that share neither document nor token type"
    ),
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """The similarity against a declared number, by t over documents and types."""
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.group_measure import MeasuredRows
    from hypotest.testing.intervals import interval_p_value, secondary
    from hypotest.testing.left_out import left_out_of, reference_errors
    from hypotest.testing.undefined import defined

    split, level = task.evidence.evaluation, task.protocol.decision.level
    rows, influence = MeasuredRows.of(split, both=True), _influence(task.evidence)
    found = _similarity(influence, rows)
    observed = defined(
        float(found.similarity[0]),
        "no neuron has influence on both conditions, or their rows share all documents or types",
    )
    left = left_out_of(rows, task.streams)
    without = [
        _similarity(influence, rows, np.asarray(item.units), len(item.weights)).similarity
        for item in left.each()
    ]
    errors = reference_errors(without, left, split.conditions)
    reference = float(prediction.contrast.reference or 0.0)
    interval, at_95 = (errors.interval(observed - reference, item) for item in (1 - 2 * level, 0.95))
    return MeasuredContrast(
        observed=observed,
        reference="value",
        reference_value=reference,
        p_value=None if interval is None else interval_p_value(interval),
        interval=interval,
        interval_95=at_95,
        secondary=secondary({"cosine": found.cosine, "split_half_ceiling": found.ceiling, **errors.effective}),
        notes=(errors.reason,) if errors.reason else (),
    )


def _influence(evidence: Evidence) -> FloatArray:
    """Size of the change of loss, shape (n_rows, n_neurons)."""
    return np.abs(evidence.evaluation.delta_loss)


def _similarity(
    influence: FloatArray, rows: object, left_out: IntArray | None = None, n_left_out: int = 0
) -> ProfileSimilarity:
    from hypotest.estimators.profile_similarity import profile_similarity
    from hypotest.testing.group_measure import MeasuredRows

    assert isinstance(rows, MeasuredRows) and rows.second is not None
    return profile_similarity(influence, ~rows.second, rows.documents, rows.types, left_out, n_left_out)


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The similarity less the declared number; every neuron counts, and no group."""
    from hypotest.testing.group_measure import MeasuredRows

    rows = MeasuredRows.of(evidence.evaluation, both=True)
    found = float(_similarity(_influence(evidence), rows).similarity[0])
    return found - float(prediction.contrast.reference or 0.0)


MEASURE = ConditionMeasure(
    name="influence_similarity",
    words=WORDS,
    level="conditions",
    contrasts=(Form.REFERENCE,),
    needs=frozenset({Channel.INFLUENCE}),
    compared=compare,
    effect=effect,
    no_difference=1.0,
)
