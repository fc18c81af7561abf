"""What a reviewer would ask about a run, in plain words and with this run's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from hypotest.measures.form import Form
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.registry import MEASURES
from hypotest.records.design import HEAD_BLOCKS
from hypotest.records.evidence import Evidence, SelfCheck, SplitEvidence
from hypotest.records.results import AblationResult, CorpusResult, CrossEntropy, PredictionResult
from hypotest.testing.selection import Selection
from hypotest.testing.undefined import NO_VALUE

_SMALL_VOCABULARY = 20000
_FEW_DOCUMENTS = 50
_RANDOM_GROUPS = ("size_matched", "covariate_matched")
_LOCAL = "local_matched"
_MOSTLY_SHARED = 0.8
"""Share of the group that local_matched groups keep, from which it is mentioned."""
_RELIABLE = 0.9
"""Reliability of the influence that neighbours are matched on, below which it is mentioned: at 0.94 and above
local_matched held its level in simulation, at 0.77 it rejected 0.13 (0.04) of true nulls at 0.05."""
_NARROW_UNITS = ("label_shuffled (position)", "label_shuffled (document_type)")
_LIKE_NEIGHBOURS = 0.02
_LIKE_NEIGHBOURS = 0.02
"""Share of neighbouring pairs with one label, beyond chance, from which runs of labels are mentioned."""


def find_limitations(
    corpus: CorpusResult,
    predictions: Sequence[PredictionResult],
    evidence: Evidence,
    selection: Selection,
    ablation: AblationResult,
    check: SelfCheck,
    vocab_size: int,
    elbow_found: bool,
    entropy: CrossEntropy | None = None,
) -> tuple[str, ...]:
    """What to keep in mind when reading the results."""
    found = [
        *unlike_a_language_model(entropy),
        *_uncertified(ablation, check),
        "One model and one split of the documents: another split can give another group.",
    ]
    if corpus.text_differs:
        found.append(
            "The reference text is not the pinned one: "
            + ", ".join(corpus.text_differs)
            + ". Numbers can differ from published ones."
        )
    measures = [MEASURES[item.measure] for item in predictions if item.measure in MEASURES]
    if selection.result.rule != "plateau" and "no plateau" in selection.result.reason:
        found.append(
            "The group is the declared top fraction, since the curve shows no plateau: the papers' "
            "plateau neurons are not what is tested here. A flat head that runs into its power law without a "
            "cliff is often missed, and always where the exponent is below 0.75."
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
    head_positions = int(evidence.evaluation.head_ablation.n_positions.sum())
    found.append(
        f"Attention heads were ablated at {head_positions:,} rare positions in at most {HEAD_BLOCKS} "
        "blocks a split."
    )
    for limits in dict.fromkeys(measure.limits for measure in measures if measure.limits is not None):
        with suppress(*NO_VALUE):  # of a network that is undefined
            found += limits(evidence, selection.group)
    if any(item.reference.startswith("label_shuffled") for item in predictions):
        found += runs_of_labels(evidence.evaluation)
    narrow = [item.id for item in predictions if item.reference in _NARROW_UNITS]
    if narrow:
        found.append(
            f"Rarity belongs to token types; for {', '.join(narrow)} it was shuffled over a smaller unit. "
            "Where neurons have a liking for single types, which return in both splits, such shuffling can "
            "reject every time without any effect of rarity (`hypotest calibrate`, `clustered-types`)."
        )
    fixed = [item.id for item in predictions if _keeps_labels(item.measure)]
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
    if any(rung.null == "covariate_matched" for item in predictions for rung in item.ladder):
        found.append(
            "Groups matched in covariates are matched within strata, not exactly: on simulated layers where "
            "the covariates explain a difference altogether, they still reject in 9 % instead of 5 % "
            "(`hypotest calibrate`, `covariates`)."
        )
    found += _local_matching(predictions, selection)
    if selection.result.n_dead:
        found.append(
            f"{selection.result.n_dead:,} of {selection.result.n_neurons:,} neurons never vary on the "
            "selection "
            "split. They could not be selected, and are in no group that this one is compared with."
        )
    weaker = [item.id for item in predictions if _only_against_random(item)]
    if weaker:
        found.append(
            "These differ from random neurons (p <= 0.05) but not from neurons as loud and as influential "
            "on the "
            f"second condition: {', '.join(weaker)}. They may say more about influential neurons as such "
            "than about rarity."
        )
    return tuple(found)


def _keeps_labels(name: str) -> bool:
    """Whether a measure of groups is of evidence that cannot be relabelled."""
    measure = MEASURES.get(name)
    return isinstance(measure, GroupMeasure) and Form.LABEL_SHUFFLED not in measure.contrasts


def _local_matching(predictions: Sequence[PredictionResult], selection: Selection) -> Iterator[str]:
    """What local_matched groups can and cannot tell."""
    if any(item.reference == _LOCAL for item in predictions):
        yield (
            "Two conditions cannot tell a property that follows influence on rare targets from one that "
            "follows "
            "influence as such, where common targets add some of their own: in simulations of the latter "
            "local_matched rejected in 0.08 to 0.23. A third condition could tell them apart."
        )
    result = selection.result
    if result.shared_members is not None and result.shared_members > _MOSTLY_SHARED:
        yield (
            f"local_matched groups keep {result.shared_members:.0%} of the group's neurons on average: they "
            "differ little from it, and a margin in SDs of random groups is wide for them."
        )
    if result.base_reliability is not None and result.base_reliability < _RELIABLE:
        yield (
            f"Influence on the second condition has a reliability of {result.base_reliability:.2f} between "
            "halves "
            "of the documents. Neurons matched on it still differ in it, so that local_matched can reject "
            "too often where a property follows influence as such; more positions help."
        )


def runs_of_labels(split: SplitEvidence) -> Iterator[str]:
    """Rare and common positions that come in runs, which shuffled labels do not keep."""
    rare = split.mask("rare")
    same_document = split.documents[1:] == split.documents[:-1]
    if not same_document.any():
        return
    alike = float(np.mean((rare[1:] == rare[:-1])[same_document]))
    share = rare.mean()
    by_chance = float(share**2 + (1 - share) ** 2)
    if alike - by_chance >= _LIKE_NEIGHBOURS:
        yield (
            f"Neighbouring sampled positions carry the same label in {alike:.0%} of pairs ({by_chance:.0%} "
            "by chance). Shuffled labels do not keep such runs; where neighbouring positions also have like "
            "activations, label_shuffled rejects too often (`hypotest calibrate`, `runs`)."
        )


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
    locally, against_random = p_values.get(_LOCAL), p_values.get("size_matched")
    return locally is not None and against_random is not None and against_random <= 0.05 < locally


def unlike_a_language_model(entropy: CrossEntropy | None) -> Iterator[str]:
    """A model that predicts the text no better than token counts do, or than nothing at all."""
    if entropy is None or entropy.nats < entropy.unigram:
        return
    known = (
        f"as guessing among all of its tokens does ({entropy.chance:.2f})"
        if not entropy.nats <= entropy.chance
        else f"as knowing nothing but how frequent each token is ({entropy.unigram:.2f})"
    )
    yield (
        f"THIS MODEL DOES NOT PREDICT THIS TEXT: its cross-entropy is {entropy.nats:.2f} nats a token, as "
        f"bad {known}, or worse. A tokenizer of another model, damaged weights, or a text of a kind that it "
        "has never seen would do that; what is found here is then not about the model that the report names."
    )
