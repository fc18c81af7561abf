"""Effective dimension: along how many directions the neurons vary together (eq. 4).

Its formula::

    j + (τ − c_j) / (c_{j+1} − c_j) for c_j ≤ τ < c_{j+1}, with c_j the share of variance of j components
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.option import Option
from hypotest.measures.owners import owners_of_variance
from hypotest.measures.scale import SCALE
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import GROUP_NULLS
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.session import Session
    from hypotest.engine.workers import Values
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.group_measure import BoundMeasure

WORDS = MeasureWords(
    title="effective dimension of the activations",
    unit="dimensions",
    what="how many dimensions the activity of the group needs",
    less="the neurons act together more, along fewer dimensions",
    greater="the neurons act on their own more, along more dimensions",
    label="effective dimension (dimensions)",
    question="Do the group's neurons vary together, along fewer directions than other neurons do?",
    method=(
        "effective dimension is the interpolated number of principal components that hold the "
        "declared share of the variance of the group's activations (eq. 4 of arXiv:2509.21163), "
        "of their covariance or, where declared, their correlation"
    ),
    transformed="The effective dimension is interpolated between whole numbers of components.",
    beside={
        "dimension": "How many principal components reach the declared share of variance, in whole numbers.",
        "dimension_per_neuron": "Principal components that reach the declared share of variance, divided "
        "by the number of neurons.",
        "participation_ratio": "Over how many directions the variance is spread: 1 over the sum of squared "
        "shares.",
        "of_covariance": "Effective dimension of activations as they are.",
        "of_correlation": "Effective dimension of activations of equal variance.",
        "if_independent": "What the effective dimension would be if the neurons had nothing to do with each "
        "other.",
    },
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """Interpolated dimension; integer, participation ratio and others beside it."""
    from hypotest.estimators import covariances, dimension, relabelled
    from hypotest.testing.group_measure import BoundMeasure, MeasuredRows, each, of_groups, under_labels_of
    from hypotest.testing.layer_statistics import first_rows, second_moments

    options = MEASURE.filled(prediction.options)
    variance, scale = float(options["variance"]), options["scale"]
    activations = first_rows(evidence)
    layer = second_moments(evidence, "covariance")
    matrix = second_moments(evidence, str(scale))

    def values(groups: IntArray) -> Values:
        settings = {"covariance": matrix, "variance": variance}
        return of_groups(prediction, session.workers, dimension.effective_dimension, settings, groups)

    def secondary(group: IntArray) -> dict[str, float | None]:
        row = group[None, :]
        here = np.arange(len(group))[None, :]
        own = layer[np.ix_(group, group)]
        moments = {"covariance": own, "correlation": covariances.correlation(own)}
        by_scale = {
            f"of_{name}": float(dimension.effective_dimension(of_group, here, variance)[0])
            for name, of_group in moments.items()
        }
        integer = float(dimension.integer_dimension(matrix, row, variance)[0])
        return {
            "dimension": integer,
            "dimension_per_neuron": integer / len(group),
            "participation_ratio": float(dimension.participation_ratio(matrix, row)[0]),
            **by_scale,
            "if_independent": float(dimension.independent_dimension(moments[str(scale)], here, variance)[0]),
        }

    return BoundMeasure(
        values=values,
        resamples=each(
            lambda group, units, weights: dimension.effective_dimension_resamples(
                activations[:, group],
                units,
                weights,
                variance,
                scale,  # type: ignore[arg-type]  # validated
            )
        ),
        rows=MeasuredRows.of(evidence.evaluation),
        under_labels=under_labels_of(
            prediction,
            evidence,
            session.workers,
            relabelled.effective_dimension_relabelled,
            lambda piece: {"variance": variance, "scale": scale},
        ),
        secondary=secondary,
    )


def limits(evidence: Evidence, group: IntArray) -> Iterator[str]:
    """Loud neurons, and what finite text does to correlations."""
    yield from owners_of_variance(evidence, group)
    n_rows = int(evidence.evaluation.first.sum())
    yield (
        f"Effective dimensions of correlations are biased by finite text ({n_rows:,} positions here), that "
        "of a coordinated group more than those of its controls: differences look larger than they are (in "
        "simulation by 3 standard errors at 4,096 positions), which no interval covers. Equivalence errs on "
        "the safe side."
    )


MEASURE = GroupMeasure(
    name="effective_dimension",
    words=WORDS,
    figure="spectrum",
    limits=limits,
    level="group",
    contrasts=GROUP_NULLS,
    options={
        "variance": Option(0.95, "share of the variance that is kept", at_least=0.5, below=1),
        "scale": SCALE,
    },
    bind=bind,
    whole_layer=False,
    needs=frozenset({Channel.ACTIVATIONS}),
)
