"""Measures of the group's activations on rare targets: dimension and network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.measures import dimension, modularity, relabelled, rewiring
from hypotest.measures.information import binned_information, gaussian_copula_information
from hypotest.measures.ranks import RankOrder
from hypotest.measures.rows import finite_activations
from hypotest.pipeline.group_measure import GroupMeasure, each, of_groups, under_labels_of
from hypotest.pipeline.layer_statistics import layer_statistic, rare_rows, second_moments
from hypotest.pipeline.parallel import Values, Workers, chunks
from hypotest.pipeline.randomness import Streams
from hypotest.records.evidence import Evidence, FloatArray, IntArray
from hypotest.records.prediction import Prediction
from hypotest.registration.measures import filled_options
from hypotest.registration.outcomes import why_no_interval

_GROUPS_PER_TASK = 1000
_RESAMPLES_PER_TASK = 500


def bind_effective_dimension(
    prediction: Prediction, evidence: Evidence, streams: Streams, workers: Workers
) -> GroupMeasure:
    """Interpolated dimension; integer, participation ratio and others beside it."""
    options = filled_options(prediction)
    variance, scale = float(options["variance"]), options["scale"]
    activations, documents = rare_rows(evidence)
    layer = second_moments(evidence, "covariance")
    matrix = second_moments(evidence, str(scale))

    def values(groups: IntArray) -> Values:
        settings = {"covariance": matrix, "variance": variance}
        return of_groups(prediction, workers, dimension.effective_dimension, settings, groups)

    def companions(group: IntArray) -> dict[str, float | None]:
        row = group[None, :]
        here = np.arange(len(group))[None, :]
        own = layer[np.ix_(group, group)]
        by_scale = {
            f"of_{name}": float(dimension.effective_dimension(moments, here, variance)[0])
            for name, moments in (("covariance", own), ("correlation", dimension.correlation(own)))
        }
        integer = float(dimension.integer_dimension(matrix, row, variance)[0])
        return {
            "dimension": integer,
            "dimension_per_neuron": integer / len(group),
            "participation_ratio": float(dimension.participation_ratio(matrix, row)[0]),
            **by_scale,
            "if_independent": float(dimension.independent_dimension(own, here, variance)[0]),
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
    _, documents = rare_rows(evidence)
    layer = second_moments(evidence, str(scale))
    return GroupMeasure(
        values=lambda groups: of_groups(
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
    activations, documents = rare_rows(evidence)
    options = filled_options(prediction)
    estimator, bins = options.get("estimator", "gaussian_copula"), int(options.get("bins", 0))
    binned = estimator == "binned"
    information = layer_statistic(
        evidence,
        (estimator, bins) if binned else estimator,
        lambda: binned_information(activations, bins) if binned else gaussian_copula_information(activations),
    )
    return information, activations, documents


def _order(columns: FloatArray) -> dict[str, Any]:
    """Sorted once for all relabellings."""
    return {"order": RankOrder(finite_activations(columns))}


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
        found = workers(f"{prediction.id}: {len(groups):,} groups", modularity.best_modularity, calls)
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
            _order if options["estimator"] == "gaussian_copula" else None,
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
        values=lambda groups: of_groups(
            prediction, workers, modularity.segregation, {"information": information}, groups
        ),
        resamples=None,
        documents=np.unique(documents),
        no_interval=why_no_interval(prediction),
    )
