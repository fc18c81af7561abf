"""Attention Gini: whether attention concentrates on few positions (eq. 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hypotest.measures.measure import ConditionMeasure, Words
from hypotest.nulls.form import Form
from hypotest.records.design import SWAPS

if TYPE_CHECKING:
    from hypotest.records.evidence import Evidence, IntArray
    from hypotest.records.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.randomness import Streams
    from hypotest.testing.task import Task


WORDS = Words(
    title="concentration of attention",
    unit="Gini coefficient, rare - common",
    what="how much attention concentrates on few positions",
    less="attention spread over more positions",
    greater="attention on fewer positions",
    label="Gini coefficient of attention (0 uniform, 1 one key)",
    question="Is attention concentrated on fewer positions when the target is rare?",
    method=(
        "attention concentration is the Gini coefficient over visible keys, scaled so that "
        "uniform attention gives 0 and one key gives 1 (after eq. 7 of arXiv:2509.21163)"
    ),
    transformed="Attention is renormalised over the positions that a query sees.",
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """Gini coefficient of attention, rare against common query positions, paired by document."""
    from hypotest.inference.effect_size import cliffs_delta, paired_standardized_difference
    from hypotest.inference.randomization import compare_with_null, swapped_differences
    from hypotest.records.results import OwnIntervals
    from hypotest.testing.attention import SWAPPED, document_means, gini_of_heads
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.intervals import contrast_intervals, ends, secondary
    from hypotest.testing.undefined import Undefined

    split, protocol, streams = task.evidence.evaluation, task.protocol, task.streams
    gini = gini_of_heads(split).mean(axis=1)
    rare, common, _ = document_means(split, gini)
    if not rare.size:
        raise Undefined("no document of the evaluation split has a value for both conditions")
    differences = rare - common
    estimate = float(differences.mean())
    draws = swapped_differences(differences, SWAPS, streams("swaps", prediction.id))
    swapped = compare_with_null(estimate, draws, null=SWAPPED, statistic="T(rare) - T(common)")
    intervals, of_rare, of_common = (
        contrast_intervals(float(values.mean()), _weighted_mean(values), values.size, protocol, streams)
        for values in (differences, rare, common)
    )
    paired = paired_standardized_difference(rare, common)
    return MeasuredContrast(
        observed=float(rare.mean()),
        reference="common",
        reference_value=float(common.mean()),
        standardized=None if paired is None else paired.value,
        p_value=swapped.p_value,
        p_error=swapped.p_error,
        percentile=swapped.percentile,
        interval=intervals[0],
        interval_95=intervals[1],
        deciding_draws=draws,
        own_intervals=OwnIntervals(
            observed=ends(of_rare[1]),
            reference=ends(of_common[1]),
            standardized=None if paired is None else (paired.low, paired.high),
        ),
        secondary=secondary(
            {"documents": float(differences.size), "cliffs_delta": cliffs_delta(rare, common)}
        ),
        ladder=(swapped,),
        draws={SWAPPED: draws},
        notes=intervals[2],
    )


def _weighted_mean(values: NDArray[np.float64]) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """The mean over documents, given how often each was drawn."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """Mean over documents of the difference between conditions."""
    from hypotest.testing.attention import document_means, gini_of_heads

    rare, common, _ = document_means(evidence.evaluation, gini_of_heads(evidence.evaluation).mean(axis=1))
    return float(np.mean(rare - common))


MEASURE = ConditionMeasure(
    name="attention_gini",
    words=WORDS,
    figure="attention",
    depends_on=("percentile", "of"),  # attention is read without any ablation
    level="conditions",
    contrasts=(Form.BY_DOCUMENT,),
    compared=compare,
    effect=effect,
)
