"""What the run was made of: neurons, text, heads, limits, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypotest.pages.document import Details, Heading, Items, Note, Paragraph, Part, table
from hypotest.pages.inline import Inline, emphasis, strong, with_code
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.corpus_result import CrossEntropy
from hypotest.records.results.figure_data import FrequencyCurve, HeadResult
from hypotest.records.results.group_result import AblationResult, GroupAblation
from hypotest.records.results.results import Results
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import UNDEFINED, count_text, fixed, significant
from hypotest.report.picture import Picture, figures_of
from hypotest.report.sections.balance import balance_paragraphs
from hypotest.report.sections.corpus import (
    cross_entropy_words,
    frequent_targets,
    left_out_of,
    masked_words,
    unlisted_of,
    used_of,
)
from hypotest.report.sections.examples import examples_section
from hypotest.report.sections.row_balance import LEGEND, row_balance_table
from hypotest.report.text import token_text

_MANY_HEADS = 64
REPLACEMENTS = {
    "mean": "its mean over the selection split",
    "zero": "zero",
    "resample": "its activation at another position of the selection split",
}


def group_section(results: Results) -> Iterable[Part]:
    """The neurons and how they were found."""
    group = results.group
    yield Heading("The group")
    yield (
        f"{count_text(len(group.neurons))} of {count_text(group.n_neurons)} neurons, by the rule ",
        emphasis(group.rule),
        f": {group.reason}. {_other_group(results)}",
    )
    yield from balance_paragraphs(results)
    if group.control_neurons or len(group.neurons) < group.n_neurons - group.n_dead:
        yield Details("Neurons, the first of the ranking first", (Paragraph(group.listed),))


def _other_group(results: Results) -> str:
    """What is found on the second condition; of a group that is given, what follows from that."""
    group = results.group
    if not group.control_neurons:
        return (
            "Nothing is selected, so that no null selects again: under shuffled labels the same neurons are "
            "measured, and the intervals are those of another study of them."
        )
    shared = len(set(group.neurons) & set(group.control_neurons))
    return (
        f"The same rule on {results.corpus.conditions[1]} targets selects "
        f"{count_text(len(group.control_neurons))} neurons, {count_text(shared)} of them the same."
    )


def ablation_section(results: Results) -> Iterable[Part]:
    """How neurons were ablated, and what the group's ablation shows."""
    ablation = results.ablation
    if ablation is None:
        return
    group, parts = ablation.group, ablation.parts
    size = len(results.group.neurons)
    yield Heading("Ablation")
    share = f" ({group.together / group.sum_of_single:.2f} times that)" if group.sum_of_single > 0 else ""
    yield (
        f"Ablating the {count_text(size)} neurons at once changes the mean loss on "
        f"{results.corpus.conditions[0]} targets by ",
        strong(f"{significant(group.together)} nats"),
        "; their single effects add up to "
        f"{significant(group.sum_of_single)}{share}. {_random_groups(group)}"
        f"{count_text(group.n_positions)} {results.corpus.conditions[0]} positions of the evaluation "
        "split; an ablated neuron is set "
        f"to {REPLACEMENTS[ablation.replacement]}.",
    )
    if parts is not None:
        yield (
            f"What single effects are made of, in nats per neuron, at {count_text(parts.n_positions)} "
            f"{results.corpus.conditions[0]} positions:"
        )
        rows = {
            "change of loss": parts.total,
            "through the scale of the final norm alone": parts.through_norm,
            "through the logits that the neuron writes alone": parts.direct,
            "change of the entropy of what is predicted": parts.entropy,
        }
        yield table(
            ["", "this group", "whole layer"],
            [(name, *map(significant, pair)) for name, pair in rows.items()],
            numeric=(1, 2),
        )
    yield _engine(ablation)


def _random_groups(group: GroupAblation) -> str:
    if not group.n_random_groups:
        return "It is the whole layer, so that there are no random groups of its size. "
    return (
        f"{count_text(group.n_random_groups)} random groups of that size: "
        f"{significant(group.random_together)} (SD {significant(group.random_together_sd)}) at once, single "
        f"effects {significant(group.random_sum_of_single)}. "
    )


def _engine(ablation: AblationResult) -> str:
    if ablation.largest_error_bound is None:
        return f"Engine: interventions in forward passes, since {ablation.reason}; float32, not certified."
    return (
        f"Engine: certified, since {ablation.reason}. Every change of loss lies within "
        f"{ablation.tolerance:g} nats of the exact one, by a proof for each entry (the largest bound is "
        f"{ablation.largest_error_bound:.2g}); {100 * ablation.share_exact:.2g} % of the pairs of position "
        "and neuron were summed over the whole vocabulary."
    )


def _is_plausible(loss: CrossEntropy | None) -> bool:
    """Whether the model predicts the text better than token counts do, where that is asked."""
    return loss is None or loss.unigram is None or loss.nats < loss.unigram


def implausible(results: Results) -> Iterable[Part]:
    """Said before any result: a model that does not predict the text."""
    loss = results.cross_entropy
    if loss is not None and not _is_plausible(loss):
        yield (
            strong("Careful: the model does not predict this text."),
            f" Its cross-entropy is {fixed(loss.nats, 2)} nats a token, and token counts alone give "
            f"{fixed(loss.unigram, 2)}; see the limitations.",
        )


def implausible_alert(results: Results) -> Inline:
    """The same for the console; empty where it does."""
    loss = results.cross_entropy
    if loss is None or _is_plausible(loss):
        return ""
    return strong(
        f"The model does not predict this text: {loss.nats:.2f} nats a token, and token counts alone give "
        f"{fixed(loss.unigram, 2)}",
        "bad",
    )


