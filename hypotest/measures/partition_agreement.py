"""Partition agreement: whether neurons that act together are those of one declared part.

Its formula::

    (agreement − expected) / (greatest − expected), counted over pairs of neurons
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

DRAWS = 1999
"""Divisions that chance makes."""
SHUFFLED = "parts permuted"
"""The comparison with these."""

WORDS = MeasureWords(
    title="agreement of activity with the declared parts",
    unit="adjusted Rand index",
    what="whether the group's neurons that act together are those of one declared part",
    less="activity agrees with the parts less than chance divisions would",
    greater="neurons of one part act together",
    label="agreement with declared parts (1: the same; 0: chance)",
    question="Are neurons that act together those of one declared part?",
    method=(
        "partition agreement is the adjusted Rand index of the declared parts and a spectral clustering of "
        "the group's neurons by mutual information over all positions, with as many clusters as its neurons "
        "have parts; p is by permutation of the parts; it shows routing and wiring, not specialisation"
    ),
    beside={
        "neurons": "Neurons of the group.",
        "parts": "Declared parts into which the neurons are divided.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """The group's clusters and its declared parts, against parts dealt out anew over its neurons.

    Zero is what chance gives, and the only number that it is tested against: clusters jump when rows are left
    out, so that leaving out says nothing of their variance. Give `group: {select: ...}` that holds more than
    one part: of a group within a single part there is nothing to agree on.
    """
    from hypotest.estimators.graphs.information import gaussian_copula_information
    from hypotest.estimators.graphs.partition import agreement, permuted_agreement, spectral_clusters
    from hypotest.inference.randomization import compare_with_null
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.intervals import secondary
    from hypotest.testing.partition import partition_of
    from hypotest.testing.undefined import Undefined

    evidence, group = task.evidence, task.selection.group
    parts = partition_of(evidence).parts[group]
    n_parts = int(np.unique(parts).size)
    if n_parts < 2 or n_parts == len(group):
        raise Undefined(
            f"the group's {len(group)} neurons lie in {n_parts} of the declared parts: there is no division "
            "to agree with; a larger group may span several"
        )
    information = gaussian_copula_information(evidence.evaluation.activations[:, group])
    seed = int(task.streams("spectral clusters", prediction.id).integers(2**31))
    clusters = spectral_clusters(information, n_parts, seed)
    observed = float(agreement(clusters, parts))
    draws = permuted_agreement(clusters, parts, DRAWS, task.streams(SHUFFLED, prediction.id))
    permuted = compare_with_null(observed, draws, null=SHUFFLED)
    return MeasuredContrast(
        observed=observed,
        reference="value",
        reference_value=0.0,
        p_value=permuted.p_value,
        p_error=permuted.p_error,
        percentile=permuted.percentile,
        secondary=secondary({"parts": float(n_parts), "neurons": float(len(group))}),
        ladder=(permuted,),
        draws={SHUFFLED: draws},
    )


MEASURE = ConditionMeasure(
    name="partition_agreement",
    words=WORDS,
    level="group",
    contrasts=(Form.REFERENCE,),
    no_interval="clusters jump when rows are left out: no interval",
    needs=frozenset({Channel.ACTIVATIONS, Channel.PARTITION}),
    compared=compare,
    no_difference=0.0,
    only_no_difference=(
        "it has no interval, since clusters jump when rows are left out, and p is by permutation of the parts"
    ),
)
