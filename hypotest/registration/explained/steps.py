"""What a protocol will have done, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.nulls.registry import declared
from hypotest.predicates.combine import definitions, notes_of
from hypotest.records.protocol.material import CorpusFiles, CorpusHub
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.sentences import counted
from hypotest.registration.explained.doubts import doubts
from hypotest.registration.explained.groups import selection_step
from hypotest.registration.explained.lines import Line
from hypotest.registration.explained.meanings import (
    layer_words,
    limits_text,
    match_words,
    null_words,
    revision_words,
)

_FEW_FILES = 4


def steps(protocol: Protocol) -> Iterator[Line]:
    """The steps of a run in order, the nulls of a protocol beneath that which compares.

    Args:
        protocol: A valid protocol.
    """
    subject, sample = protocol.subject, protocol.sample
    model = "the small model that ships with hypotest" if subject.model == "reference" else subject.model
    revision = f" ({revision_words(subject)})" if subject.revision else ""
    before = [
        Line(
            f"{_text(protocol)} are cut into blocks of {protocol.corpus.context:,} tokens and read by "
            f"{model}{revision}.",
            "Read.",
        ),
        Line(
            " ".join(
                [
                    f"A position belongs {definitions(protocol.conditions)}.",
                    *notes_of(protocol.conditions.values()),
                    f"Up to {sample.positions:,} positions of each kind are taken, {limits_text(protocol)}; "
                    f"{match_words(protocol)}.",
                ]
            ),
            "Sort.",
        ),
        Line(
            f"Documents are divided at random: {_divided(protocol)}"
            + (
                f" This is repeated {protocol.splits:,} times; the first division decides."
                if protocol.splits > 1
                else ""
            ),
            "Divide.",
        ),
        Line(
            f"Each neuron of {layer_words(subject)} is replaced, alone, by "
            f"{_REPLACEMENTS[protocol.ablation.replacement]}. Its influence is how much "
            "that changes the loss of the prediction, in nats (to within "
            f"{protocol.ablation.tolerance:g}).",
            "Ablate.",
        ),
        Line(selection_step(protocol), "Select."),
        Line(
            "The group is measured on the other documents and compared with opponents, each with the same "
            "treatment:",
            "Compare.",
        ),
    ]
    tests = Line(
        f"Each prediction is tested once, two-sided, at level {protocol.decision.level:g}; intervals come "
        f"from leaving out documents and target types. {_again(protocol)}The outcome is "
        "less, greater, equivalent (shown to be inside the margin) or inconclusive; undefined where the "
        "measure has no value. Not significant is never read as no difference.",
        "Test.",
    )
    for number, step in enumerate(before, 1):
        yield Line(step.text, f"{number}. {step.label}")
    for item in declared(protocol):
        yield Line(f"{null_words(protocol, item.name)}.", f"{item.name}:", 1)
    yield Line(tests.text, f"{len(before) + 1}. {tests.label}")
    for place, text in enumerate(doubts(protocol)):
        yield Line(text, f"{len(before) + 2}. Doubt." if place == 0 else "", min(place, 1))


_REPLACEMENTS = {
    "mean": "its mean over the selecting documents",
    "zero": "zero",
    "resample": "its activation at another position of the selecting documents",
}


def _divided(protocol: Protocol) -> str:
    share = f"{100 * protocol.split.selection:g} % of them"
    if protocol.group.is_selected:
        return (
            f"{share} select the neurons, the others measure them, so that no text judges the neurons that "
            "it has picked."
        )
    return (
        f"{share} say what ablated neurons are set to and which others are like these, the others measure "
        "them."
    )


def _again(protocol: Protocol) -> str:
    if not protocol.reselects:
        return ""
    return (
        "Beside them stand errors of another study, for which the neurons are selected again on half of the "
        "documents, and of the types. "
    )


def _text(protocol: Protocol) -> str:
    text = protocol.corpus.text
    if isinstance(text, CorpusHub):
        return f"The first {text.documents:,} documents of the data set {text.title}"
    if not isinstance(text, CorpusFiles):
        return "The docstrings of installed Python packages"
    files = text.files
    more = f" and {len(files) - _FEW_FILES:,} more" if len(files) > _FEW_FILES else ""
    return f"{counted(len(files), 'text file')}, one document each ({', '.join(files[:_FEW_FILES])}{more}),"
