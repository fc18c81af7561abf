"""What a report shows besides the predictions: spectrum, heads, and the limitations of this run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hypotest.groups.nulls import size_matched
from hypotest.measures import dimension, heads, routing
from hypotest.pipeline.attention_tests import attention_gini, routing_profiles
from hypotest.pipeline.head_tests import head_layers
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import Selection
from hypotest.records.evidence import Evidence, SelfCheck
from hypotest.records.results import (
    AblationResult,
    CorpusResult,
    HeadResult,
    PredictionResult,
    Spectrum,
)

_FIGURE_GROUPS = 500
"""Random groups behind the bands of figures."""
_FEW_EIGENVALUES = 50
_SMALL_VOCABULARY = 20000
_FEW_DOCUMENTS = 50
_NOT_RELABELLED = ("top_head_impact", "segregation")
_RANDOM_GROUPS = ("size_matched", "covariate_matched")


def describe_spectrum(evidence: Evidence, selection: Selection, streams: Streams) -> Spectrum:
    """Eigenvalues of the group's covariance on rare targets, beside those of random groups."""
    rare = evidence.evaluation.mask("rare")
    covariance = dimension.covariance(evidence.evaluation.activations[rare])
    group = selection.group
    random_groups = size_matched(evidence.n_neurons, len(group), _FIGURE_GROUPS, streams("spectrum figure"))
    observed = dimension.eigenvalue_shares(covariance, group[None, :])[0]
    low, middle, high = np.nanquantile(
        dimension.eigenvalue_shares(covariance, random_groups), [0.025, 0.5, 0.975], axis=0
    )
    return Spectrum(
        observed=tuple(observed.tolist()),
        null_low=tuple(low.tolist()),
        null_median=tuple(middle.tolist()),
        null_high=tuple(high.tolist()),
    )


def describe_heads(
    evidence: Evidence, selection: Selection, streams: Streams
) -> tuple[tuple[HeadResult, ...], dict[str, float]]:
    """A row per head, and per layer the impact of its top head, a random head, and all heads."""
    split = evidence.evaluation
    gini = attention_gini(split)
    rare, common = split.mask("rare"), split.mask("common")
    similarity = routing.routing_similarity(*routing_profiles(split))
    ablation = split.head_ablation
    single = ablation.single.sum(axis=0, dtype=np.float64)
    layer = ablation.layer.sum(axis=0, dtype=np.float64)
    base = ablation.base.sum(axis=0, dtype=np.float64)
    group = selection.group[None, :]
    random_groups = size_matched(evidence.n_neurons, group.shape[1], _FIGURE_GROUPS, streams("heads figure"))
    impact = heads.head_impact(single, base, group)[0]
    null_impact = heads.head_impact(single, base, random_groups).mean(axis=0)
    all_heads = heads.head_impact(layer, base, group)[0]
    rows = head_layers(evidence)
    table = tuple(
        HeadResult(
            layer=head.layer,
            head=head.head,
            gini_rare=float(gini[rare, column].mean()),
            gini_common=float(gini[common, column].mean()),
            impact=float(impact[column]),
            null_impact=float(null_impact[column]),
            layer_share=float((impact[column] / all_heads[rows[column]]) ** 2),
            routing=float(similarity[column]) if np.isfinite(similarity[column]) else None,
        )
        for column, head in enumerate(evidence.heads)
    )
    impacts: dict[str, float] = {}
    for place, number in enumerate(dict.fromkeys(head.layer for head in evidence.heads)):
        mine = impact[rows == place]
        impacts[f"L{number} single"] = float(mine.max())
        impacts[f"L{number} random"] = float(mine.mean())
        impacts[f"L{number} all"] = float(all_heads[place])
    return table, impacts


def find_limitations(
    corpus: CorpusResult,
    predictions: Sequence[PredictionResult],
    selection: Selection,
    ablation: AblationResult,
    check: SelfCheck,
    vocab_size: int,
    elbow_found: bool,
    head_positions: int,
) -> tuple[str, ...]:
    """What a reviewer would ask about this run, in plain words."""
    found = [
        *_uncertified(ablation, check),
        "One model and one split of the documents: another split can give another group.",
    ]
    if corpus.text_differs:
        found.append(
            "The reference text is not the pinned one: "
            + ", ".join(corpus.text_differs)
            + ". Numbers can differ from published ones."
        )
    size = len(selection.group)
    if selection.result.rule != "plateau" and "no plateau" in selection.result.reason:
        found.append(
            "The group is the declared top fraction, since the curve shows no plateau: the papers' "
            "plateau neurons are not what is tested here."
        )
    if size < _FEW_EIGENVALUES and any(item.measure == "hill_alpha" for item in predictions):
        found.append(
            f"Hill alpha rests on at most {size} eigenvalues, half of them in the tail; below "
            f"{_FEW_EIGENVALUES} it is a rough number."
        )
    if vocab_size < _SMALL_VOCABULARY:
        found.append(
            f"With {vocab_size:,} token types, rare types are often pieces of words, not rare words."
        )
    if not elbow_found:
        found.append("The frequency curve has no elbow, so no types were dropped as too rare.")
    for split, count in corpus.documents_used.items():
        if count < _FEW_DOCUMENTS:
            found.append(f"The {split} split has only {count} documents; intervals are wide.")
    found.append(
        f"Attention heads were ablated at {head_positions:,} rare positions in at most 256 blocks a split."
    )
    fixed = [item.id for item in predictions if item.measure in _NOT_RELABELLED]
    if selection.shuffled and fixed:
        found.append(
            f"Under label_shuffled the evaluation evidence of {', '.join(fixed)} keeps its labels, since it "
            "cannot be relabelled; token types that occur in both splits can make those p-values too small."
        )
    if any(item.reference in _RANDOM_GROUPS for item in predictions):
        found.append(
            "Random groups answer whether the group is unlike other neurons of this layer. Where neurons are "
            "correlated or were selected for influence, they reject far more often than their level without "
            "any effect of rarity (`hypotest calibrate` measures how often); such a p-value says nothing "
            "about rarity."
        )
    weaker = [item.id for item in predictions if _only_against_random(item)]
    if weaker:
        found.append(
            "These differ from random neurons (p <= 0.05) but not from groups found under shuffled "
            f"labels: {', '.join(weaker)}. They may say more about influential neurons as such than "
            "about rarity."
        )
    return tuple(found)


def _uncertified(ablation: AblationResult, check: SelfCheck) -> tuple[str, ...]:
    if ablation.largest_error_bound is not None:
        return ()
    return (
        f"delta_loss comes from float32 forward passes, since {ablation.reason}; no certificate bounds its "
        f"rounding. {check.n_pairs} (neuron, block) pairs redone in the whole model differ by at most "
        f"{check.largest_difference:.1e} nats.",
    )


def _only_against_random(item: PredictionResult) -> bool:
    p_values = {rung.null: rung.p_value for rung in item.ladder}
    by_type = p_values.get("label_shuffled (type)")
    against_random = p_values.get("size_matched")
    return by_type is not None and against_random is not None and against_random <= 0.05 and by_type > 0.05
