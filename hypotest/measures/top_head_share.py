"""The top head's share: whether one attention head carries what its layer brings to the neurons.

Its formula::

    ‖a − a without the head‖² / ‖a − a without all heads of its layer‖²
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
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

WORDS = MeasureWords(
    title="share of the top head in its layer's effect",
    unit="share of the squared change",
    what="the share that the strongest attention head has in its layer's effect on the group",
    less="the top head has a smaller share: many heads contribute",
    greater="the top head has a larger share: it drives the group",
    label="squared effect of the top head / of its whole layer",
    question="Does one attention head carry what a whole layer of heads brings to these neurons?",
    method=(
        "the top head's share is the squared change of the group's activations with that head "
        "ablated over the squared change with all heads of its layer ablated"
    ),
    beside={
        "top_head_layer": "The layer, counted from 0, of the attention head that changes the group most.",
        "top_head": "The number, in its layer and counted from 0, of the attention head that changes the "
        "group most.",
        "share_of_equal_heads": "What the top head's share would be if all heads of its layer changed the "
        "group alike.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """Share of the top head in the effect of all heads of its layer, against a declared share."""
    from hypotest.estimators.attention import heads
    from hypotest.inference.crossed import crossed_interval
    from hypotest.inference.crossed_means import sum_ratio
    from hypotest.testing.contrast import against_declared
    from hypotest.testing.group_measure import MeasuredRows
    from hypotest.testing.heads import head_layers
    from hypotest.testing.intervals import UNDEFINED, effective_behind, secondary
    from hypotest.testing.undefined import defined

    evidence, level = task.evidence, task.protocol.decision.level
    ablation = evidence.evaluation.head_ablation
    on_selection = evidence.selection.head_ablation.single.sum(axis=0, dtype=np.float64)
    group = task.selection.group
    top = int(heads.top_head(on_selection, group[None, :])[0])
    part, whole = heads.top_head_changes(ablation.single, ablation.layer, head_layers(evidence), group, top)
    observed = defined(
        float(part.sum() / whole.sum()) if whole.any() else np.nan,
        "the heads of the top head's layer do not change this group on the evaluation split",
    )
    reference = float(prediction.contrast.reference or 0.0)
    conditions = evidence.evaluation.conditions
    interval = at_95 = None
    numbers: dict[str, float] = {}
    try:
        rows = MeasuredRows.of_heads(evidence.evaluation)
        variances = sum_ratio(part, whole, rows.documents, rows.types).variances
    except ValueError:
        reason = UNDEFINED
    else:
        reason = variances.too_few(conditions)
        numbers = effective_behind(variances, conditions)
    if not reason:
        interval, at_95 = (
            crossed_interval(observed - reference, variances, item) for item in (1 - 2 * level, 0.95)
        )
    head = evidence.heads[top]
    n_heads = sum(item.layer == head.layer for item in evidence.heads)
    return against_declared(
        observed,
        reference,
        (interval, at_95),
        secondary(
            {
                "top_head_layer": float(head.layer),
                "top_head": float(head.head),
                "share_of_equal_heads": 1 / n_heads,
                **numbers,
            }
        ),
        reason,
    )


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The share less the declared one."""
    from hypotest.estimators.attention import heads
    from hypotest.testing.heads import head_layers

    ablation = evidence.evaluation.head_ablation
    on_selection = evidence.selection.head_ablation.single.sum(axis=0, dtype=np.float64)
    top = int(heads.top_head(on_selection, group[None, :])[0])
    ones = np.ones((1, ablation.documents.size))
    share = heads.top_head_share(ablation.single, ablation.layer, head_layers(evidence), group, top, ones)
    return float(share[0]) - float(prediction.contrast.reference or 0.0)


MEASURE = ConditionMeasure(
    name="top_head_share",
    words=WORDS,
    level="heads",
    contrasts=(Form.REFERENCE,),
    compared=compare,
    effect=effect,
    needs=frozenset({Channel.HEADS}),
)
