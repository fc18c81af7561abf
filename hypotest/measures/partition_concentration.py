"""Partition concentration: whether a group lies in few of the declared parts.

Its formula::

    Gini coefficient of members per part, times P / (P − 1) for P parts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.session import Session
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.group_measure import BoundMeasure

WORDS = MeasureWords(
    title="concentration of the group on declared parts",
    unit="Gini coefficient",
    what="whether the neurons lie in few of the declared parts (experts, branches, modalities)",
    less="the group is spread over more parts",
    greater="the group lies in fewer parts",
    label="Gini coefficient over parts (0: as many in each; 1: all in one)",
    question="Do these neurons lie in few of the network's declared parts?",
    method=(
        "partition concentration is the Gini coefficient of the numbers of the group's members in each "
        "declared part, scaled so that all in one part give 1; it shows routing and wiring, not "
        "specialisation"
    ),
    beside={
        "parts": "Declared parts into which the neurons are divided.",
    },
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """Of the members alone: no row has a part in it."""
    from hypotest.estimators.graphs.partition import concentration_over_parts
    from hypotest.testing.group_measure import BoundMeasure
    from hypotest.testing.partition import partition_of

    declared = partition_of(evidence)

    def secondary(group: IntArray) -> dict[str, float | None]:
        counts = np.bincount(declared.parts[group], minlength=len(declared.names))
        return {
            **{f"members_in_{name}": float(n) for name, n in zip(declared.names, counts, strict=True) if n},
            "parts": float(len(declared.names)),
        }

    return BoundMeasure(
        values=lambda groups: concentration_over_parts(declared.parts, groups, len(declared.names)),
        no_interval=MEASURE.why_no_interval(prediction.options),
        secondary=secondary,
    )


MEASURE = GroupMeasure(
    name="partition_concentration",
    words=WORDS,
    level="group",
    contrasts=(Form.GROUPS, Form.LABELS),
    no_interval="parts are declared and members are given, so that documents and types move nothing",
    bind=bind,
    whole_layer=False,
    needs=frozenset({Channel.PARTITION}),
)
