"""Segregation: whether the neurons share more with each other than with the rest of the layer.

Its formula::

    mean mutual information inside the group / mean of that between the group and the rest
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import RANDOM_GROUPS
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.session import Session
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.group_measure import BoundMeasure

WORDS = MeasureWords(
    title="coupling inside the group against the rest of the layer",
    unit="ratio of mean mutual information",
    what="how much more the neurons share with each other than with the rest of the layer",
    less="the group is less set apart from the layer",
    greater="the group is more set apart from the layer",
    label="segregation (1: like any other group)",
    question=(
        "Do the group's neurons share more information with each other than with the rest of the layer?"
    ),
    method=(
        "segregation is the mean mutual information between two neurons of the group over that "
        "between a neuron of the group and one of the rest of the layer (after arXiv:2505.12822)"
    ),
    transformed="Activations become normal scores of their ranks for mutual information.",
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """Coupling inside the group against the rest of the layer."""
    from hypotest.estimators.graphs import modularity
    from hypotest.testing.group_measure import BoundMeasure, of_groups
    from hypotest.testing.layer_statistics import information_of

    information, _ = information_of(MEASURE.filled(prediction.options), evidence)
    return BoundMeasure(
        values=lambda groups: of_groups(
            prediction, session.workers, modularity.segregation, {"information": information}, groups
        ),
        no_interval=MEASURE.why_no_interval(prediction.options),
    )


MEASURE = GroupMeasure(
    name="segregation",
    words=WORDS,
    level="group",
    contrasts=RANDOM_GROUPS,
    no_interval="no document interval is available for segregation",
    bind=bind,
    needs=frozenset({Channel.ACTIVATIONS}),
)
