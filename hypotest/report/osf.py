"""A registration as a Markdown document, under the headings of the OSF preregistration form.

Pure: the same protocol and lock give the same text. Design and sampling stand here, hypotheses in
``osf_hypotheses``, variables and analysis in ``osf_analysis``.

References:
    The headings are those of version 3 of the form, osf.io (``osf-preregistration-3.json``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypotest.estimators.regimes import FALL_SPAN, FLAT, HEAD_SHARE, SMALLEST_FALL, SMALLEST_PLATEAU
from hypotest.records.design import CALIPER, HEAD_BLOCKS
from hypotest.records.material import CorpusFiles, CorpusHub
from hypotest.records.protocol import Protocol
from hypotest.records.seen import Seen, SeenBy
from hypotest.registration import protocol_hash
from hypotest.registration.meanings import layer_words, revision_words
from hypotest.report.deviations import empty_deviations
from hypotest.report.material import REPLACEMENTS
from hypotest.report.methods import beginning_words, percentile_text, stops_of
from hypotest.report.numbers import count_text
from hypotest.report.osf_analysis import analysis_plan, other, variables
from hypotest.report.osf_hypotheses import hypotheses, null_sentences
from hypotest.report.seen import UNSEEN_BY_ANY_TOOL, seen_sentence
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown, sentence_list


def render_osf(protocol: Protocol, lock: Mapping[str, Any] | None) -> str:
    """The whole document.

    Args:
        protocol: A valid protocol.
        lock: What ``PROTOCOL.lock.json`` holds; None if the protocol is not registered.
    """
    parts = [
        f"# Preregistration: {escape_markdown(protocol.title)}",
        status_text(protocol, lock),
        *_study_information(protocol),
        *_design(protocol, lock),
        *_sampling(protocol, lock),
        *variables(protocol),
        *analysis_plan(protocol),
        *other(protocol),
        *empty_deviations(),
        *_registered_state(lock),
    ]
    return "\n\n".join(parts) + "\n"


def status_text(protocol: Protocol, lock: Mapping[str, Any] | None) -> str:
    """Whether this is a registration at all, and of this very content."""
    content = f"The SHA-256 of the protocol's content is `{protocol_hash(protocol)}`."
    if lock is None:
        return f"**Not registered.** No lock file lies beside the protocol. {content}"
    when = escape_markdown(lock.get("registered", "an unknown time"))
    registered = _hashes(lock).get("protocol")
    if registered == protocol_hash(protocol):
        return f"**Registered {when}.** The protocol has not changed since. {content}{_later(lock)}"
    return (
        f"**Changed since it was registered {when}.** The registered content had the SHA-256 "
        f"`{escape_markdown(registered)}`; what follows describes the protocol as it is now. {content}"
    )


def _later(lock: Mapping[str, Any]) -> str:
    """That the network comes, or came, after the registration."""
    later = _mapping(lock.get("later"))
    if not later:
        return ""
    which = f"the first network that satisfies: {escape_markdown(later.get('criterion'))}"
    if later.get("bound") is None:
        return f" **The network is not there yet**: registered is {which}. The first run binds it."
    return f" Registered was {which}. It was bound {escape_markdown(later.get('bound'))}."


def _study_information(protocol: Protocol) -> Iterator[str]:
    yield "## Study Information"
    yield "### Title"
    yield escape_markdown(protocol.title)
    yield "### Description"
    source = f" The claims come from {escape_markdown(protocol.source)}." if protocol.source else ""
    names = sentence_list([f"*{escape_markdown(name)}*" for name in protocol.hypotheses])
    number = len(protocol.hypotheses)
    rivals = f"{number} rival hypotheses, {names}," if number > 1 else f"one hypothesis, {names},"
    yield (
        f"The study asks what is true of the neurons of {_subject(protocol)} that matter most for "
        f"{protocol.group.condition} target tokens. It tests {rivals} by "
        f"{count_text(len(protocol.predictions))} measurements, of which "
        f"{count_text(len(protocol.deciding))} can decide. The protocol's id is `{protocol.id}`.{source}"
    )
    yield "### Hypotheses"
    yield from hypotheses(protocol)


def _design(protocol: Protocol, lock: Mapping[str, Any] | None) -> Iterator[str]:
    yield "## Design Plan"
    yield "### Study type"
    yield (
        "Other: a computational study of one trained neural network with interventions inside it. Neurons "
        "and attention heads are ablated; the text is observed as it is. No people or animals take part."
    )
    yield "### Blinding"
    yield (
        "No person judges an observation: selection, measurement, tests and verdict are computed from the "
        "protocol. Neurons are selected on the selection split; every prediction is measured on the "
        "evaluation split, which consists of other documents. Before registration only the selection split "
        f"may be looked at. {_evaluation_state(lock)}"
    )
    yield "### Study design"
    yield " ".join(_study_design(protocol))
    yield from null_sentences(protocol)
    yield "### Randomization"
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
        "Within one network, two conditions are compared at paired positions: each position whose next token "
        "is rare has a partner in the same block whose next token is common. A neuron's influence is the "
        "mean absolute change of the next token's cross-entropy, in nats, when its activation is set to "
        f"{REPLACEMENTS[protocol.ablation.replacement]}."
    )
    if group.select != "plateau":
        yield (
            f"The tested group is the top {100 * group.select.top_fraction:g} % of the layer's neurons by "
            f"influence on {group.condition} targets."
        )
        return
    otherwise = "" if group.otherwise is None else f"the top {100 * group.otherwise.top_fraction:g} %"
    yield (
        f"The tested group is the plateau of the rank-influence curve on {group.condition} targets, left of "
        f"its power law: of at least {SMALLEST_PLATEAU} neurons, ending within the first {HEAD_SHARE:.0%} of "
        f"the ranks, with a slope of less than {FLAT:g} of the power law's, and followed by a fall of the "
        f"log influence by at least {SMALLEST_FALL:g} between {FALL_SPAN[0]:g} and {FALL_SPAN[1]:g} times "
        f"its last rank. If there is no such plateau, the group is {otherwise} of the layer's neurons by "
        "influence."
    )


def _sampling(protocol: Protocol, lock: Mapping[str, Any] | None) -> Iterator[str]:
    conditions, corpus = protocol.conditions, protocol.corpus
    yield "## Sampling Plan"
    yield "### Existing Data"
    yield _existing_data(lock)
    yield "### Explanation of existing data"
    yield (
        "Network and text exist; the evidence (activations, attention, changes of loss) is computed from "
        "them. Evidence of each split is kept under a name of its own. `hypotest explore` and `hypotest "
        "power` read that of the selection split alone, and so does a trial (`hypotest run --limit`). A log "
        "of the cache names the documents that a network is run over, before it is; from it `hypotest "
        f"register` records what was seen of the evaluation split. {_evaluation_state(lock)}"
    )
    yield "### Data collection procedures"
    yield (
        f"The network is {_subject(protocol)}. The text is {_text(corpus.text)}. It is cut into blocks of "
        f"{count_text(corpus.context)} tokens that are packed and never cross documents; "
        f"{_short(corpus.text)}{beginning_words(corpus.bos)}. How "
        f"frequent a token is comes from {_frequencies(protocol)}."
    )
    yield (
        f"Included are positions whose next token is rare, {percentile_text(conditions.rare)}, or common, "
        f"{percentile_text(conditions.common)}; {_elbow(protocol)} At most "
        f"{count_text(conditions.max_per_document)} rare positions of a document are kept. The common "
        f"partner of a rare position is drawn among those of its block that lie within {CALIPER} tokens, or "
        "is the nearest if there is none."
    )
    engine = f"The largest error allowed for any change of loss is {protocol.ablation.tolerance:g} nats"
    yield (
        "At every position each neuron of the layer is ablated by itself. "
        f"{engine}, wherever the architecture lets a bound be proven; elsewhere a sample is compared with "
        "interventions in the whole network. Attention heads that can reach the layer are set to zero, one "
        f"at a time and layer by layer, in at most {HEAD_BLOCKS} blocks of each split."
    )
    yield "### Sample size"
    selection = round(protocol.split.selection * conditions.positions)
    yield (
        f"{count_text(conditions.positions)} positions per condition: {count_text(selection)} in the "
        f"selection split and {count_text(conditions.positions - selection)} in the evaluation split."
        f"{_documents(lock)} The units of inference are documents, token types under shuffled labels, and "
        "groups of neurons for random groups."
    )
    yield "### Sample size rationale"
    yield (
        "The protocol declares the number of positions and gives no reason for it. `hypotest power` foresees "
        "from the selection split which effects this number can show. The numbers of draws are bounded from "
        f"below: the smallest two-sided p-value of B draws, 2/(B + 1), must not exceed the level "
        f"{protocol.decision.level:g} divided by {count_text(max(1, len(protocol.deciding)))}, the number of "
        "deciding predictions (by 1 where only a premise rests on the null)."
    )
    yield "### Stopping rule"
    yield " ".join(_stopping(protocol))


def _stopping(protocol: Protocol) -> Iterator[str]:
    yield (
        "The sample is of fixed size and collected once; if the text holds fewer positions, the run stops "
        "with an error and tests nothing."
    )
    stops = [
        f"once both tails hold {count_text(stop)} draws at least as extreme ({escape_markdown(name)})"
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
        known = escape_markdown(
            seen_sentence(seen, _mapping(lock.get("split")).get("evaluation_documents", 0))
        )
    return f"Data status: the data {existed}: {known}. A run is exploratory. {UNSEEN_BY_ANY_TOOL}"


def _evaluation_state(lock: Mapping[str, Any] | None) -> str:
    if lock is None:
        return "The protocol is not registered, so that nothing is on record about the evaluation split."
    seen = _seen(lock)
    if seen is not None and seen.nothing:
        return "The lock records that no document of the evaluation split had been seen at registration."
    return "The lock does not show that the evaluation split was unseen at registration."


def _kept_out(lock: Mapping[str, Any] | None) -> str:
    number = len((lock or {}).get("kept_out") or ())
    if not number:
        return ""
    return (
        f" {count_text(number)} documents over which the network had been run before are in the selection "
        "split; the evaluation split is a random part of the others, and the lock names the former by their "
        "hashes."
    )


def _seen(lock: Mapping[str, Any]) -> Seen | None:
    found = lock.get("seen")
    if not isinstance(found, Mapping):
        return None
    return Seen(**{**found, "by": tuple(SeenBy(**item) for item in found.get("by", ()))})


def _registered_state(lock: Mapping[str, Any] | None) -> Iterator[str]:
    """What the lock pins down, as a table."""
    if lock is None:
        return
    hashes = _hashes(lock)
    text = hashes.get("text")
    rows: list[tuple[str, Any]] = [
        ("registered", lock.get("registered")),
        ("layer", lock.get("layer")),
        ("seed", lock.get("seed")),
        ("commit of the model on the Hub", lock.get("revision")),
        *((f"SHA-256 of {name}", value) for name, value in hashes.items() if isinstance(value, str)),
        *((f"SHA-256 of the text: {name}", value) for name, value in _mapping(text).items()),
        *((f"evidence of the {name} split", value) for name, value in _mapping(lock.get("evidence")).items()),
        *((f"version of {name}", value) for name, value in _mapping(lock.get("versions")).items()),
        *((f"git: {name}", value) for name, value in _mapping(lock.get("git")).items()),
        ("previous entry of the registry", lock.get("previous")),
    ]
    yield "The registration pins down:"
    yield table(
        ["what", "value"],
        [[escape_markdown(name), escape_markdown(_word(value))] for name, value in rows if value is not None],
    )


def _word(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _documents(lock: Mapping[str, Any] | None) -> str:
    split = _mapping(None if lock is None else lock.get("split"))
    counts = [split.get("selection_documents"), split.get("evaluation_documents")]
    if not all(isinstance(count, int) for count in counts):
        return " How many documents they come from follows from the text."
    first, second = (count_text(int(count)) for count in counts if count is not None)
    return f" They come from {first} and {second} documents."


def _subject(protocol: Protocol) -> str:
    subject = protocol.subject
    model = (
        "the reference model that ships with hypotest"
        if subject.model == "reference"
        else f"the model {escape_markdown(subject.model)}"
    )
    revision = f", {escape_markdown(revision_words(subject))}" if subject.revision else ""
    return f"{layer_words(subject)} of {model}{revision}"


def _frequencies(protocol: Protocol) -> str:
    chosen = protocol.frequencies
    if isinstance(chosen, str) and chosen != "reference":
        return f"the table {escape_markdown(chosen)}"
    if chosen == "reference" and protocol.subject.model == "reference":
        return "the token counts that ship with the reference model"
    text = "reference" if isinstance(chosen, str) else chosen.count
    if isinstance(text, str):
        return "the tokens of the reference model's training text, counted with the model's own tokenizer"
    what = _first_documents(text) if isinstance(text, CorpusHub) else f"{len(text.files)} text files"
    return f"the tokens of {what}, counted with the model's own tokenizer"


def _short(text: str | CorpusFiles | CorpusHub) -> str:
    if text == "reference":
        return "none is padded"
    return "a document shorter than a block is padded on the right, where nothing is looked at"


def _text(text: str | CorpusFiles | CorpusHub) -> str:
    if isinstance(text, CorpusHub):
        return _first_documents(text)
    if isinstance(text, CorpusFiles):
        names = sentence_list([escape_markdown(name) for name in text.files])
        return f"{count_text(len(text.files))} text files, one document each: {names}"
    return (
        "the docstrings of the installed packages that belong to the reference text, one document per source "
        "file"
    )


def _first_documents(text: CorpusHub) -> str:
    return f"the first {count_text(text.documents)} documents of the data set {escape_markdown(text.title)}"


def _elbow(protocol: Protocol) -> str:
    if protocol.conditions.elbow == "drop":
        return (
            "token types beyond the elbow of the rank-frequency curve are left out, and both percentiles "
            "refer to the others."
        )
    return "no types are dropped at the rare end of the rank-frequency curve."


def _hashes(lock: Mapping[str, Any]) -> Mapping[str, Any]:
    return _mapping(lock.get("hashes"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
