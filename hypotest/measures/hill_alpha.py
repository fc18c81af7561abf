"""Hill alpha: how fast the spectrum of the neurons' weights falls off (eq. 9, 10).

Its formula::

    k / Σᵢ log(λᵢ / λ_k), over the k largest eigenvalues of the weights' Gram matrix
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import GROUP_NULLS, Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.session import Session
    from hypotest.engine.workers import Values
    from hypotest.records.evidence.arrays import FloatArray, IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.group_measure import BoundMeasure

_FEW_EIGENVALUES = 50

WORDS = MeasureWords(
    title="tail of the weight spectrum",
    unit="Hill alpha (eq. 10)",
    what="how fast the spectrum of the group's weights falls off",
    less="the spectrum has a heavier tail: few directions dominate",
    greater="the spectrum has a lighter tail: directions are more even",
    label="Hill alpha of the weight spectrum",
    question="Is the spectrum of the group's weights heavier-tailed than that of other neurons?",
    method=(
        "Hill alpha is the tail exponent of the eigenvalues of the group's weight Gram matrix "
        "(eq. 9 and 10 of arXiv:2509.21163)"
    ),
    beside={
        "unbiased": "Hill alpha without the bias that few eigenvalues bring.",
        "eigenvalues": "How many eigenvalues there are to take a tail from: one for each neuron of the "
        "group.",
    },
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """Of the Gram matrix of the group's weight rows."""
    from hypotest.estimators import spectrum
    from hypotest.testing.group_measure import BoundMeasure, of_groups
    from hypotest.testing.layer_statistics import layer_statistic

    options = MEASURE.filled(prediction.options)
    tail, weights = options["tail"], evidence.known_weights
    rows: dict[str, Callable[[], FloatArray]] = {
        "output": lambda: weights.output,
        "input": lambda: weights.input,
        "both": lambda: np.concatenate([weights.output, weights.input], axis=1),
    }
    which = str(options["weights"])
    gram = layer_statistic(evidence, ("gram", which), lambda: spectrum.gram(rows[which]()))

    def values(groups: IntArray) -> Values:
        return of_groups(
            prediction, session.workers, spectrum.hill_alpha, {"gram": gram, "tail": tail}, groups
        )

    def secondary(group: IntArray) -> dict[str, float | None]:
        row = group[None, :]
        return {
            "unbiased": float(
                spectrum.hill_alpha_unbiased(gram, row, tail)[0]  # type: ignore[arg-type]  # validated
            ),
            "eigenvalues": float(len(group)),
        }

    return BoundMeasure(
        values=values,
        no_interval=MEASURE.why_no_interval(prediction.options),
        secondary=secondary,
    )


def few_eigenvalues(evidence: Evidence, group: IntArray) -> Iterator[str]:
    """Groups so small that there is hardly a tail."""
    if len(group) < _FEW_EIGENVALUES:
        yield (
            f"Hill alpha rests on at most {len(group)} eigenvalues, half of them in the tail; below "
            f"{_FEW_EIGENVALUES} it is a rough number."
        )


MEASURE = GroupMeasure(
    name="hill_alpha",
    words=WORDS,
    limits=few_eigenvalues,
    level="weights",
    contrasts=GROUP_NULLS,
    no_interval="weights have no documents to resample: their only interval is that of selecting the group "
    "again, which a protocol asks for with intervals: {reselection: true}",
    options={
        "weights": Option(
            "output", "the group's weight rows", choices=("output", "input", "both"), varies=False
        ),
        "tail": Option("median", "where the tail begins", choices=("median", "fix_finger")),
    },
    refused={
        Form.REFERENCE: "published thresholds such as 2 may live on another scale (public code "
        "reports 1 + n/sum, eq. 10 does not); compare with random groups instead: "
        "{null: size_matched}"
    },
    bind=bind,
    whole_layer=False,
    needs=frozenset({Channel.WEIGHTS}),
)
