"""The top head's share: whether one attention head carries what its layer brings to the neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hypotest.measures.measure import ConditionMeasure, Words
from hypotest.nulls.form import Form

if TYPE_CHECKING:
    from hypotest.engine.streams import Streams
    from hypotest.records.arrays import IntArray
    from hypotest.records.evidence import Evidence
    from hypotest.records.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

WORDS = Words(
    title="share of the top head in its layer's effect",
    unit="share of the squared change",
    what="the share that the strongest attention head has in its layer's effect on the group",
    less="a smaller share: many heads contribute",
    greater="a larger share: one head drives the group",
    label="squared effect of the top head / of its whole layer",
    question="Does one attention head carry what a whole layer of heads brings to these neurons?",
    method=(
        "the top head's share is the squared change of the group's activations with that head "
        "ablated over the squared change with all heads of its layer ablated"
    ),
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """Share of the top head in the effect of all heads of its layer, against a declared share."""
    from hypotest.estimators import heads
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.heads import head_layers
    from hypotest.testing.intervals import contrast_intervals, interval_p_value, secondary
    from hypotest.testing.undefined import defined

    evidence, protocol, streams = task.evidence, task.protocol, task.streams
    ablation = evidence.evaluation.head_ablation
    on_selection = evidence.selection.head_ablation.single.sum(axis=0, dtype=np.float64)
    group = task.selection.group
    top = int(heads.top_head(on_selection, group[None, :])[0])
    layers = head_layers(evidence)
    n_documents = ablation.documents.size

    def share(weights: NDArray[np.float64] | NDArray[np.int32]) -> NDArray[np.float64]:
        return heads.top_head_share(ablation.single, ablation.layer, layers, group, top, weights)

    observed = defined(
        float(share(np.ones((1, n_documents)))[0]),
        "the heads of the top head's layer do not change this group on the evaluation split",
    )
    reference = float(prediction.contrast.reference or 0.0)
    intervals = contrast_intervals(
        observed - reference,
        lambda weights: share(weights) - reference,
        n_documents,
        protocol,
        streams,
    )
    head = evidence.heads[top]
    n_heads = sum(item.layer == head.layer for item in evidence.heads)
    return MeasuredContrast(
        observed=observed,
        reference="value",
        reference_value=reference,
        p_value=None if intervals[0] is None else interval_p_value(intervals[0]),
        interval=intervals[0],
        interval_95=intervals[1],
        secondary=secondary(
            {
                "top_head_layer": float(head.layer),
                "top_head": float(head.head),
                "share_of_equal_heads": 1 / n_heads,
                "documents": float(n_documents),
            }
        ),
        notes=intervals[2],
    )


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The share less the declared one."""
    from hypotest.estimators import heads
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
)
