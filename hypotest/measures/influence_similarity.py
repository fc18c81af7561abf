"""Influence similarity: whether the same neurons matter for both conditions, and as much.

Its formula::

    ⟨a, b⟩ / √(⟨a, a⟩ ⟨b, b⟩), with a and b the mean influences of all neurons on both conditions

On small trained networks: 0 for two blocks, 0.99 to 1.00 for one function under permuted labels, 0.68 to 0.70
where half of one task follows the other, 0.14 to 0.22 for dense networks on separate inputs; 0.81 to 0.86
where nothing was learned, so that it needs a premise. The reference model has 0.94 for rare and common
targets. On simulated layers whose profiles differ (0.93), 90 % intervals covered 0.95 of 239; where they do
not, none of 396 tests against 1 rejected at 0.05: at that value first-order terms cancel, and errors are too
wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypotest.engine.streams import Streams
    from hypotest.estimators.profile_similarity import ProfileSimilarity
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.evidence.split import SplitEvidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.group_measure import MeasuredRows
    from hypotest.testing.task import Task

WORDS = MeasureWords(
    title="similarity of influence profiles",
    unit="cosine, as a share of its split-half ceiling",
    what="how alike the influences of all neurons are on {first} and on {second} targets",
    less="other neurons matter for {first} targets than for {second} ones",
    greater="the same neurons matter for both",
    label="similarity of influence profiles (1: one profile)",
    question="Do the same neurons matter for {first} and for {second} targets?",
    method=(
        "influence similarity is the cosine of all neurons' mean influences on both conditions, as a share "
        "of what it would be for one profile, from products of rows that share neither document nor token "
        "type"
    ),
    beside={
        "cosine": "The cosine of both conditions' mean influences, noise and all.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """The similarity against a declared number, by t over documents and types."""
    from hypotest.testing.contrast import against_declared
    from hypotest.testing.group_measure import MeasuredRows
    from hypotest.testing.intervals import secondary
    from hypotest.testing.left_out import left_out_of, reference_errors
    from hypotest.testing.undefined import defined

    split, level = task.evidence.evaluation, task.protocol.decision.level
    rows = MeasuredRows.of(split, both=True)
    left = left_out_of(rows, task.streams)
    similarity = _similarity(split, rows, [(item.units, len(item.weights)) for item in left.each()])
    observed = defined(
        similarity.similarity,
        "no neuron has influence on both conditions, or their rows share all documents or types",
    )
    errors = reference_errors(similarity.without, left, split.conditions)
    reference = float(prediction.contrast.reference or 0.0)
    interval, at_95 = (errors.interval(observed - reference, item) for item in (1 - 2 * level, 0.95))
    return against_declared(
        observed,
        reference,
        (interval, at_95),
        secondary(
            {"cosine": similarity.cosine, "split_half_ceiling": similarity.ceiling, **errors.effective}
        ),
        errors.reason,
    )


def _similarity(
    split: SplitEvidence, rows: MeasuredRows, left_out: Sequence[tuple[IntArray, int]] = ()
) -> ProfileSimilarity:
    """Of the sizes of the changes of loss."""
    from hypotest.estimators.profile_similarity import profile_similarity

    return profile_similarity(np.abs(split.delta_loss), split.first, rows.documents, rows.types, left_out)


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The similarity less the declared number; every neuron counts, and no group."""
    from hypotest.testing.group_measure import MeasuredRows

    split = evidence.evaluation
    similarity = _similarity(split, MeasuredRows.of(split, both=True)).similarity
    return similarity - float(prediction.contrast.reference or 0.0)


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
