"""Measures of the group's activations on rare targets: dimension and network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.measures import dimension, modularity, relabelled, rewiring
from hypotest.measures.information import binned_information, gaussian_copula_information
from hypotest.measures.ranks import RankOrder
from hypotest.measures.rows import finite_activations
from hypotest.pipeline.group_measure import GroupMeasure, each, in_threads, under_labels_of
from hypotest.pipeline.parallel import Values, Workers, chunks
from hypotest.pipeline.randomness import Streams
from hypotest.records.evidence import Evidence, FloatArray, IntArray
from hypotest.records.prediction import Prediction
from hypotest.registration.measures import filled_options
from hypotest.registration.outcomes import why_no_interval

_GROUPS_PER_TASK = 1000
_RESAMPLES_PER_TASK = 500


def _rare_activations(evidence: Evidence) -> tuple[FloatArray, IntArray]:
    rare = evidence.evaluation.mask("rare")
    return evidence.evaluation.activations[rare], evidence.evaluation.documents[rare]


def bind_effective_dimension(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    """Interpolated dimension; integer, participation ratio and others beside it."""
    options = filled_options(prediction)
    variance, scale = float(options["variance"]), options["scale"]
    activations, documents = _rare_activations(evidence)
    layer = dimension.covariance(activations)
    matrices = {"covariance": layer, "correlation": dimension.correlation(layer)}

    def values(groups: IntArray) -> Values:
        settings = {"covariance": matrices[str(scale)], "variance": variance}
        return in_threads(prediction, workers, dimension.effective_dimension, settings, groups)

    def companions(group: IntArray) -> dict[str, float | None]:
        row = group[None, :]
        integer = float(dimension.integer_dimension(matrices[str(scale)], row, variance)[0])
        by_scale = {
            f"of_{name}": float(dimension.effective_dimension(matrix, row, variance)[0])
            for name, matrix in matrices.items()
        }
        return {
            "dimension": integer,
            "dimension_per_neuron": integer / len(group),
            "participation_ratio": float(dimension.participation_ratio(matrices[str(scale)], row)[0]),
            **by_scale,
            "if_independent": float(dimension.independent_dimension(layer, row, variance)[0]),
        }

    return GroupMeasure(
        values=values,
        resamples=each(
            lambda group, weights: dimension.effective_dimension_resamples(
                activations[:, group],
                documents,
                weights,
                variance,
                scale,  # type: ignore[arg-type]  # validated
            )
        ),
        documents=np.unique(documents),
        under_labels=under_labels_of(
            prediction,
            evidence,
            workers,
            relabelled.effective_dimension_relabelled,
            lambda piece: {"variance": variance, "scale": scale},
        ),
        companions=companions,
    )


def bind_participation_ratio(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    """Participation ratio of the covariance or correlation."""
    scale = filled_options(prediction)["scale"]
    activations, documents = _rare_activations(evidence)
    layer = dimension.covariance(activations)
    if scale == "correlation":
        layer = dimension.correlation(layer)
    return GroupMeasure(
        values=lambda groups: in_threads(
            prediction, workers, dimension.participation_ratio, {"covariance": layer}, groups
        ),
        resamples=None,
        documents=np.unique(documents),
        under_labels=under_labels_of(
            prediction,
            evidence,
            workers,
            relabelled.participation_ratio_relabelled,
            lambda piece: {"scale": scale},
        ),
        no_interval=why_no_interval(prediction),
    )


def _information(
    prediction: Prediction, evidence: Evidence
) -> tuple[NDArray[np.float64], FloatArray, IntArray]:
    activations, documents = _rare_activations(evidence)
    options = filled_options(prediction)
    if options.get("estimator", "gaussian_copula") == "binned":
        return binned_information(activations, int(options["bins"])), activations, documents
    return gaussian_copula_information(activations), activations, documents


def bind_modularity(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    """Q of the group's mutual information; binned estimates have no interval over documents."""
    options = filled_options(prediction)
    information, activations, documents = _information(prediction, evidence)
    method, resolution = options["method"], float(options["resolution"])
    restarts = int(options["restarts"])

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
        found = workers(
            f"{prediction.id}: {len(groups):,} groups", modularity.best_modularity, calls, threads=True
        )
        return np.concatenate(found)

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
            threads=True,
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
        return np.stack(workers(stage, rewiring.rewired_modularity, calls, threads=True))

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
        resamples=None if why_no_interval(prediction) else resamples,
        documents=np.unique(documents),
        under_labels=under_labels_of(
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
            lambda columns: {"order": RankOrder(finite_activations(columns))},
        ),
        rewired=rewired,
        no_interval=why_no_interval(prediction),
        companions=companions,
    )


def bind_segregation(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    """Coupling inside the group against the rest of the layer."""
    information, _, documents = _information(prediction, evidence)
    return GroupMeasure(
        values=lambda groups: in_threads(
            prediction, workers, modularity.segregation, {"information": information}, groups
        ),
        resamples=None,
        documents=np.unique(documents),
        no_interval=why_no_interval(prediction),
    )
