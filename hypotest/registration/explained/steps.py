"""What a protocol will have done, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.nulls.registry import declared
from hypotest.predicates.combine import definitions, notes_of
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.texts import CorpusFiles, CorpusHub, CorpusPackages
from hypotest.records.protocol.units import unit_meaning
from hypotest.records.protocol.wording import MaterialWords, material_words
from hypotest.records.results.sentences import counted
from hypotest.registration.explained.doubts import doubts
from hypotest.registration.explained.groups import selection_step
from hypotest.registration.explained.lines import Line
from hypotest.registration.explained.meanings import (
    layer_words,
    limits_text,
    match_words,
    model_words,
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
    words = material_words(protocol)
    model = model_words(subject, "the small model that ships with hypotest")
    model = f"the network {subject.network}" if subject.network else model
    revision = f" ({revision_words(subject)})" if subject.revision else ""
    before = [
        Line(f"{_material(protocol)} and read by {model}{revision}.", "Read."),
        Line(
            " ".join(
                [
                    f"{_row(words)} belongs {definitions(protocol.conditions)}.",
                    *notes_of(protocol.conditions.values()),
                    f"Up to {sample.positions:,} {words.rows} of each kind are taken, "
                    f"{limits_text(protocol)}; "
                    f"{match_words(protocol)}.",
                ]
            ),
            "Sort.",
        ),
        Line(
            f"{words.units.capitalize()} are divided at random: {_divided(protocol)}"
            + (
                f" This is repeated {protocol.splits:,} times; the first division decides."
                if protocol.splits > 1
                else ""
            ),
            "Divide.",
        ),
        Line(
            f"Each neuron of {layer_words(subject)} is replaced, alone, by "
            f"{_REPLACEMENTS[protocol.ablation.replacement].format(words)}. Its influence is how much "
            f"that changes {_outcome(protocol)} (to within {protocol.ablation.tolerance:g})."
            + _meaning(protocol),
            "Ablate.",
        ),
        Line(selection_step(protocol), "Select."),
        Line(
            f"The group is measured on the other {words.units} and compared with opponents, each with the "
            "same "
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
    "mean": "its mean over the selecting {0.units}",
    "zero": "zero",
    "resample": "its activation at another {0.row} of the selecting {0.units}",
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


_OUTCOMES = {
    "loss": "the loss of the prediction",
    "logit_difference": "by how much the foil's logit exceeds the target's",
    "sequence": "the losses of all tokens of the target, summed",
}


def _outcome(protocol: Protocol) -> str:
    if protocol.material == "rows":
        return "the network's own outcome, in its unit"
    return f"{_OUTCOMES[protocol.outcome]}, in nats"


def _meaning(protocol: Protocol) -> str:
    means = unit_meaning(protocol.subject.units)
    return f" {means}" if means else ""


def _row(words: MaterialWords) -> str:
    return f"{'An' if words.row[0] in 'aeiou' else 'A'} {words.row}"


def _material(protocol: Protocol) -> str:
    if protocol.material == "rows":
        return "The rows that come with it are taken one by one"
    if protocol.examples is None:
        return f"{_text(protocol)} are cut into blocks of {protocol.text.context:,} tokens"
    files = protocol.examples.files
    more = f" and {len(files) - _FEW_FILES:,} more" if len(files) > _FEW_FILES else ""
    return f"The prompts of {', '.join(files[:_FEW_FILES])}{more} are taken one by one"


def _text(protocol: Protocol) -> str:
    text = protocol.text.text
    if isinstance(text, CorpusHub):
        return f"The first {text.documents:,} documents of the data set {text.title}"
    if isinstance(text, CorpusPackages):
        return f"{text.title[0].upper()}{text.title[1:]}"
    if not isinstance(text, CorpusFiles):
        return "The docstrings of installed Python packages"
    files = text.files
    more = f" and {len(files) - _FEW_FILES:,} more" if len(files) > _FEW_FILES else ""
    return f"{counted(len(files), 'text file')}, one document each ({', '.join(files[:_FEW_FILES])}{more}),"
