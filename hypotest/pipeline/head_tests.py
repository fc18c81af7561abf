"""The top attention head's share in the effect of its layer on the group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.measures import heads
from hypotest.pipeline.comparison import Comparison
from hypotest.pipeline.intervals import contrast_intervals, interval_p_value
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import Selection
from hypotest.pipeline.undefined import defined
from hypotest.records.evidence import Evidence
from hypotest.records.prediction import Prediction
from hypotest.records.protocol import Protocol


def compare_top_head_share(
    prediction: Prediction,
    evidence: Evidence,
    selection: Selection,
    protocol: Protocol,
    streams: Streams,
) -> Comparison:
    """Share of the top head in the effect of all heads of its layer, against a declared share."""
    ablation = evidence.evaluation.head_ablation
    on_selection = evidence.selection.head_ablation.single.sum(axis=0, dtype=np.float64)
    group = selection.group
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
    return Comparison(
        observed=observed,
        reference="value",
        reference_value=reference,
        p_value=None if intervals[0] is None else interval_p_value(intervals[0]),
        interval=intervals[0],
        interval_95=intervals[1],
        companions={
            "top_head_layer": float(head.layer),
            "top_head": float(head.head),
            "share_of_equal_heads": 1 / n_heads,
            "documents": float(n_documents),
        },
        notes=intervals[2],
    )


def head_layers(evidence: Evidence) -> NDArray[np.int64]:
    """For each head, the row of its layer in `HeadAblation.layer`."""
    order = list(dict.fromkeys(head.layer for head in evidence.heads))
    return np.array([order.index(head.layer) for head in evidence.heads])
