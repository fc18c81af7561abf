"""Identification: what must be true, beside the numbers, for the verdict to mean what it says."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.document import Heading, Part, table
from hypotest.pages.inline import Inline, prose, strong
from hypotest.records.results.results import Results
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import count_text, fixed, significant
from hypotest.report.sections.material import REPLACEMENTS

_Row = tuple[str, str, Inline, Inline]
"""What is assumed, what must hold, how far this run checked it, and the answer."""


def assumptions_section(results: Results) -> Iterator[Part]:
    """A table: what is assumed, whether this run looked, and what it saw."""
    yield Heading("Identification assumptions")
    yield (
        "A verdict is about the network only as far as these hold. Checked means that this run looked, and "
        "says what it saw; what no run can check is for the reader to judge."
    )
    rows: list[tuple[Inline, ...]] = [
        (strong(name), must, answer, how)
        for name, must, answer, how in (
            *_ablation(results),
            *_readout(results),
            *_model(results),
            *_labels(results),
            *_documents(results),
            *_selection(results),
            *_exchange(results),
        )
    ]
    yield table(["assumption", "what must hold", "here", "how it was seen"], rows)


def _ablation(results: Results) -> Iterator[_Row]:
    must = "An ablated network behaves as one without the neuron, and not as one that was never trained so."
    ablation = results.ablation
    if ablation is None:
        yield "ablation", must, "not checked", "Nothing was ablated here: the evidence was made elsewhere."
        return
    group = ablation.group
    random = (
        ""
        if group.random_together is None
        else f", random groups of as many by {significant(group.random_together)}"
    )
    yield (
        "ablation",
        must,
        "in part",
        prose(
            "Each neuron is set to {}. All of the group at once change the loss by {} nats, its single "
            "effects add up to {}{}. Whether another replacement gives the same verdict, "
            "`hypotest multiverse` tells.",
            REPLACEMENTS[ablation.replacement],
            significant(group.together),
            significant(group.sum_of_single),
            random,
        ),
    )
    check = results.self_check
    yield (
        "arithmetic",
        "Changes of loss are those of the network, and not of the shortcut that computes them.",
        "checked" if check is not None else "not checked",
        "No comparison with the whole network was made."
        if check is None
        else f"{count_text(check.n_values)} of them against the whole network: at most "
        f"{significant(check.largest_difference, 2)} nats apart, {significant(check.tolerance, 2)} allowed.",
    )


def _readout(results: Results) -> Iterator[_Row]:
    ablation = results.ablation
    if ablation is None:
        return
    must = "What neurons write adds up on its way to the logits."
    if ablation.largest_error_bound is None:
        yield (
            "linear readout",
            must,
            "not needed",
            f"Effects were measured in forward passes, since {ablation.reason}.",
        )
        return
    norm = (
        ""
        if ablation.parts is None
        else f" Of the mean change of {significant(ablation.parts.total[0], 2)} nats a neuron, "
        f"{significant(ablation.parts.through_norm[0], 2)} pass through the scale of the final norm, which "
        "is not linear and is computed exactly."
    )
    yield "linear readout", must, "holds", f"Here {ablation.reason}.{norm}"


def _model(results: Results) -> Iterator[_Row]:
    loss = results.cross_entropy
    if loss is None:
        return
    must = "The network knows the text: neurons of a network that guesses are not for anything."
    if loss.unigram is None:
        yield (
            "a competent network",
            must,
            "in part",
            f"{fixed(loss.nats, 2)} nats a token; guessing costs {fixed(loss.chance, 2)}.",
        )
        return
    yield (
        "a competent network",
        must,
        "checked" if loss.nats < loss.unigram else strong("violated", "bad"),
        f"{fixed(loss.nats, 2)} nats a token; token counts alone cost {fixed(loss.unigram, 2)}, guessing "
        f"{fixed(loss.chance, 2)}.",
    )


def _labels(results: Results) -> Iterator[_Row]:
    first, second = results.corpus.conditions
    apart = [row.covariate for row in results.corpus.balance if row.is_apart and not row.defining]
    seen = (
        f"They also differ in {sentence_list(apart)}: see the balance table."
        if apart
        else "No other covariate of the balance table is apart."
    )
    placebos = results.placebos
    made = "" if placebos is None else f" Placebos: {count_text(placebos.n_splits)} make-believe pairs."
    yield (
        "labels",
        f"{first} and {second} mean what they are called, and what differs between them is that alone.",
        "in part" if apart else "checked",
        f"{seen}{made}",
    )


def _documents(results: Results) -> Iterator[_Row]:
    corpus, words = results.corpus, results.corpus.words
    used = corpus.documents_used.get("evaluation", 0)
    copies = f" {count_text(corpus.copies)} copies were left out." if corpus.copies else ""
    yield (
        f"independent {words.units}",
        f"{words.units.capitalize()} are a sample of those that the verdict is about, each drawn on its own.",
        "in part",
        f"{count_text(used)} {words.units} carry the evaluation; errors are computed over them.{copies} "
        "Passages that are alike but not the same are not found.",
    )


def _selection(results: Results) -> Iterator[_Row]:
    if not results.group.control_neurons:
        yield (
            "selection",
            "The group was fixed before its text was seen.",
            "not checked",
            "It is given by the protocol; where it comes from is not known here.",
        )
        return
    yield (
        "selection",
        "Neurons are chosen on other documents than they are tested on.",
        "holds",
        "By construction: no document is in both splits."
        if results.split_verdicts
        else prose(
            "By construction: no document is in both splits. One division of the documents was looked at; "
            "`splits:` repeats it on others."
        ),
    )


def _exchange(results: Results) -> Iterator[_Row]:
    biased = [item for item in results.predictions if item.hidden_bias is not None]
    must = "Neurons that are matched with the group could as well have been in it."
    if not results.group.balance:
        return
    largest = max(results.group.balance, key=lambda row: abs(row.after))
    weakest = min(
        biased, key=lambda item: item.hidden_bias.strength if item.hidden_bias else 0.0, default=None
    )
    hidden = (
        ""
        if weakest is None or weakest.hidden_bias is None
        else f" A hidden cause that gives {significant(weakest.hidden_bias.strength, 3)} times the odds "
        f"would undo {weakest.id}."
    )
    yield (
        "exchangeable neighbours",
        must,
        "in part",
        f"After matching, the group is apart by {fixed(abs(largest.after), 2)} SD at most "
        f"({largest.covariate}, {largest.null}).{hidden}",
    )
