"""Modularity Q: whether the network between the neurons falls into communities (eq. 5, 6).

Its formula::

    Q = Σᵢⱼ (wᵢⱼ − γ sᵢ sⱼ / 2m) [cᵢ = cⱼ] / 2m, with w the edges, s their sums, c the communities
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import GROUP_NULLS, Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.session import Session
    from hypotest.engine.workers import Values
    from hypotest.estimators.graphs.altered import Graphs
    from hypotest.estimators.graphs.modularity import Communities
    from hypotest.records.evidence.arrays import FloatArray, IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.group_measure import BoundMeasure

_BIASED_INFORMATION = 0.2
"""Share of the group's mutual information that finite text alone explains, from which it is mentioned."""
_GROUPS_PER_TASK = 1000

WORDS = MeasureWords(
    title="modularity Q of the group's network",
    unit="Q",
    what="how clearly the network between the group's neurons falls into communities",
    less="the group is less divided, more of one piece",
    greater="the group is more divided into communities",
    label="modularity Q",
    question=(
        "Do the group's neurons fall into communities that share more information inside than between?"
    ),
    method=(
        "modularity Q is computed on the mutual information between the group's activations (eq. "
        "5 and 6 of arXiv:2509.21163)"
    ),
    transformed="Activations become normal scores of their ranks for mutual information.",
    transformed_if={
        "binned": "Activations are binned at equal frequencies for mutual information.",
    },
    beside={
        "communities": "How many communities the best division has.",
        "community_size": "Mean number of neurons of a community.",
        "restart_spread": "Largest Q over restarts of the search less the smallest: what one search may "
        "miss.",
        "segregation": "How much more the neurons share with each other than with the rest of the layer, as "
        "a ratio.",
    },
)


def bind(prediction: Prediction, evidence: Evidence, session: Session) -> BoundMeasure:
    """Q of the group's mutual information; binned estimates have no interval over documents."""
    from hypotest.engine.workers import chunks
    from hypotest.estimators import relabelled
    from hypotest.estimators.graphs import altered, modularity, shared_partitions
    from hypotest.estimators.graphs.information import score_correlations
    from hypotest.testing.group_measure import BoundMeasure, GroupGraph, MeasuredRows, under_labels_of
    from hypotest.testing.layer_statistics import information_of

    options = MEASURE.filled(prediction.options)
    information, activations = information_of(MEASURE.filled(prediction.options), evidence)
    method, resolution = options["method"], float(options["resolution"])
    restarts = int(options["restarts"])
    copula = options["estimator"] == "gaussian_copula"

    settings: dict[str, Any] = {"method": method, "resolution": resolution, "restarts": restarts}

    def values(groups: IntArray) -> Values:
        calls = [
            {
                "information": information,
                "groups": groups[rows],
                "rng": session.streams("communities", prediction.id, str(rows.start)),
                **settings,
            }
            for rows in chunks(len(groups), _GROUPS_PER_TASK)
        ]
        modularities = session.workers(
            f"{prediction.id}: {len(groups):,} groups", modularity.best_modularity, calls
        )
        return np.concatenate(modularities)

    def resamples(groups: IntArray, units: IntArray, weights: IntArray) -> Values:
        calls = [
            {
                "activations_group": activations[:, group],
                "units": units,
                "weights": weights,
                "rng": session.streams("communities of resamples", prediction.id, str(place)),
                **settings,
            }
            for place, group in enumerate(groups)
        ]
        stage = f"{prediction.id}: {len(groups)} groups without some rows"
        return np.stack(session.workers(stage, shared_partitions.modularity_left_out, calls))

    def of_other_graphs(
        null: str, groups: IntArray, graphs: Callable[[IntArray], Graphs], n_draws: int
    ) -> Values:
        calls = [
            {
                "graphs": graphs(group),
                "size": len(group),
                "n_draws": n_draws,
                "rng": session.streams(null, prediction.id, str(place)),
                **settings,
            }
            for place, group in enumerate(groups)
        ]
        stage = f"{prediction.id}: {len(groups)} x {n_draws} {null} graphs"
        return np.stack(session.workers(stage, altered.altered_modularity, calls))

    def partition(group: IntArray) -> Communities:
        return modularity.communities(
            information,
            group[None, :],
            rng=session.streams("communities", prediction.id, "0"),
            **settings,
        )

    def secondary(group: IntArray) -> dict[str, float | None]:
        communities = partition(group)
        return {
            "communities": float(communities.n_communities[0]),
            "community_size": float(communities.mean_size[0]),
            "restart_spread": float(communities.restart_spread[0]),
            "segregation": float(modularity.segregation(information, group[None, :])[0]),
        }

    return BoundMeasure(
        values=values,
        resamples=None if MEASURE.why_no_interval(prediction.options) else resamples,
        rows=MeasuredRows.of(evidence.evaluation),
        noise=lambda group: shared_partitions.search_variance(
            information, group, rng=session.streams("searches", prediction.id), **settings
        ),
        under_labels=under_labels_of(
            prediction,
            evidence,
            session.workers,
            relabelled.modularity_relabelled,
            lambda piece: {
                **settings,
                "estimator": options["estimator"],
                "bins": int(options["bins"]),
                "rng": session.streams("communities under labels", prediction.id, piece),
            },
            _order if copula else None,
        ),
        network=GroupGraph(
            graph=lambda group: information[np.ix_(group, group)].astype(np.float64),
            values=of_other_graphs,
            n_rows=len(activations),
            correlations=(lambda group: score_correlations(activations[:, group])) if copula else None,
        ),
        no_interval=MEASURE.why_no_interval(prediction.options),
        secondary=secondary,
        communities=lambda group: partition(group).membership[0],
    )


