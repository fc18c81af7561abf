"""The registration's sampling plan, under the headings of the OSF form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypotest.pages.document import Heading, Part
from hypotest.pages.inline import prose
from hypotest.predicates.combine import definitions, needs_counts, notes_of
from hypotest.records.protocol.design import CALIPER, HEAD_BLOCKS, HEAD_POSITIONS
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.texts import CorpusFiles, CorpusHub, CorpusPackages, Text
from hypotest.records.protocol.wording import material_words
from hypotest.records.results.sentences import sentence_list
from hypotest.records.seen import Seen, SeenBy
from hypotest.registration.explained.meanings import (
    layer_words,
    limits_text,
    match_words,
    model_words,
    revision_words,
)
from hypotest.report.numbers import count_text
from hypotest.report.sections.methods import stops_of
from hypotest.report.sections.sampled import OUTCOMES, beginning_words
from hypotest.report.sections.seen import UNSEEN_BY_ANY_TOOL, seen_sentence


def sampling(protocol: Protocol, lock: Mapping[str, Any] | None) -> Iterator[Part]:
    """Existing data, collection, sample size and stopping."""
    sample, is_rows = protocol.sample, protocol.material == "rows"
    yield Heading("Sampling Plan")
    yield Heading("Existing Data", 3)
    yield _existing_data(lock)
    yield Heading("Explanation of existing data", 3)
    yield prose(
        "Network and {} exist; the evidence (activations, {}) is computed from them. Evidence of each split "
        "is kept under a name of its own. `hypotest explore` and `hypotest "
        "power` read that of the selection split alone, and so does a trial (`hypotest run --limit`). A log "
        "of the cache names the documents that a network is run over, before it is; from it `hypotest "
        "register` records what was seen of the evaluation split. {}",
        "rows" if is_rows else "text",
        "changes of the outcome" if is_rows else "attention, changes of loss",
        evaluation_state(lock),
    )
    yield Heading("Data collection procedures", 3)
    yield (
        f"The network is {subject_words(protocol)}. {_material(protocol)}."
        + (
            f" How frequent a token is comes from {_frequencies(protocol)}."
            if needs_counts(*protocol.conditions.values())
            else ""
        )
    )
    yield (
        " ".join(
            [
                f"Included are {material_words(protocol).rows} that belong "
                f"{definitions(protocol.conditions)}.",
                *notes_of(protocol.conditions.values()),
                f"Kept are {limits_text(protocol)}; {match_words(protocol)}. {_partner(protocol)}",
            ]
        )
    )
    yield _ablation(protocol)
    yield Heading("Sample size", 3)
    selection = round(protocol.split.selection * sample.positions)
    yield (
        f"{count_text(sample.positions)} positions per condition: {count_text(selection)} in the "
        f"selection split and {count_text(sample.positions - selection)} in the evaluation split."
        f"{_documents(lock)} The units of inference are documents, token types under shuffled labels, and "
        "groups of neurons for random groups."
    )
    yield Heading("Sample size rationale", 3)
    yield prose(
        "The protocol declares the number of positions and gives no reason for it. `hypotest power` foresees "
        "from the selection split which effects this number can show. The numbers of draws are bounded from "
        "below: the smallest two-sided p-value of B draws, 2/(B + 1), must not exceed the level {} divided "
        "by {}, the number of deciding predictions (by 1 where only a premise rests on the null).",
        f"{protocol.decision.level:g}",
        count_text(max(1, len(protocol.deciding))),
    )
    yield Heading("Stopping rule", 3)
    yield " ".join(_stopping(protocol))


def _ablation(protocol: Protocol) -> str:
    if protocol.material == "rows":
        return (
            "At every row each unit is ablated by itself, and a sample of these ablations is compared with "
            "interventions in the whole network; of evidence from elsewhere, influence is taken as it came."
        )
    engine = f"The largest error allowed for any change of loss is {protocol.ablation.tolerance:g} nats"
    return (
        "At every position each neuron of the layer is ablated by itself. "
        f"{engine}, wherever the architecture lets a bound be proven; elsewhere a sample is compared with "
        "interventions in the whole network. Attention heads that can reach the layer are set to zero, one "
        f"at a time and layer by layer, at up to {HEAD_POSITIONS} {protocol.names.first} positions of at "
        f"most {HEAD_BLOCKS} blocks of each split."
    )


def _material(protocol: Protocol) -> str:
    if protocol.material == "rows":
        return "The rows that come with it are read, and its own outcome is computed at each"
    return f"{_texts(protocol)}{beginning_words(protocol.bos)}"


def _texts(protocol: Protocol) -> str:
    if protocol.examples is not None:
        files = sentence_list(list(protocol.examples.files))
        return (
            f"Examples are the rows of {files}: a prompt with its target. Of each, the network is looked at "
            f"on the last token of its prompt, and {OUTCOMES[protocol.outcome]} is computed; prompts are "
            "taken by themselves"
        )
    corpus = protocol.text
    return (
        f"The text is {_text(corpus.text)}. It is cut into blocks of {count_text(corpus.context)} tokens "
        f"that are packed and never cross documents; {_short(corpus.text)}"
    )


def _stopping(protocol: Protocol) -> Iterator[str]:
    yield (
        "The sample is of fixed size and collected once; if there are fewer positions, the run stops with an "
        "error and tests nothing."
    )
    stops = [
        f"once both tails hold {count_text(stop)} draws at least as extreme ({name})"
        for name, stop in stops_of(protocol).items()
    ]
    if stops:
        yield (
            f"Random groups are drawn up to the declared number, and drawing stops early "
            f"{sentence_list(stops)}; the p-value is then that of Besag and Clifford (1991)."
        )
    else:
        yield "The numbers of draws are fixed too; nothing stops them early."


def _existing_data(lock: Mapping[str, Any] | None) -> str:
    if lock is None:
        return f"Data status: not registered. Nothing records what was seen before. {UNSEEN_BY_ANY_TOOL}"
    seen = _seen(lock)
    if seen is not None and seen.nothing:
        return (
            "Data status: registered prior to the creation of the data. When the protocol was registered, "
            "the log of the cache named no run of this network, at any layer and under any plan, over a "
            f"document of the evaluation split. {UNSEEN_BY_ANY_TOOL}"
        )
    known, existed = "nothing was recorded about it", "existed"
    if seen is not None:
        existed = "existed" if seen.documents or seen.unlogged_evidence else "may have existed"
        known = seen_sentence(seen, part_of(lock, "split").get("evaluation_documents", 0))
    return f"Data status: the data {existed}: {known}. A run is exploratory. {UNSEEN_BY_ANY_TOOL}"


def evaluation_state(lock: Mapping[str, Any] | None) -> str:
    """Whether the evaluation split is on record as unseen."""
    if lock is None:
        return "The protocol is not registered, so that nothing is on record about the evaluation split."
    seen = _seen(lock)
    if seen is not None and seen.nothing:
        return "The lock records that no document of the evaluation split had been seen at registration."
    return "The lock does not show that the evaluation split was unseen at registration."


def _seen(lock: Mapping[str, Any]) -> Seen | None:
    seen = lock.get("seen")
    if not isinstance(seen, Mapping):
        return None
    return Seen(**{**seen, "by": tuple(SeenBy(**item) for item in seen.get("by", ()))})


def _documents(lock: Mapping[str, Any] | None) -> str:
    split = part_of(lock, "split")
    counts = [split.get("selection_documents"), split.get("evaluation_documents")]
    if not all(isinstance(count, int) for count in counts):
        return " How many documents they come from follows from the text."
    first, second = (count_text(int(count)) for count in counts if count is not None)
    return f" They come from {first} and {second} documents."


def subject_words(protocol: Protocol) -> str:
    """The layer and the model."""
    subject = protocol.subject
    if subject.network is not None:
        return f"{layer_words(subject)} of the network {subject.network}"
    model = model_words(subject, "the reference model that ships with hypotest", "the model ")
    revision = f", {revision_words(subject)}" if subject.revision else ""
    return f"{layer_words(subject)} of {model}{revision}"


def _frequencies(protocol: Protocol) -> str:
    chosen = protocol.frequencies
    if isinstance(chosen, str) and chosen != "reference":
        return f"the table {chosen}"
    if chosen == "reference" and protocol.subject.models == ("reference",):
        return "the token counts that ship with the reference model"
    text = "reference" if isinstance(chosen, str) else chosen.count
    if isinstance(text, str):
        return "the tokens of the reference model's training text, counted with the model's own tokenizer"
    what = f"{len(text.files)} text files" if isinstance(text, CorpusFiles) else _text(text)
    return f"the tokens of {what}, counted with the model's own tokenizer"


def _short(text: Text) -> str:
    if text == "reference":
        return "none is padded"
    return "a document shorter than a block is padded on the right, where nothing is looked at"


def _text(text: Text) -> str:
    if isinstance(text, CorpusHub):
        return _first_documents(text)
    if isinstance(text, CorpusPackages):
        return text.title
    if isinstance(text, CorpusFiles):
        names = sentence_list(text.files)
        return f"{count_text(len(text.files))} text files, one document each: {names}"
    return (
        "the docstrings of the installed packages that belong to the reference text, one document per source "
        "file"
    )


def _first_documents(text: CorpusHub) -> str:
    return f"the first {count_text(text.documents)} documents of the data set {text.title}"


def _partner(protocol: Protocol) -> str:
    if not {"block", "index"} & set(protocol.sample.match):
        return "It is drawn at random among those."
    return f"It is drawn among those that lie within {CALIPER} tokens, or is the nearest if there is none."


def part_of(lock: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    """A part of a lock; empty where it has none."""
    value = (lock or {}).get(name)
    return value if isinstance(value, Mapping) else {}
