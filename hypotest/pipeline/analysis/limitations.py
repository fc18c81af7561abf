"""What a reviewer would ask about a run, in plain words and with this run's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from hypotest.ladder.against_nulls import is_drawn
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared
from hypotest.pipeline.analysis.dependence import dependence_sentence
from hypotest.predicates.combine import limitations_of
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.design import HEAD_BLOCKS
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.corpus_result import CorpusResult, CrossEntropy
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.records.results.group_result import AblationResult, GroupResult
from hypotest.records.results.placebos import Placebos
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Dependence
from hypotest.records.results.self_check import SelfCheck
from hypotest.report.numbers import significant
from hypotest.report.sections.row_balance import imbalances
from hypotest.testing.task import Task
from hypotest.testing.undefined import NO_VALUE

_FEW_DOCUMENTS = 50
LIKE_THE_REAL_ONE = 0.5
"""Share of the real effect from which on that between high and low loss is named."""


def find_limitations(
    corpus: CorpusResult,
    predictions: Sequence[PredictionResult],
    task: Task,
    group: GroupResult,
    ablation: AblationResult | None,
    check: SelfCheck | None,
    vocab_size: int,
    curve: FrequencyCurve | None,
    entropy: CrossEntropy | None = None,
    dependence: Sequence[Dependence] = (),
    placebos: Placebos | None = None,
) -> tuple[str, ...]:
    """What to keep in mind when reading the results."""
    evidence = task.evidence
    limitations = [
        *unlike_a_language_model(entropy),
        *_uncertified(ablation, check),
        *_of_this_split(task.protocol, group),
        *_of_these_neurons(task.protocol),
        *_of_experts(evidence),
    ]
    if corpus.text_differs:
        limitations.append(
            "The reference text is not the pinned one: "
            + ", ".join(corpus.text_differs)
            + ". Numbers can differ from published ones."
        )
    measures = [MEASURES[item.measure] for item in predictions if item.measure in MEASURES]
    if group.rule != "plateau" and task.protocol.group.select == "plateau":
        limitations.append(
            "The group is the declared top fraction, since the curve shows no plateau: the papers' "
            "plateau neurons are not what is tested here. A flat head that runs into its power law without a "
            "cliff is often missed, and always where the exponent is below 0.75."
        )
    limitations += limitations_of(task.protocol.conditions.values(), vocab_size, curve)
    limitations += imbalances(corpus.balance, Conditions(*corpus.conditions))
    for split, count in corpus.documents_used.items():
        if count < _FEW_DOCUMENTS:
            limitations.append(f"The {split} split has only {count} documents; intervals are wide.")
    if evidence.evaluation.heads is not None:
        head_positions = int(evidence.evaluation.head_ablation.documents.size)
        limitations.append(
            f"Attention heads were ablated at {head_positions:,} {evidence.evaluation.conditions.first} "
            f"positions in at most {HEAD_BLOCKS} "
            "blocks a split."
        )
    for limits in dict.fromkeys(measure.limits for measure in measures if measure.limits is not None):
        with suppress(*NO_VALUE):  # of a network that is undefined
            limitations += limits(evidence, task.selection.group)
    for item in declared(task.protocol):
        if is_drawn(task, item):
            state = task.drawn[item.name]
            limitations += item.null.limits(item.options, state, predictions, evidence, group)
    fixed = [item.id for item in predictions if _keeps_labels(item.measure)]
    labels = [item.name for item in declared(task.protocol, Form.LABELS)]
    if labels and fixed:
        limitations.append(
            f"Under {labels[0]} the evaluation evidence of {', '.join(fixed)} keeps its labels, since it "
            "cannot be relabelled; token types that occur in both splits can make those p-values too small."
        )
    if group.n_dead:
        limitations.append(
            f"{group.n_dead:,} of {group.n_neurons:,} neurons never vary on the "
            "selection "
            "split. They could not be selected, and are in no group that this one is compared with."
        )
    limitations += dependence_sentence(dependence)
    limitations += faults_revealed(placebos)
    limitations += follows_loss(placebos, predictions)
    return tuple(dict.fromkeys(limitations))


def _of_this_split(protocol: Protocol, group: GroupResult) -> Iterator[str]:
    if protocol.group.is_selected:
        yield "One model and one split of the documents: another split can give another group."
        return
    yield "One model and one split of the documents."
    if protocol.group.ids:
        yield (
            f"The neurons were {group.reason}. What they were chosen by is not known here: if it was this "
            "text, or text like it, effects are as flattered as any that are measured on what selected them."
        )


def _of_these_neurons(protocol: Protocol) -> tuple[str, ...]:
    if protocol.intervals.reselection or not protocol.group.is_selected:
        return ()
    return (
        "Intervals are of these neurons. Another study of the same network selects its own and differs by "
        "more; by how much, `intervals: {reselection: true}` tells.",
    )


def _of_experts(evidence: Evidence) -> Iterator[str]:
    partition = evidence.partition
    if partition is not None and partition.numbers is not None and evidence.ablation.replacement != "zero":
        yield (
            "Neurons of experts were ablated to what they are elsewhere, also at rows that the router did "
            "not send to their expert, so that they write there where they are silent; "
            "`ablation: {replacement: zero}` silences them."
        )


def faults_revealed(placebos: Placebos | None) -> Iterator[str]:
    """Predictions whose test rejects too often where there is nothing to find."""
    if placebos is None:
        return
    level = placebos.level
    for item in placebos.predictions:
        if item.is_marked(level):
            yield (
                f"PLACEBO: {item.prediction} is significant in {item.n_significant(level)} of {item.n_known} "
                f"make-believe conditions (p <= {level:g}; {level * item.n_known:.2g} expected): its test "
                "finds differences here that have nothing to do with the conditions."
            )


def follows_loss(placebos: Placebos | None, predictions: Sequence[PredictionResult]) -> Iterator[str]:
    """Predictions whose effect is there between types of high and of low loss, too."""
    if placebos is None:
        return
    real = {item.id: item.effect for item in predictions}
    for item in placebos.predictions:
        effect, by_loss = real.get(item.prediction), item.effect_by_loss
        if not effect or by_loss is None or item.p_by_loss is None:
            continue
        if item.p_by_loss <= placebos.level and by_loss / effect >= LIKE_THE_REAL_ONE:
            yield (
                f"{item.prediction}: token types of the second condition that are hard to predict, set "
                f"against easy ones, show the same (effect {significant(by_loss, 3)}, p "
                f"{significant(item.p_by_loss, 2)}; real {significant(effect, 3)}). It may follow the loss."
            )


def _keeps_labels(name: str) -> bool:
    """Whether a measure of groups is of evidence that cannot be relabelled."""
    measure = MEASURES.get(name)
    return isinstance(measure, GroupMeasure) and Form.LABELS not in measure.contrasts


def _uncertified(ablation: AblationResult | None, check: SelfCheck | None) -> tuple[str, ...]:
    if ablation is None or check is None:
        return ("The evidence was made elsewhere: how, is not checked here.",)
    if ablation.largest_error_bound is not None:
        return ()
    return (
        f"delta_loss comes from float32 forward passes, since {ablation.reason}; no certificate bounds its "
        f"rounding. {check.n_pairs} (neuron, block) pairs redone in the whole model differ by at most "
        f"{check.largest_difference:.1e} nats.",
    )


def unlike_a_language_model(entropy: CrossEntropy | None) -> Iterator[str]:
    """A model that predicts the text no better than token counts do, or than nothing at all."""
    if entropy is None or entropy.unigram is None or entropy.nats < entropy.unigram:
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
