"""Attention Gini: whether attention concentrates on few positions (eq. 7).

Its formula::

    (1 + 1/n − (2/n) Σᵢ (n + 1 − i) aᵢ) n / (n − 1), with a₁ ≤ … ≤ aₙ the attention to n visible keys
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.design import PERMUTATIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hypotest.engine.streams import Streams
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.evidence.split import SplitEvidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task


WORDS = MeasureWords(
    title="concentration of attention",
    unit="Gini coefficient, {first} - {second}",
    what="how much attention concentrates on few positions",
    less="attention is spread over more positions",
    greater="attention is on fewer positions",
    label="Gini coefficient of attention (0 uniform, 1 one key)",
    question="Is attention concentrated on fewer positions at {first} targets?",
    method=(
        "attention concentration is the Gini coefficient over visible keys, scaled so that "
        "uniform attention gives 0 and one key gives 1 (after eq. 7 of arXiv:2509.21163)"
    ),
    transformed="Attention is renormalised over the positions that a query sees.",
    beside={
        "cliffs_delta": "Of two documents drawn at random: how much more often the first condition's value "
        "is the larger than the second's, -1 to 1.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """Gini coefficient of attention, mean over the first condition's less mean over the second's positions.

    Documents and target types are both samples: p and interval come from one t with the standard error over
    both. The same t with the labels of whole types, or other units, permuted stands beside it. (Sign flips
    within documents, which take types for fixed, rejected up to 0.62 of true nulls at 0.05 in simulations
    with type effects.)
    """
    from hypotest.inference.crossed import crossed_interval
    from hypotest.inference.crossed_means import mean_contrast, permuted_contrasts
    from hypotest.inference.effect_size import cliffs_delta, paired_standardized_difference
    from hypotest.inference.randomization import compare_with_null
    from hypotest.predicates.combine import exchange_of
    from hypotest.predicates.units import EXCHANGES, permuted_name
    from hypotest.records.results.prediction_result import OTHER_CONDITION, OwnIntervals
    from hypotest.testing.attention import document_means, gini_of_heads
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.intervals import effective_behind, ends, interval_p_value, secondary
    from hypotest.testing.relabelled import units_in

    split, protocol = task.evidence.evaluation, task.protocol
    gini = gini_of_heads(split).mean(axis=1)
    values, first, documents, types = _known_rows(split, gini)
    contrast = mean_contrast(values, first, documents, types)
    level, variances = protocol.decision.level, contrast.variances
    reason = variances.too_few(split.conditions)
    interval, at_95 = (
        None if reason else crossed_interval(contrast.estimate, variances, coverage)
        for coverage in (1 - 2 * level, 0.95)
    )
    sides = []
    for rows in (first, ~first):
        own = mean_contrast(values[rows], rows[rows], documents[rows], None if types is None else types[rows])
        few = own.variances.too_few(split.conditions)
        sides.append(None if few else crossed_interval(own.estimate, own.variances, 0.95))
    unit = exchange_of(protocol)
    name = permuted_name(unit)
    draws = permuted_contrasts(
        values,
        first,
        documents,
        types,
        PERMUTATIONS,
        task.streams(name, prediction.id),
        None if unit == "type" else units_in(split.positions.filter(np.isfinite(gini)), unit),
    )
    permuted = compare_with_null(contrast.statistic, draws, null=name, statistic="t")
    of_first, of_second, _ = document_means(split, gini)
    both = of_first.size > 1  # no document has both conditions where they are properties of documents
    paired = paired_standardized_difference(of_first, of_second) if both else None
    blocked = None
    if interval is None and not EXCHANGES[unit].calibrated:
        blocked = f"{reason}, and labels permuted {EXCHANGES[unit].over} are not calibrated"
    return MeasuredContrast(
        observed=float(values[first].mean()),
        reference=OTHER_CONDITION,
        variant=task.protocol.names.second,
        reference_value=float(values[~first].mean()),
        standardized=None if paired is None else paired.value,
        p_value=permuted.p_value if interval is None else interval_p_value(interval),
        p_error=permuted.p_error if interval is None else None,
        percentile=permuted.percentile if interval is None else None,
        interval=interval,
        interval_95=at_95,
        blocked=blocked,
        own_intervals=OwnIntervals(
            observed=ends(sides[0]),
            reference=ends(sides[1]),
            standardized=None if paired is None else (paired.low, paired.high),
        ),
        secondary=secondary(
            {
                **effective_behind(variances, split.conditions),
                "cliffs_delta": cliffs_delta(of_first, of_second) if both else None,
            }
        ),
        ladder=(replace(permuted, descriptive=interval is not None),),
        draws={name: draws},
        notes=(reason,) if reason else (),
    )


def quick(prediction: Prediction, task: Task) -> tuple[float, float | None]:
    """The difference and its p by t, without what stands beside them."""
    from hypotest.inference.crossed import crossed_interval
    from hypotest.inference.crossed_means import mean_contrast
    from hypotest.testing.attention import gini_of_heads
    from hypotest.testing.intervals import interval_p_value

    split = task.evidence.evaluation
    contrast = mean_contrast(*_known_rows(split, gini_of_heads(split).mean(axis=1)))
    if contrast.variances.too_few(split.conditions):
        return contrast.estimate, None
    return contrast.estimate, interval_p_value(crossed_interval(contrast.estimate, contrast.variances, 0.95))


def _known_rows(
    split: SplitEvidence, gini: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], IntArray, IntArray | None]:
    """Value, label, document and type of each row; the first query of a block sees nothing to choose from.

    Raises:
        Undefined: If a condition has none.
    """
    from hypotest.testing.undefined import Undefined

    first, known = split.first, np.isfinite(gini)
    if not first[known].any() or first[known].all():
        raise Undefined("the evaluation split has no value for one of the conditions")
    types = split.types
    return gini[known], first[known], split.documents[known], None if types is None else types[known]


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """Mean over the first condition's less mean over the second's positions."""
    from hypotest.testing.attention import gini_of_heads

    gini = gini_of_heads(evidence.evaluation).mean(axis=1)
    first, known = evidence.evaluation.first, np.isfinite(gini)
    return float(gini[first & known].mean() - gini[~first & known].mean())


MEASURE = ConditionMeasure(
    name="attention_gini",
    words=WORDS,
    figure="attention",
    depends_on=("conditions",),  # attention is read without any ablation
    level="conditions",
    contrasts=(Form.BY_DOCUMENT,),
    compared=compare,
    effect=effect,
    quick=quick,
    quick_is_exact=True,
    needs=frozenset({Channel.ATTENTION}),
)
