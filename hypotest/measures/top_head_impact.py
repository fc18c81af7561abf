"""Impact of the top head: how strongly the neurons depend on one attention head (eq. 8).

Its formula::

    ‖a − a without the head‖ / ‖a‖, over the group's activations a
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import RANDOM_GROUPS
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.session import Session
    from hypotest.engine.workers import Values
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.group_measure import BoundMeasure

WORDS = MeasureWords(
    title="impact of the top head on the group",
    unit="relative change of the activations",
    what="how strongly the group depends on its strongest attention head",
    less="the group depends on it less",
    greater="the group depends on it more",
    label="impact of the top head (relative change of activations)",
    question="Does the group depend on its top head more than other groups depend on theirs?",
    method=(
        "head impact is the relative change of the group's activations with a head's output set "
        "to zero (eq. 8 of arXiv:2509.21163)"
    ),
    beside={
        "top_head_layer": "The layer, counted from 0, of the attention head that changes the group most.",
        "top_head": "The number, in its layer and counted from 0, of the attention head that changes the "
        "group most.",
        "layer_impact": "Relative change of the group's activations with all heads of the top head's "
        "layer ablated.",
    },
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """The head is chosen on the selection split, its impact measured on the other."""
    from hypotest.estimators.attention import heads
    from hypotest.testing.group_measure import BoundMeasure, MeasuredRows, each
    from hypotest.testing.heads import head_layers

    selection = evidence.selection.head_ablation.single.sum(axis=0, dtype=np.float64)
    ablation = evidence.evaluation.head_ablation
    single, base = ablation.single.sum(axis=0, dtype=np.float64), ablation.base.sum(axis=0, dtype=np.float64)

    def resamples(group: IntArray, units: IntArray, weights: IntArray) -> Values:
        head = int(heads.top_head(selection, group[None, :])[0])
        change = ablation.single[:, head, group].sum(axis=1, dtype=np.float64)
        whole = ablation.base[:, group].sum(axis=1, dtype=np.float64)
        counts = weights[:, units]
        return np.asarray(np.sqrt((counts @ change) / (counts @ whole)))

    def secondary(group: IntArray) -> dict[str, float | None]:
        chosen = int(heads.top_head(selection, group[None, :])[0])
        head = evidence.heads[chosen]
        whole = ablation.layer[:, head_layers(evidence)[chosen], group].sum(dtype=np.float64)
        return {
            "top_head_layer": float(head.layer),
            "top_head": float(head.head),
            "layer_impact": float(np.sqrt(whole / base[group].sum())),
        }

    return BoundMeasure(
        values=lambda groups: heads.top_head_impact(selection, single, base, groups),
        resamples=each(resamples),
        rows=MeasuredRows.of_heads(evidence.evaluation),
        secondary=secondary,
    )


MEASURE = GroupMeasure(
    name="top_head_impact",
    words=WORDS,
    figure="heads",
    level="heads",
    contrasts=RANDOM_GROUPS,
    bind=bind,
    needs=frozenset({Channel.HEADS}),
)
