"""What a reviewer would ask about a run, in plain words and with this run's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from hypotest.measures.information import gaussian_copula_information
from hypotest.pipeline.selection import Selection
from hypotest.pipeline.undefined import NO_VALUE
from hypotest.records.evidence import Evidence, SelfCheck, SplitEvidence
from hypotest.records.results import AblationResult, CorpusResult, CrossEntropy, PredictionResult

_FEW_EIGENVALUES = 50
_SMALL_VOCABULARY = 20000
_FEW_DOCUMENTS = 50
_NOT_RELABELLED = ("top_head_impact", "segregation")
_DIMENSIONS = ("effective_dimension", "participation_ratio")
_RANDOM_GROUPS = ("size_matched", "covariate_matched")
_LOCAL = "local_matched"
_MOSTLY_SHARED = 0.8
"""Share of the group that local_matched groups keep, from which it is mentioned."""
_RELIABLE = 0.9
"""Reliability of the influence that neighbours are matched on, below which it is mentioned: at 0.94 and above
local_matched held its level in simulation, at 0.77 it rejected 0.13 (0.04) of true nulls at 0.05."""
_OWNER_SHARE = 0.2
"""Share of a group's variance from which the neuron that owns it is named."""
_NARROW_UNITS = ("label_shuffled (position)", "label_shuffled (document_type)")
_LIKE_NEIGHBOURS = 0.02
"""Share of neighbouring pairs with one label, beyond chance, from which runs of labels are mentioned."""
_BIASED_INFORMATION = 0.2
"""Share of the group's mutual information that finite text alone explains, from which it is mentioned."""


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
    size = len(selection.group)
    if selection.result.rule != "plateau" and "no plateau" in selection.result.reason:
        found.append(
            "The group is the declared top fraction, since the curve shows no plateau: the papers' "
            "plateau neurons are not what is tested here. A flat head that runs into its power law without a "
            "cliff is often missed, and always where the exponent is below 0.75."
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
    head_positions = int(evidence.evaluation.head_ablation.n_positions.sum())
    found.append(
        f"Attention heads were ablated at {head_positions:,} rare positions in at most 256 blocks a split."
    )
    if any(item.measure == "modularity" for item in predictions):
        with suppress(*NO_VALUE):  # of a network that is undefined
            found += biased_information(evidence.evaluation, selection.group)
    if any(item.reference.startswith("label_shuffled") for item in predictions):
        found += runs_of_labels(evidence.evaluation)
    narrow = [item.id for item in predictions if item.reference in _NARROW_UNITS]
    if narrow:
        found.append(
            f"Rarity belongs to token types; for {', '.join(narrow)} it was shuffled over a smaller unit. "
            "Where neurons have a liking for single types, which return in both splits, such shuffling can "
            "reject every time without any effect of rarity (`hypotest calibrate`, `clustered-types`)."
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
    if any(rung.null == "covariate_matched" for item in predictions for rung in item.ladder):
        found.append(
            "Groups matched in covariates are matched within strata, not exactly: on simulated layers where "
            "the covariates explain a difference altogether, they still reject in 9 % instead of 5 % "
            "(`hypotest calibrate`, `covariates`)."
        )
    found += _local_matching(predictions, selection)
    if any(item.measure in _DIMENSIONS for item in predictions):
        found += owners_of_variance(evidence, selection.group)
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


def owners_of_variance(evidence: Evidence, group: NDArray[np.int64]) -> Iterator[str]:
    """Neurons that own more than a fifth of the group's variance, which a covariance then speaks of."""
    rare = evidence.evaluation.activations[evidence.evaluation.mask("rare")][:, group]
    variances = rare.var(axis=0, dtype=np.float64)
    if not variances.sum() > 0:
        return
    shares = variances / variances.sum()
    loud = [place for place in np.argsort(-shares) if shares[place] > _OWNER_SHARE]
    if loud:
        numbers = evidence.layer_numbers(group)
        named = ", ".join(f"neuron {numbers[place]} ({shares[place]:.0%})" for place in loud)
        yield (
            f"Of the variance of the group's {group.size} activations, more than a fifth belongs to "
            f"{named}. A "
            "dimension of the covariance says how that is shared with few others; `scale: correlation` gives "
            "every neuron the same weight."
        )


def biased_information(split: SplitEvidence, group: NDArray[np.int64]) -> Iterator[str]:
    """Mutual information of independent neurons is 1 / (2 n) nats on average, not 0.

    The Gaussian copula's is -log(1 - r^2) / 2, and r^2 of n independent pairs has mean 1 / (n - 1). Positions
    of one document hang together, so that this is the least that it can be.
    """
    rare = split.activations[split.mask("rare")][:, group]
    information = gaussian_copula_information(rare)[np.triu_indices(len(group), 1)]
    if not information.size or not information.mean() > 0:
        return
    share = min(1.0, 0.5 / len(rare) / float(information.mean()))
    if share >= _BIASED_INFORMATION:
        yield (
            f"At least {share:.0%} of the group's mean mutual information is what {len(rare):,} positions of "
            "unrelated neurons would show. Q is then in good part a property of noise, which the p-value "
            "takes into account and the interval over documents does not."
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