def _beginning(bos: str | None) -> str:
    if bos is None:
        return ""
    return (
        f" Every block begins with {token_text(bos)}, the beginning of a sequence, in "
        "addition; it is never a position."
    )


def corpus_section(results: Results, figures: Sequence[Picture]) -> Iterable[Part]:
    """The text, the positions, and what the conditions come to in it."""
    corpus = results.corpus
    if corpus.words.names:
        yield from examples_section(results, figures)
        return
    yield Heading("Text and conditions")
    yield (
        f"Text: {corpus.source}; {count_text(corpus.documents)} documents, "
        f"{count_text(corpus.blocks)} blocks, {count_text(corpus.tokens)} tokens. Before the limits per "
        f"document and type, and the sample: {sentence_list(_available(results))}." + _beginning(corpus.bos)
    )
    yield from masked_words(corpus)
    if corpus.text_tokens is not None:
        yield used_of(corpus.tokens, corpus.text_tokens, corpus.padded_blocks) + left_out_of(
            corpus.empty, corpus.copies
        )
    yield from cross_entropy_words(results)
    if (curve := results.figures.frequencies) is not None:
        yield _ranked(curve)
    yield table(
        ["", "number"],
        [
            *([f"positions, {name}", count_text(number)] for name, number in corpus.positions.items()),
            *([f"documents, {name}", count_text(number)] for name, number in corpus.documents_used.items()),
            *(
                [f"{name} types among the targets", count_text(number)]
                for name, number in corpus.types_used.items()
            ),
            *(
                []
                if curve is None
                else [
                    [
                        f"occurrences of a {curve.condition} type in the reference text",
                        f"{count_text(curve.count_range[0])} to {count_text(curve.count_range[1])}",
                    ]
                ]
            ),
        ],
        numeric=(1,),
    )
    names = Conditions(*corpus.conditions)
    yield (
        "How alike the measured positions (evaluation split) of both conditions are in what could explain a "
        "difference between them:"
    )
    yield row_balance_table(corpus.balance, names)
    yield f"{LEGEND}."
    yield from frequent_targets(corpus)
    if corpus.text_differs:
        said = "Installed in another version than the pinned one, so that the text differs: "
        yield Note("note", (Paragraph(f"{said}{sentence_list(corpus.text_differs)}."),))
    yield from figures_of(figures, "corpus")


def _available(results: Results) -> list[str]:
    corpus = results.corpus
    return [
        f"{count_text(number)} {name} positions, {significant(corpus.per_thousand[name])} per 1,000"
        for name, number in corpus.available.items()
    ]


def _ranked(curve: FrequencyCurve) -> str:
    if curve.elbow_rank is None:
        elbow = "No types were dropped at the rare end"
    else:
        elbow = (
            f"The {count_text(curve.n_dropped_types)} types beyond the elbow at rank "
            f"{count_text(curve.elbow_rank)} are dropped"
        )
    return (
        f"{elbow}; of {count_text(curve.n_types)} types with a count, "
        f"{count_text(curve.n_in_range)} are {curve.condition}, from rank {count_text(curve.first_rank)} on."
        f"{unlisted_of(curve)}"
    )


def heads_section(results: Results, figures: Sequence[Picture]) -> Iterable[Part]:
    """What each head, and each layer of heads, brings to the group."""
    data = results.figures
    if not data.heads and not data.layer_impacts:
        return
    ablated = any(head.impact is not None for head in data.heads) or bool(data.layer_impacts)
    yield Heading("Attention heads that reach these neurons" if ablated else "Attention of each head")
    if data.layer_impacts:
        layers = list(dict.fromkeys(name.rpartition(" ")[0] for name in data.layer_impacts))
        yield "Relative change of the group's activations with heads ablated:"
        yield table(
            ["layer", "single: the top head", "a random head", "all heads"],
            [
                [
                    layer,
                    *(
                        significant(data.layer_impacts.get(f"{layer} {kind}"))
                        for kind in ("single", "random", "all")
                    ),
                ]
                for layer in layers
            ],
            numeric=(1, 2, 3),
        )
    if data.heads:
        by_impact = sorted(data.heads, key=lambda head: -(head.impact or 0.0))
        rows = [
            [
                f"L{head.layer}H{head.head}",
                *(_impacts(head) if ablated else ()),
                fixed(head.gini_first, 3),
                fixed(head.gini_second, 3),
                fixed(head.routing, 3),
            ]
            for head in by_impact
        ]
        names = [
            "head",
            *(("impact on the group", "on random groups", "share of its layer") if ablated else ()),
            *(f"Gini, {name}" for name in results.corpus.conditions),
            "routing",
        ]
        heads = table(names, rows, numeric=range(1, len(names)))
        yield Details(f"All {len(rows)} heads", (heads,)) if len(rows) > _MANY_HEADS else heads
    yield from figures_of(figures, "heads")


def _impacts(head: HeadResult) -> tuple[Inline, ...]:
    share = UNDEFINED if head.layer_share is None else f"{100 * head.layer_share:.1f} %"
    return significant(head.impact), significant(head.null_impact), share


def limitations_section(results: Results) -> Iterable[Part]:
    """What a reviewer should hear from the authors first."""
    yield Heading("Limitations of this run")
    said = "None was found beyond those of the method itself."
    yield Items(tuple(map(with_code, results.limitations))) if results.limitations else said