def _order(columns: FloatArray) -> dict[str, Any]:
    """Sorted once for all relabellings."""
    from hypotest.estimators.ranks import RankOrder
    from hypotest.estimators.rows import finite_activations

    return {"order": RankOrder(finite_activations(columns))}


def biased_information(evidence: Evidence, group: IntArray) -> Iterator[str]:
    """Mutual information of independent neurons is 1 / (2 n) nats on average, not 0.

    The Gaussian copula's is -log(1 - r^2) / 2, and r^2 of n independent pairs has mean 1 / (n - 1). Positions
    of one document hang together, so that this is the least that it can be.
    """
    from hypotest.estimators.graphs.information import gaussian_copula_information

    split = evidence.evaluation
    first = split.activations[split.first][:, group]
    information = gaussian_copula_information(first)[np.triu_indices(len(group), 1)]
    if not information.size or not information.mean() > 0:
        return
    share = min(1.0, 0.5 / len(first) / float(information.mean()))
    if share >= _BIASED_INFORMATION:
        yield (
            f"At least {share:.0%} of the group's mean mutual information is what {len(first):,} "
            "positions of "
            "unrelated neurons would show. Q is then in good part a property of noise, which the p-value "
            "takes into account and the interval does not."
        )


MEASURE = GroupMeasure(
    name="modularity",
    words=WORDS,
    limits=biased_information,
    level="group",
    contrasts=(*GROUP_NULLS, Form.EDGES),
    no_interval="binned mutual information is biased by repeated documents, so no interval over them "
    "is valid",
    no_interval_if="binned",
    options={
        "method": Option("louvain", "how communities are detected", choices=("louvain", "leiden")),
        "edges": Option(
            "mutual_information",
            "what weighs the edge between two neurons",
            choices=("mutual_information",),
        ),
        "estimator": Option(
            "gaussian_copula",
            "how mutual information is estimated",
            choices=("gaussian_copula", "binned"),
        ),
        "resolution": Option(1.0, "resolution of the communities", above=0),
        "bins": Option(
            8,
            "number of bins per neuron, for estimator binned",
            at_least=2,
            at_most=64,
            only_with=("estimator", "binned"),
        ),
        "restarts": Option(
            30, "number of seeded restarts; the best counts", at_least=1, at_most=100, varies=False
        ),
    },
    bind=bind,
    whole_layer=False,
    needs=frozenset({Channel.ACTIVATIONS}),
)
