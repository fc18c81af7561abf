"""Group measures tied to evidence: a batch of groups in, values out; and one group over resamples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hypotest.groups.nulls import labelled_sums
from hypotest.measures import heads, regimes, spectrum
from hypotest.pipeline.activation_measures import (
    bind_effective_dimension,
    bind_modularity,
    bind_participation_ratio,
    bind_segregation,
)
from hypotest.pipeline.group_measure import GroupMeasure, each, of_groups
from hypotest.pipeline.head_tests import head_layers
from hypotest.pipeline.layer_statistics import layer_statistic
from hypotest.pipeline.parallel import Values, Workers
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import ShuffledGroups, in_chunks
from hypotest.records.evidence import Evidence, FloatArray, IntArray
from hypotest.records.prediction import Prediction
from hypotest.registration.measures import filled_options
from hypotest.registration.outcomes import why_no_interval


def bind(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers | None = None
) -> GroupMeasure:
    """Compute the layer statistic of a prediction's measure and tie it to the evidence."""
    return GROUP_MEASURES[prediction.measure](prediction, evidence, streams, workers or Workers())


def _bind_selectivity(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    split = evidence.evaluation
    rare, common = split.mask("rare"), split.mask("common")
    influences = regimes.influence(split.delta_loss, rare), regimes.influence(split.delta_loss, common)
    documents = np.unique(split.documents)
    owner = np.searchsorted(documents, split.documents)

    def resamples(group: IntArray, weights: IntArray) -> Values:
        absolute = np.abs(split.delta_loss[:, group]).astype(np.float64)
        influence, defined = [], np.ones(len(weights), dtype=bool)
        for rows in (rare, common):
            sums = np.zeros((documents.size, len(group)))
            np.add.at(sums, owner[rows], absolute[rows])
            counts = np.bincount(owner[rows], minlength=documents.size)
            positions = weights @ counts
            defined &= positions > 0
            influence.append(weights @ sums / np.maximum(positions, 1)[:, None])
        return np.where(defined, regimes.preference(*influence).mean(axis=1), np.nan)

    def under_labels(shuffled: ShuffledGroups) -> tuple[Values, Values]:
        columns, units = np.unique(shuffled.evaluation_units, return_inverse=True)
        sums = labelled_sums(split.delta_loss, units, np.zeros(units.size, dtype=bool))
        found: tuple[list[float], list[float]] = ([], [])
        for on_rare, on_common in in_chunks(shuffled.labels[:, columns], sums):
            for drawn in regimes.preference(on_rare.whole, on_common.whole):
                for values, groups in zip(found, (shuffled.rare, shuffled.common), strict=True):
                    values.append(float(drawn[groups[len(values)]].mean()))
        return np.array(found[0]), np.array(found[1])

    def companions(group: IntArray) -> dict[str, float | None]:
        return {
            "influence_rare": float(influences[0][group].mean()),
            "influence_common": float(influences[1][group].mean()),
        }

    def values(groups: IntArray) -> Values:  # other neurons may not have been ablated
        used, places = np.unique(groups, return_inverse=True)
        own, other = influences
        return regimes.selectivity(own[used], other[used], places.reshape(groups.shape))

    return GroupMeasure(
        values=values,
        resamples=each(resamples),
        documents=documents,
        under_labels=under_labels,
        companions=companions,
    )


def _bind_top_head_impact(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    selection = evidence.selection.head_ablation.single.sum(axis=0, dtype=np.float64)
    ablation = evidence.evaluation.head_ablation
    single, base = ablation.single.sum(axis=0, dtype=np.float64), ablation.base.sum(axis=0, dtype=np.float64)

    def resamples(group: IntArray, weights: IntArray) -> Values:
        head = int(heads.top_head(selection, group[None, :])[0])
        change = ablation.single[:, head, group].sum(axis=1, dtype=np.float64)
        whole = ablation.base[:, group].sum(axis=1, dtype=np.float64)
        return np.asarray(np.sqrt((weights @ change) / (weights @ whole)))

    def companions(group: IntArray) -> dict[str, float | None]:
        chosen = int(heads.top_head(selection, group[None, :])[0])
        head = evidence.heads[chosen]
        whole = ablation.layer[:, head_layers(evidence)[chosen], group].sum(dtype=np.float64)
        return {
            "top_head_layer": float(head.layer),
            "top_head": float(head.head),
            "layer_impact": float(np.sqrt(whole / base[group].sum())),
        }

    return GroupMeasure(
        values=lambda groups: heads.top_head_impact(selection, single, base, groups),
        resamples=each(resamples),
        documents=ablation.documents,
        companions=companions,
    )


def _bind_hill_alpha(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    options = filled_options(prediction)
    tail, weights = options["tail"], evidence.weights
    rows: dict[str, Callable[[], FloatArray]] = {
        "output": lambda: weights.output,
        "input": lambda: weights.input,
        "both": lambda: np.concatenate([weights.output, weights.input], axis=1),
    }
    which = str(options["weights"])
    gram = layer_statistic(evidence, ("gram", which), lambda: spectrum.gram(rows[which]()))

    def values(groups: IntArray) -> Values:
        return of_groups(prediction, workers, spectrum.hill_alpha, {"gram": gram, "tail": tail}, groups)

    def companions(group: IntArray) -> dict[str, float | None]:
        row = group[None, :]
        return {
            "unbiased": float(
                spectrum.hill_alpha_unbiased(gram, row, tail)[0]  # type: ignore[arg-type]  # validated
            ),
            "eigenvalues": float(len(group)),
        }

    return GroupMeasure(
        values=values,
        resamples=None,
        documents=np.empty(0, dtype=np.int64),
        no_interval=why_no_interval(prediction),
        companions=companions,
    )


GROUP_MEASURES: dict[str, Callable[[Prediction, Evidence, Streams, Workers], GroupMeasure]] = {
    "selectivity": _bind_selectivity,
    "effective_dimension": bind_effective_dimension,
    "participation_ratio": bind_participation_ratio,
    "modularity": bind_modularity,
    "segregation": bind_segregation,
    "top_head_impact": _bind_top_head_impact,
    "hill_alpha": _bind_hill_alpha,
}
