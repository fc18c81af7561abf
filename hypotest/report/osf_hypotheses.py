"""What a registration says of its hypotheses and nulls: directions, what would refute them, draws."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.groups.local import FEWEST_MOVABLE
from hypotest.measures.registry import MEASURES
from hypotest.records.design import LARGEST_IMBALANCE
from hypotest.records.prediction import Prediction
from hypotest.records.protocol import Protocol
from hypotest.registration.outcomes import refuting_outcomes
from hypotest.report.methods import COVARIATES, PERMUTED
from hypotest.report.numbers import count_text
from hypotest.report.text import escape_markdown, sentence_list

_OUTCOMES = ("less", "greater", "equivalent")


def hypotheses(protocol: Protocol) -> Iterator[str]:
    """What each hypothesis predicts, with directions, and what would refute it."""
    for name in protocol.hypotheses:
        shown = escape_markdown(name)
        yield f"**{shown}** predicts:"
        yield "\n".join(
            f"- {label(item)}: {_expectation(item, name)}"
            for item in protocol.predictions
            if item.role != "descriptive"
        )
        refuting = [
            f"- {label(item)}: {sentence}"
            for item in protocol.deciding
            if (sentence := _refutation(item, name)) is not None
        ]
        if refuting:
            yield f"**{shown}** is refuted if at least one of these survives the correction:"
            yield "\n".join(refuting)
        else:
            yield f"No deciding prediction can refute **{shown}**: it says nothing on any of them."
    silent = [label(item) for item in protocol.predictions if item.role == "descriptive"]
    if silent:
        yield f"Descriptive, predicted by nobody and never decisive: {sentence_list(silent)}."


def _expectation(item: Prediction, hypothesis: str) -> str:
    expected = item.expects.get(hypothesis, ())
    role = " This is a premise." if item.role == "premise" else ""
    if not expected:
        return f"no direction (any outcome).{role}"
    direction = " or ".join(f"*{outcome}*" for outcome in _OUTCOMES if outcome in expected)
    said = ", or ".join(_in_words(item, outcome) for outcome in _OUTCOMES if outcome in expected)
    return f"{direction}. {said[0].upper()}{said[1:]}.{role}"


def _refutation(item: Prediction, hypothesis: str) -> str | None:
    against = refuting_outcomes(item, hypothesis)
    if not against:
        return None
    beyond = (
        " The effect must be shown to lie beyond the margin as well."
        if "equivalent" in item.expects[hypothesis]
        else ""
    )
    return f"{' or '.join(f'*{name}*' for name in against)}.{beyond}"


def _in_words(item: Prediction, outcome: str) -> str:
    title = escape_markdown(MEASURES[item.measure].title)
    contrast = item.contrast
    if contrast.trajectory:
        way = {"less": "falls", "greater": "rises"}
        return f"the effect on the {title} {way[outcome]} from checkpoint to checkpoint"
    if contrast.conditions is not None:
        than = {"less": "is lower", "greater": "is higher", "equivalent": "differs by less than the margin"}
        pair = "at rare than at common targets"
        if outcome == "equivalent":
            pair = "between rare and common targets"
        return f"the {title} {than[outcome]} {pair}"
    if contrast.reference is not None:
        where = {"less": "lies below", "greater": "lies above", "equivalent": "lies within the margin around"}
        return f"the {title} {where[outcome]} {contrast.reference:g}"
    null = escape_markdown(contrast.null)
    if contrast.null == "label_shuffled":
        where = {
            "less": "is smaller than",
            "greater": "is larger than",
            "equivalent": "lies within the margin around the mean of",
        }
        return f"the {title} {where[outcome]} that of the groups found under shuffled labels"
    where = {
        "less": "lies below that of",
        "greater": "lies above that of",
        "equivalent": "lies within the margin around the mean of",
    }
    return f"the {title} {where[outcome]} the {null} {'networks' if null == 'untrained' else 'groups'}"


def null_sentences(protocol: Protocol) -> Iterator[str]:
    """What the group is compared with, one item per null, with its draws."""
    nulls = protocol.nulls
    items = []
    if nulls.size_matched is not None:
        items.append(
            f"size_matched: {_draws(nulls.size_matched.draws, nulls.size_matched.stop_after)} groups of as "
            "many neurons, from the whole layer, the tested ones included."
        )
    if nulls.covariate_matched is not None:
        matched = nulls.covariate_matched
        names = sentence_list([COVARIATES[name] for name in matched.on])
        items.append(
            f"covariate_matched: {_draws(matched.draws, matched.stop_after)} groups with as many neurons as "
            f"the tested one in each stratum of a propensity score of membership given {names}, from the "
            f"selection split. If matching leaves more than {LARGEST_IMBALANCE:g} SD of the layer in one of "
            "them, the contrast is inconclusive."
        )
    if nulls.local_matched is not None:
        local = nulls.local_matched
        names = sentence_list([COVARIATES[name] for name in local.on])
        items.append(
            f"local_matched: {_draws(local.draws, local.stop_after)} groups in which membership is dealt out "
            f"anew within bins of {local.bin} neurons of consecutive ranks in a propensity score of "
            "membership "
            f"given {names}, from the selection split. If fewer than {FEWEST_MOVABLE} members can change "
            "places, the contrast is inconclusive."
        )
    if nulls.label_shuffled is not None:
        shuffled = nulls.label_shuffled
        items.append(
            f"label_shuffled: {count_text(shuffled.draws)} permutations of the labels rare and common "
            f"{PERMUTED[shuffled.unit]}, the selection repeated for each. It decides selectivity alone."
        )
    if nulls.rewired is not None:
        items.append(
            f"rewired: {count_text(nulls.rewired.draws)} versions of the group's own network with every "
            "neuron's strength kept; descriptive."
        )
    if nulls.untrained is not None:
        kind = (
            "freshly initialised"
            if nulls.untrained.weights == "fresh"
            else "with permuted entries of matrices"
        )
        few = nulls.untrained.networks < protocol.decision.fewest_draws(max(1, len(protocol.deciding)))
        items.append(
            f"untrained: {number_of(nulls.untrained.networks, 'network')}, {kind}"
            + ("; so few describe and do not decide." if few else ".")
        )
    if items:
        yield "The group is compared with:"
        yield "\n".join(f"- {item}" for item in items)


def _draws(number: int, stop_after: int | None) -> str:
    return ("up to " if stop_after else "") + count_text(number)


def number_of(count: int, noun: str) -> str:
    """A count with its noun: ``1 network``, ``2 networks``."""
    return f"{count_text(count)} {noun}" + ("" if count == 1 else "s")


def label(item: Prediction) -> str:
    """The prediction's id, which is safe as it is."""
    return f"`{item.id}`"
