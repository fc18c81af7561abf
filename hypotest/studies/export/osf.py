"""A registration as a page, under the headings of the OSF preregistration form.

Pure: the same protocol and lock give the same text. Design stands here, sampling in ``osf_sampling``,
hypotheses in ``osf_hypotheses``, variables and analysis in ``osf_analysis``.

References:
    The headings are those of version 3 of the form, osf.io (``osf-preregistration-3.json``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypotest.estimators.regimes import FALL_SPAN, FLAT, HEAD_SHARE, SMALLEST_FALL, SMALLEST_PLATEAU
from hypotest.pages.document import Document, Heading, Part, document, table
from hypotest.pages.inline import Inline, emphasis, listed, prose
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import Predicted, material_words
from hypotest.registration import protocol_hash
from hypotest.registration.explained.groups import given_words, ranked_by
from hypotest.report.numbers import count_text
from hypotest.report.reworded import reworded
from hypotest.report.sections.material import REPLACEMENTS
from hypotest.report.sections.sampled import changed
from hypotest.studies.export.deviations_page import empty_deviations
from hypotest.studies.export.osf_analysis import analysis_plan, other, variables
from hypotest.studies.export.osf_hypotheses import hypotheses, null_sentences
from hypotest.studies.export.osf_sampling import evaluation_state, part_of, sampling, subject_words


def osf_page(protocol: Protocol, lock: Mapping[str, Any] | None, predicted: Predicted = "next") -> Document:
    """The whole document.

    Args:
        protocol: A valid protocol.
        lock: What ``PROTOCOL.lock.json`` holds; None if the protocol is not registered.
        predicted: Which token its model predicts.
    """
    return reworded(document(_parts(protocol, lock)), material_words(protocol, predicted))


def _parts(protocol: Protocol, lock: Mapping[str, Any] | None) -> Iterator[Part]:
    yield Heading(f"Preregistration: {protocol.title}", 1)
    yield _status(protocol, lock)
    yield from _study_information(protocol)
    yield from _design(protocol, lock)
    yield from sampling(protocol, lock)
    yield from variables(protocol)
    yield from analysis_plan(protocol)
    yield from other(protocol)
    yield from empty_deviations()
    if lock is not None:
        yield from _registered_state(lock)


def _status(protocol: Protocol, lock: Mapping[str, Any] | None) -> Inline:
    """Whether this is a registration at all, and of this very content."""
    content = prose("The SHA-256 of the protocol's content is `{}`.", protocol_hash(protocol))
    if lock is None:
        return prose("**Not registered.** No lock file lies beside the protocol. {}", content)
    when = str(lock.get("registered", "an unknown time"))
    registered = str(part_of(lock, "hashes").get("protocol"))
    if registered == protocol_hash(protocol):
        return prose(
            "**Registered {}.** The protocol has not changed since. {}{}", when, content, _later(lock)
        )
    return prose(
        "**Changed since it was registered {}.** The registered content had the SHA-256 `{}`; what follows "
        "describes the protocol as it is now. {}",
        when,
        registered,
        content,
    )


def _later(lock: Mapping[str, Any]) -> Inline:
    """That the network comes, or came, after the registration."""
    later = part_of(lock, "later")
    if not later:
        return ""
    which = f"the first network that satisfies: {later.get('criterion')}"
    if later.get("bound") is None:
        return prose(" **The network is not there yet**: registered is {}. The first run binds it.", which)
    return f" Registered was {which}. It was bound {later.get('bound')}."


def _study_information(protocol: Protocol) -> Iterator[Part]:
    yield Heading("Study Information")
    yield Heading("Title", 3)
    yield protocol.title
    yield Heading("Description", 3)
    number = len(protocol.hypotheses)
    yield prose(
        "The study asks what is true of the neurons of {} that matter most for {} {}. It tests "
        "{}, {}, by {} measurements, of which {} can decide. The protocol's id is `{}`.{}",
        subject_words(protocol),
        protocol.names.first,
        "rows" if protocol.material == "rows" else "target tokens",
        f"{number} rival hypotheses" if number > 1 else "one hypothesis",
        listed(map(emphasis, protocol.hypotheses)),
        count_text(len(protocol.predictions)),
        count_text(len(protocol.deciding)),
        protocol.id,
        f" The claims come from {protocol.source}." if protocol.source else "",
    )
    yield Heading("Hypotheses", 3)
    yield from hypotheses(protocol)


def _design(protocol: Protocol, lock: Mapping[str, Any] | None) -> Iterator[Part]:
    yield Heading("Design Plan")
    yield Heading("Study type", 3)
    yield (
        "Other: a computational study of one trained neural network with interventions inside it. "
        + (
            "Units are ablated; the rows are observed as they are, wherever they come from."
            if protocol.material == "rows"
            else "Neurons and attention heads are ablated; the text is observed as it is. No people or "
            "animals take part."
        )
    )
    yield Heading("Blinding", 3)
    yield (
        "No person judges an observation: selection, measurement, tests and verdict are computed from the "
        "protocol. Neurons are selected on the selection split; every prediction is measured on the "
        "evaluation split, which consists of other documents. Before registration only the selection split "
        f"may be looked at. {evaluation_state(lock)}"
    )
    yield Heading("Study design", 3)
    yield " ".join(_study_design(protocol))
    yield from null_sentences(protocol)
    yield Heading("Randomization", 3)
    repeated = (
        f" The division is repeated {count_text(protocol.splits)} times; the first decides, the others show "
        "how the outcomes spread."
        if protocol.splits > 1
        else ""
    )
    yield (
        f"Documents are divided at random, {100 * protocol.split.selection:g} % of them into the selection "
        "split and the others into the evaluation split; no document is in both."
        f"{_kept_out(lock)}{repeated} "
        "Positions are drawn at random within each split, random neuron groups uniformly without "
        "replacement, and shuffled labels uniformly among the permutations of their unit. Every purpose has "
        f"a random number stream of its own that follows from the seed {protocol.seed}, so that no draw "
        "depends on another."
    )


def _study_design(protocol: Protocol) -> Iterator[str]:
    group = protocol.group
    yield (
        f"Within one network, two conditions are compared at paired positions: each {protocol.names.first} "
        f"position has a {protocol.names.second} partner. A neuron's influence is the mean absolute "
        f"change of {changed(protocol)}, in nats, when its activation is set to "
        f"{REPLACEMENTS[protocol.ablation.replacement]}."
    )
    if not group.is_selected:
        yield f"The tested group is {given_words(protocol)}; nothing is selected."
        return
    if not group.size_varies and group.declared is not None:
        yield (f"The tested group is {group.declared.words} of the layer's neurons by {ranked_by(protocol)}.")
        return
    otherwise = "" if group.otherwise is None else group.otherwise.words
    yield (
        f"The tested group is the plateau of the rank-influence curve on {protocol.names.first} targets, "
        "left of "
        f"its power law: of at least {SMALLEST_PLATEAU} neurons, ending within the first {HEAD_SHARE:.0%} of "
        f"the ranks, with a slope of less than {FLAT:g} of the power law's, and followed by a fall of the "
        f"log influence by at least {SMALLEST_FALL:g} between {FALL_SPAN[0]:g} and {FALL_SPAN[1]:g} times "
        f"its last rank. If there is no such plateau, the group is {otherwise} of the layer's neurons by "
        "influence."
    )


def _kept_out(lock: Mapping[str, Any] | None) -> str:
    number = len((lock or {}).get("kept_out") or ())
    if not number:
        return ""
    return (
        f" {count_text(number)} documents over which the network had been run before are in the selection "
        "split; the evaluation split is a random part of the others, and the lock names the former by their "
        "hashes."
    )


def _registered_state(lock: Mapping[str, Any]) -> Iterator[Part]:
    """What the lock pins down, as a table."""
    hashes = part_of(lock, "hashes")
    rows: list[tuple[str, Any]] = [
        ("registered", lock.get("registered")),
        ("layer", lock.get("layer")),
        ("seed", lock.get("seed")),
        ("commit of the model on the Hub", lock.get("revision")),
        *((f"SHA-256 of {name}", value) for name, value in hashes.items() if isinstance(value, str)),
        *((f"SHA-256 of the text: {name}", value) for name, value in part_of(hashes, "text").items()),
        *((f"evidence of the {name} split", value) for name, value in part_of(lock, "evidence").items()),
        *((f"version of {name}", value) for name, value in part_of(lock, "versions").items()),
        *((f"git: {name}", value) for name, value in part_of(lock, "git").items()),
        ("previous entry of the registry", lock.get("previous")),
    ]
    yield "The registration pins down:"
    yield table(
        ["what", "value"],
        [(name, _word(value)) for name, value in rows if value is not None],
    )


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
