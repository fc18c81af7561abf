"""Participation ratio: over how many directions the variance is spread.

Its formula::

    1 / Σⱼ pⱼ², with pⱼ the share of variance of component j
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.owners import owners_of_variance
from hypotest.measures.scale import SCALE
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import GROUP_NULLS
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.session import Session
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.group_measure import BoundMeasure

WORDS = MeasureWords(
    title="participation ratio of the activations",
    unit="dimensions",
    what="over how many dimensions the activity of the group is spread",
    less="the neurons act together more, along fewer dimensions",
    greater="the neurons act on their own more, along more dimensions",
    label="participation ratio (dimensions)",
    question=(
        "Is the variance of the group's activations spread over fewer directions than that of other neurons?"
    ),
    method=(
        "the participation ratio is 1 over the sum of squared shares of variance of the principal"
        " components of the group's activations"
    ),
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """Participation ratio of the covariance or correlation."""
    from hypotest.estimators import dimension, relabelled
    from hypotest.testing.group_measure import BoundMeasure, of_groups, under_labels_of
    from hypotest.testing.layer_statistics import second_moments

    scale = MEASURE.filled(prediction.options)["scale"]
    layer = second_moments(evidence, str(scale))
    return BoundMeasure(
        values=lambda groups: of_groups(
            prediction, session.workers, dimension.participation_ratio, {"covariance": layer}, groups
        ),
        under_labels=under_labels_of(
            prediction,
            evidence,
            session.workers,
            relabelled.participation_ratio_relabelled,
            lambda piece: {"scale": scale},
        ),
        no_interval=MEASURE.why_no_interval(prediction.options),
    )


MEASURE = GroupMeasure(
    name="participation_ratio",
    words=WORDS,
    limits=owners_of_variance,
    level="group",
    contrasts=GROUP_NULLS,
    options={"scale": SCALE},
    no_interval="no document interval is available for the participation ratio",
    bind=bind,
    whole_layer=False,
    needs=frozenset({Channel.ACTIVATIONS}),
)
