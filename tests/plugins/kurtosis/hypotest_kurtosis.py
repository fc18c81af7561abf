"""Excess kurtosis of the neurons' activations: how far they are from Gaussian; an example of a measure."""

from __future__ import annotations

import numpy as np
from scipy.stats import kurtosis

from hypotest.engine.session import Session
from hypotest.engine.workers import Values
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import GROUP_NULLS
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.layer_statistics import first_rows


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """Its mean over the group."""
    of_neurons = kurtosis(first_rows(evidence), axis=0, fisher=True)
    if MEASURE.filled(prediction.options)["sign"] == "absolute":
        of_neurons = np.abs(of_neurons)

    def values(groups: IntArray) -> Values:
        return np.asarray(of_neurons[groups].mean(axis=1), dtype=np.float64)

    return BoundMeasure(values=values, no_interval=MEASURE.no_interval)


MEASURE = GroupMeasure(
    name="kurtosis",
    interface=1,
    words=MeasureWords(
        title="excess kurtosis of the activations",
        unit="excess kurtosis",
        what="how heavy the tails of the neurons' activations are",
        less="lighter tails: the neurons are active more evenly",
        greater="heavier tails: rare and strong activations",
        label="excess kurtosis (0: Gaussian)",
        question="Are the group's neurons active more rarely and more strongly than other neurons?",
        method="excess kurtosis is the mean over the group of the fourth standardised moment less 3",
    ),
    level="group",
    contrasts=GROUP_NULLS,
    options={"sign": Option("signed", "as it is, or without its sign", choices=("signed", "absolute"))},
    no_interval="no document interval is available for kurtosis",
    bind=bind,
    needs=frozenset({Channel.ACTIVATIONS}),
)
