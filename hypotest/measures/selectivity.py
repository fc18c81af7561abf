"""Selectivity: whether the neurons matter more for targets of the first condition than for the second's.

Its formula::

    mean over the group of (first − second) / (first + second), of mean influences
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import GroupMeasure
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
    from hypotest.testing.relabelled import ShuffledGroups

WORDS = MeasureWords(
    title="influence on {first} rather than {second} targets",
    unit="({first} - {second}) / ({first} + {second})",
    what="how much more the neurons matter for {first} targets than for {second} ones",
    less="the neurons prefer {first} targets less",
    greater="the neurons prefer {first} targets more",
    label="selectivity (−1 to 1)",
    question=(
        "Do these neurons matter more for {first} targets than for {second} ones, on documents that "
        "took no part in selecting them?"
    ),
    method=(
        "selectivity is the mean over the group of (influence on {first} - influence on {second}) / "
        "(their sum)"
    ),
    beside={
        "influence_{first}": "The neurons' mean influence on {first} targets, in nats.",
        "influence_{second}": "The neurons' mean influence on {second} targets, in nats.",
    },
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """The mean of the neurons' preferences for targets of the first condition."""
    from hypotest.estimators import regimes
    from hypotest.groups.nulls import labelled_sums
    from hypotest.testing.group_measure import BoundMeasure, MeasuredRows, each
    from hypotest.testing.ranking import in_chunks

    split = evidence.evaluation
    first, second = split.first, split.second
    influences = regimes.influence(split.delta_loss, first), regimes.influence(split.delta_loss, second)

    def resamples(group: IntArray, units: IntArray, weights: IntArray) -> Values:
        absolute = np.abs(split.delta_loss[:, group]).astype(np.float64)
        influence, defined = [], np.ones(len(weights), dtype=bool)
        for rows in (first, second):
            sums = np.zeros((weights.shape[1], len(group)))
            np.add.at(sums, units[rows], absolute[rows])
            counts = np.bincount(units[rows], minlength=weights.shape[1])
            positions = weights @ counts
            defined &= positions > 0
            influence.append(weights @ sums / np.maximum(positions, 1)[:, None])
        return np.where(defined, regimes.preference(*influence).mean(axis=1), np.nan)

    def under_labels(shuffled: ShuffledGroups) -> tuple[Values, Values]:
        columns, units = np.unique(shuffled.evaluation_units, return_inverse=True)
        sums, labels = labelled_sums(split.delta_loss, units), shuffled.labels[:, columns]
        selectivities: tuple[list[float], list[float]] = ([], [])
        for on_first, on_second in zip(in_chunks(labels, sums), in_chunks(~labels, sums), strict=True):
            for drawn in regimes.preference(on_first.whole, on_second.whole):
                for values, groups in zip(selectivities, (shuffled.first, shuffled.second), strict=True):
                    values.append(float(drawn[groups[len(values)]].mean()))
        return np.array(selectivities[0]), np.array(selectivities[1])

    def secondary(group: IntArray) -> dict[str, float | None]:
        return {
            f"influence_{split.conditions.first}": float(influences[0][group].mean()),
            f"influence_{split.conditions.second}": float(influences[1][group].mean()),
        }

    def values(groups: IntArray) -> Values:  # other neurons may not have been ablated
        used, places = np.unique(groups, return_inverse=True)
        own, other = influences
        return regimes.selectivity(own[used], other[used], places.reshape(groups.shape))

    return BoundMeasure(
        values=values,
        resamples=each(resamples),
        rows=MeasuredRows.of(split, both=True),
        under_labels=under_labels,
        secondary=secondary,
    )


MEASURE = GroupMeasure(
    name="selectivity",
    words=WORDS,
    both_conditions=True,
    level="group",
    contrasts=GROUP_NULLS,
    bind=bind,
    needs=frozenset({Channel.INFLUENCE}),
    decided_by_labels=True,
)
