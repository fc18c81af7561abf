"""What was looked at, in the words of a methods section: text or examples, conditions, sample and split."""

from __future__ import annotations

from hypotest.predicates.combine import definitions, notes_of
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.registration.explained.meanings import limits_text, match_words
from hypotest.report.numbers import count_text


def positions_text(protocol: Protocol) -> str:
    """Text or examples, conditions, sample and split."""
    sample, words = protocol.sample, material_words(protocol)
    notes = "".join(f" {note}" for note in notes_of(protocol.conditions.values()))
    repeated = (
        f" Everything was repeated on {count_text(protocol.splits)} such divisions, the first of which "
        "decides."
        if protocol.splits > 1
        else ""
    )
    row = f"{'An' if words.row[0] in 'aeiou' else 'A'} {words.row}"
    return (
        f"{_material(protocol)}{_beginning(protocol)}. "
        f"{row} belongs {definitions(protocol.conditions)}.{notes} Up to "
        f"{count_text(sample.positions)} {words.rows} per condition were sampled, {limits_text(protocol)}; "
        f"{match_words(protocol)}. {words.units.capitalize()} were split at random, "
        f"{100 * protocol.split.selection:g} % {_first_split(protocol)} and the others to measure them."
        f"{repeated}"
    )


def _material(protocol: Protocol) -> str:
    if protocol.material == "rows":
        return "The rows that came with the network were read, and its own outcome computed at each"
    if protocol.examples is None:
        context = count_text(protocol.text.context)
        return f"Text was cut into blocks of {context} tokens that never cross documents"
    return (
        f"A table of examples was read; of each, the network was looked at on the last token of its prompt, "
        f"and {OUTCOMES[protocol.outcome]} computed; prompts were taken by themselves"
    )


OUTCOMES = {
    "loss": "the cross-entropy of its target",
    "logit_difference": "the logit of its foil less that of its target",
    "sequence": "the summed cross-entropy of all tokens of its target",
}
"""What is computed of an example."""


def _first_split(protocol: Protocol) -> str:
    if protocol.group.is_selected:
        return "to select neurons"
    return "for what the given neurons are ablated to and matched on"


def _beginning(protocol: Protocol) -> str:
    return "" if protocol.material == "rows" else beginning_words(protocol.bos)


def beginning_words(bos: str | bool) -> str:
    """Continues a sentence about blocks."""
    words = {
        "auto": "which begin with a beginning-of-sequence token if the tokenizer puts one before a text",
        True: "which begin with a beginning-of-sequence token",
        False: "without a beginning-of-sequence token",
    }
    return f", {words[bos]}"


def changed(protocol: Protocol) -> str:
    """What an ablation changes."""
    if protocol.material == "rows":
        return "the outcome"
    return "the next token's cross-entropy" if protocol.examples is None else OUTCOMES[protocol.outcome]
