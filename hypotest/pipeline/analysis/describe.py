"""What a report shows besides the predictions: spectrum and heads."""

from __future__ import annotations

import numpy as np

from hypotest.engine.streams import Streams
from hypotest.estimators import dimension
from hypotest.estimators.attention import heads, routing
from hypotest.estimators.dimension import Scale
from hypotest.groups.nulls import random_groups
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.results.defined import defined
from hypotest.records.results.figure_data import HeadResult, Spectrum
from hypotest.testing.attention import gini_of_heads
from hypotest.testing.heads import head_layers
from hypotest.testing.layer_statistics import second_moments
from hypotest.testing.selection import Selection
from hypotest.testing.undefined import NO_VALUE

_FIGURE_GROUPS = 500
"""Random groups behind the bands of figures."""


def describe_spectrum(
    evidence: Evidence, selection: Selection, streams: Streams, scale: Scale = "covariance"
) -> Spectrum | None:
    """Eigenvalues of the group's activations in the first condition, beside random groups', if there are."""
    group = selection.group
    if len(group) == evidence.n_neurons:
        return None
    others = random_groups(evidence.n_neurons, len(group), _FIGURE_GROUPS, streams("spectrum figure"))
    try:
        moments = second_moments(evidence, scale)
        observed = dimension.eigenvalue_shares(moments, group[None, :])[0]
        of_random = dimension.eigenvalue_shares(moments, others)
    except NO_VALUE:
        return None
    of_random = of_random[np.isfinite(of_random).all(axis=1)]
    if not np.isfinite(observed).all() or not len(of_random):
        return None
    low, middle, high = np.quantile(of_random, [0.025, 0.5, 0.975], axis=0)
    cumulated = np.quantile(of_random.cumsum(axis=1), [0.025, 0.5, 0.975], axis=0)  # each group's own sum
    return Spectrum(
        observed=tuple(observed.tolist()),
        null_low=tuple(low.tolist()),
        null_median=tuple(middle.tolist()),
        null_high=tuple(high.tolist()),
        scale=scale,
        cumulated_low=tuple(cumulated[0].tolist()),
        cumulated_median=tuple(cumulated[1].tolist()),
        cumulated_high=tuple(cumulated[2].tolist()),
    )


def describe_heads(
    evidence: Evidence, selection: Selection, streams: Streams
) -> tuple[tuple[HeadResult, ...], dict[str, float]]:
    """A row per head, and per layer the impact of its top head, a random head, and all heads."""
    split = evidence.evaluation
    if not evidence.heads:
        return (), {}
    first, second = split.first, split.second
    gini = np.full((first.size, len(evidence.heads)), np.nan)
    similarity = np.full(len(evidence.heads), np.nan)
    if Channel.ATTENTION in split.channels:  # not of an encoder
        gini = gini_of_heads(split)
        similarity = routing.routing_correlations(split.attention, split.indices, first, split.head_windows)
    elif split.heads is None:
        return (), {}
    if split.heads is None:
        return tuple(
            HeadResult(
                layer=head.layer,
                head=head.head,
                gini_first=defined(gini[first, column].mean()),
                gini_second=defined(gini[second, column].mean()),
                impact=None,
                null_impact=None,
                layer_share=None,
                routing=defined(similarity[column]),
            )
            for column, head in enumerate(evidence.heads)
        ), {}
    ablation = split.head_ablation
    single = ablation.single.sum(axis=0, dtype=np.float64)
    layer = ablation.layer.sum(axis=0, dtype=np.float64)
    base = ablation.base.sum(axis=0, dtype=np.float64)
    group = selection.group[None, :]
    others = random_groups(evidence.n_neurons, group.shape[1], _FIGURE_GROUPS, streams("heads figure"))
    impact = heads.head_impact(single, base, group)[0]
    null_impact = heads.head_impact(single, base, others).mean(axis=0)
    if group.shape[1] == evidence.n_neurons:  # no other group is of that size
        null_impact = np.full(impact.shape, np.nan)
    all_heads = heads.head_impact(layer, base, group)[0]
    rows = head_layers(evidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (impact / all_heads[rows]) ** 2
    table = tuple(
        HeadResult(
            layer=head.layer,
            head=head.head,
            gini_first=defined(gini[first, column].mean()),
            gini_second=defined(gini[second, column].mean()),
            impact=defined(impact[column]),
            null_impact=defined(null_impact[column]),
            layer_share=defined(share[column]),
            routing=defined(similarity[column]),
        )
        for column, head in enumerate(evidence.heads)
    )
    impacts: dict[str, float] = {}
    if not (np.isfinite(impact).all() and np.isfinite(all_heads).all()):
        return table, impacts
    for place, number in enumerate(dict.fromkeys(head.layer for head in evidence.heads)):
        mine = impact[rows == place]
        impacts[f"L{number} single"] = float(mine.max())
        impacts[f"L{number} random"] = float(mine.mean())
        impacts[f"L{number} all"] = float(all_heads[place])
    return table, impacts
