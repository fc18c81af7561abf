"""Group measures tied to evidence: a batch of groups in, values out; and one group over resamples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from hypotest.groups.nulls import labelled_sums
from hypotest.measures import dimension, heads, modularity, regimes, relabelled, rewiring, spectrum
from hypotest.measures.information import binned_information, gaussian_copula_information
from hypotest.pipeline.parallel import Values, Workers, chunks
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import ShuffledGroups, in_chunks
from hypotest.records.evidence import Evidence, FloatArray, IntArray
from hypotest.records.protocol import Prediction
from hypotest.registration.measures import filled_options

_GROUPS_PER_TASK = 1000
_RESAMPLES_PER_TASK = 500
_RELABELLINGS_PER_TASK = 250


@dataclass(frozen=True, slots=True)
class GroupMeasure:
    """A measure of neuron groups on the evaluation split."""

    values: Callable[[IntArray], Values]
    """Groups (n_groups, k) to values (n_groups,); NaN where undefined."""
    resamples: Callable[[IntArray, IntArray], Values] | None
    """Groups (n_groups, k) and weights (R, D) to values with documents weighted (n_groups, R); None
    where there are no documents, or no valid interval."""
    documents: IntArray
    """The documents that weights refer to, sorted, shape (D,)."""
    under_labels: Callable[[ShuffledGroups], tuple[Values, Values]] | None = None
    """Its values for the rare and the common group of every shuffled labelling, with the evaluation split
    under the same labels; each (n_draws,). None where the values do not depend on labels (weights), or the
    evidence cannot be relabelled; then groups are measured as they are."""
    rewired: Callable[[IntArray, int], Values] | None = None
    """For networks: groups (n_groups, k) and a number of draws to the values of their rewirings, shape
    (n_groups, n_draws)."""
    no_interval: str = ""
    """Why there is no interval."""
    companions: Callable[[IntArray], dict[str, float | None]] = lambda group: {}
    """Related numbers of one group."""


def bind(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers | None = None
) -> GroupMeasure:
    """Compute the layer statistic of a prediction's measure and tie it to the evidence."""
    return _BINDERS[prediction.measure](prediction, evidence, streams, workers or Workers())


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
        influence = []
        for rows in (rare, common):
            sums = np.zeros((documents.size, len(group)))
            np.add.at(sums, owner[rows], absolute[rows])
            counts = np.bincount(owner[rows], minlength=documents.size)
            influence.append(weights @ sums / (weights @ counts)[:, None])
        return np.asarray(regimes.preference(*influence).mean(axis=1))

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

    return GroupMeasure(
        values=lambda groups: regimes.selectivity(*influences, groups),
        resamples=_each(resamples),
        documents=documents,
        under_labels=under_labels,
        companions=companions,
    )


def _each(resample: Callable[[IntArray, IntArray], Values]) -> Callable[[IntArray, IntArray], Values]:
    """From one group to a batch of groups."""

    def resamples(groups: IntArray, weights: IntArray) -> Values:
        return np.stack([resample(group, weights) for group in groups])

    return resamples


def _in_threads(
    prediction: Prediction,
    workers: Workers,
    function: Callable[..., Values],
    settings: dict[str, Any],
    groups: IntArray,
) -> Values:
    """A measure of many groups, shared among the cores."""
    share = max(_GROUPS_PER_TASK, -(-len(groups) // cpu_count()))
    calls = [{**settings, "groups": groups[rows]} for rows in chunks(len(groups), share)]
    stage = f"{prediction.id}: {len(groups):,} groups"
    return np.concatenate(workers(stage, function, calls, threads=True))


def _under_labels(
    prediction: Prediction,
    evidence: Evidence,
    workers: Workers,
    function: Callable[..., Values],
    settings: Callable[[str], dict[str, Any]],
) -> Callable[[ShuffledGroups], tuple[Values, Values]]:
    """A measure of activations at rare positions, under shuffled labels.

    Args:
        prediction: Whose measure.
        evidence: Its evaluation split.
        workers: For pieces of the draws.
        function: From `hypotest.measures.relabelled`.
        settings: Its further arguments, given the name of the piece.
    """
    activations = evidence.evaluation.activations

    def under_labels(shuffled: ShuffledGroups) -> tuple[Values, Values]:
        labelled = shuffled.labels[:, shuffled.evaluation_units]
        used = np.unique(np.concatenate([*shuffled.rare, *shuffled.common]))
        columns = activations[:, used]
        calls, places = [], []
        for arm, drawn in enumerate((shuffled.rare, shuffled.common)):
            for rows in rows_by_size(drawn, _RELABELLINGS_PER_TASK):
                groups = np.searchsorted(used, np.stack([drawn[row] for row in rows]))
                piece = f"{shuffled.unit} {arm} {rows[0]}"
                calls.append(
                    {
                        "activations": columns,
                        "groups": groups,
                        "labelled": labelled[rows],
                        **settings(piece),
                    }
                )
                places.append((arm, rows))
        found = workers(f"{prediction.id}: labels shuffled ({shuffled.unit})", function, calls)
        values = np.empty((2, len(labelled)))
        for (arm, rows), part in zip(places, found, strict=True):
            values[arm, rows] = part
        return values[0], values[1]

    return under_labels


def rows_by_size(groups: Sequence[IntArray], at_most: int) -> Iterator[NDArray[np.int64]]:
    """Places of groups of one size, so many at once."""
    sizes = np.array([len(group) for group in groups])
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        for rows in chunks(places.size, at_most):
            yield places[rows]


def _rare_activations(evidence: Evidence) -> tuple[FloatArray, IntArray]:
    rare = evidence.evaluation.mask("rare")
    return evidence.evaluation.activations[rare], evidence.evaluation.documents[rare]


def _bind_effective_dimension(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    variance = float(filled_options(prediction)["variance"])
    activations, documents = _rare_activations(evidence)
    layer = dimension.covariance(activations)
    correlations = dimension.correlation(layer)

    def values(groups: IntArray) -> Values:
        settings = {"covariance": layer, "variance": variance}
        return _in_threads(prediction, workers, dimension.effective_dimension, settings, groups)

    def companions(group: IntArray) -> dict[str, float | None]:
        row = group[None, :]
        integer = float(dimension.integer_dimension(layer, row, variance)[0])
        return {
            "dimension": integer,
            "dimension_per_neuron": integer / len(group),
            "participation_ratio": float(dimension.participation_ratio(layer, row)[0]),
            "of_correlations": float(dimension.effective_dimension(correlations, row, variance)[0]),
            "if_independent": float(dimension.independent_dimension(layer, row, variance)[0]),
        }

    return GroupMeasure(
        values=values,
        resamples=_each(
            lambda group, weights: dimension.effective_dimension_resamples(
                activations[:, group], documents, weights, variance
            )
        ),
        documents=np.unique(documents),
        under_labels=_under_labels(
            prediction,
            evidence,
            workers,
            relabelled.effective_dimension_relabelled,
            lambda piece: {"variance": variance},
        ),
        companions=companions,
    )


def _bind_participation_ratio(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    activations, documents = _rare_activations(evidence)
    layer = dimension.covariance(activations)
    return GroupMeasure(
        values=lambda groups: _in_threads(
            prediction, workers, dimension.participation_ratio, {"covariance": layer}, groups
        ),
        resamples=None,
        documents=np.unique(documents),
        under_labels=_under_labels(
            prediction, evidence, workers, relabelled.participation_ratio_relabelled, lambda piece: {}
        ),
        no_interval="no document interval is available for the participation ratio",
    )


def _information(
    prediction: Prediction, evidence: Evidence
) -> tuple[NDArray[np.float64], FloatArray, IntArray]:
    activations, documents = _rare_activations(evidence)
    options = filled_options(prediction)
    if options.get("estimator", "gaussian_copula") == "binned":
        return binned_information(activations, int(options["bins"])), activations, documents
    return gaussian_copula_information(activations), activations, documents


def _bind_modularity(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    options = filled_options(prediction)
    information, activations, documents = _information(prediction, evidence)
    method, resolution = options["method"], float(options["resolution"])
    restarts = int(options["restarts"])
    binned = options["estimator"] == "binned"

    settings: dict[str, Any] = {"method": method, "resolution": resolution, "restarts": restarts}

    def values(groups: IntArray) -> Values:
        calls = [
            {
                "information": information,
                "groups": groups[rows],
                "rng": streams("communities", prediction.id, str(rows.start)),
                **settings,
            }
            for rows in chunks(len(groups), _GROUPS_PER_TASK)
        ]
        found = workers(f"{prediction.id}: {len(groups):,} groups", modularity.communities, calls)
        return np.concatenate([item.modularity for item in found])

    def resamples(groups: IntArray, weights: IntArray) -> Values:
        parts = list(chunks(len(weights), _RESAMPLES_PER_TASK))
        calls = [
            {
                "activations_group": activations[:, group],
                "documents": documents,
                "weights": weights[rows],
                "rng": streams("communities of resamples", prediction.id, str(place), str(rows.start)),
                **settings,
            }
            for place, group in enumerate(groups)
            for rows in parts
        ]
        found = workers(
            f"{prediction.id}: {len(groups)} x {len(weights):,} document resamples",
            modularity.modularity_resamples,
            calls,
        )
        return np.concatenate(found).reshape(len(groups), len(weights))

    def rewired(groups: IntArray, n_draws: int) -> Values:
        calls = [
            {
                "information": information,
                "group": group,
                "n_draws": n_draws,
                "rng": streams("rewired", prediction.id, str(place)),
                **settings,
            }
            for place, group in enumerate(groups)
        ]
        stage = f"{prediction.id}: {len(groups)} x {n_draws} rewirings"
        return np.stack(workers(stage, rewiring.rewired_modularity, calls))

    def companions(group: IntArray) -> dict[str, float | None]:
        found = modularity.communities(
            information,
            group[None, :],
            rng=streams("communities", prediction.id, "0"),
            **settings,
        )
        return {
            "communities": float(found.n_communities[0]),
            "community_size": float(found.mean_size[0]),
            "restart_spread": float(found.restart_spread[0]),
            "segregation": float(modularity.segregation(information, group[None, :])[0]),
        }

    return GroupMeasure(
        values=values,
        resamples=None if binned else resamples,
        documents=np.unique(documents),
        under_labels=_under_labels(
            prediction,
            evidence,
            workers,
            relabelled.modularity_relabelled,
            lambda piece: {
                **settings,
                "estimator": options["estimator"],
                "bins": int(options["bins"]),
                "rng": streams("communities under labels", prediction.id, piece),
            },
        ),
        rewired=rewired,
        no_interval="binned mutual information is biased by repeated documents, so no interval "
        "over documents is valid"
        if binned
        else "",
        companions=companions,
    )


def _bind_segregation(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    information, _, documents = _information(prediction, evidence)
    return GroupMeasure(
        values=lambda groups: _in_threads(
            prediction, workers, modularity.segregation, {"information": information}, groups
        ),
        resamples=None,
        documents=np.unique(documents),
        no_interval="no document interval is available for segregation",
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
        head = evidence.heads[int(heads.top_head(selection, group[None, :])[0])]
        return {"top_head_layer": float(head.layer), "top_head": float(head.head)}

    return GroupMeasure(
        values=lambda groups: heads.top_head_impact(selection, single, base, groups),
        resamples=_each(resamples),
        documents=ablation.documents,
        companions=companions,
    )


def _bind_hill_alpha(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    options = filled_options(prediction)
    rows = {
        "output": evidence.weights.output,
        "input": evidence.weights.input,
        "both": np.concatenate([evidence.weights.output, evidence.weights.input], axis=1),
    }[str(options["weights"])]
    gram, tail = spectrum.gram(rows), options["tail"]

    def values(groups: IntArray) -> Values:
        return _in_threads(prediction, workers, spectrum.hill_alpha, {"gram": gram, "tail": tail}, groups)

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
        no_interval="weights have no documents to resample, so there is no interval; equivalence asks "
        "whether the value itself lies inside the margin, which can support and never refute",
        companions=companions,
    )


_BINDERS: dict[str, Callable[[Prediction, Evidence, Streams, Workers], GroupMeasure]] = {
    "selectivity": _bind_selectivity,
    "effective_dimension": _bind_effective_dimension,
    "participation_ratio": _bind_participation_ratio,
    "modularity": _bind_modularity,
    "segregation": _bind_segregation,
    "top_head_impact": _bind_top_head_impact,
    "hill_alpha": _bind_hill_alpha,
}
