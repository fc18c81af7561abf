"""What a registration says of its hypotheses and nulls: directions, what would refute them, draws."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS, declared
from hypotest.pages.document import Items, Part
from hypotest.pages.inline import Inline, Span, code, emphasis, joined, listed, prose
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.outcomes import refuting_outcomes

_OUTCOMES = ("less", "greater", "equivalent")


def hypotheses(protocol: Protocol) -> Iterator[Part]:
    """What each hypothesis predicts, with directions, and what would refute it."""
    for name in protocol.hypotheses:
        yield prose("**{}** predicts:", name)
        yield Items(
            tuple(
                (label(item), ": ", _expectation(item, name, protocol.names))
                for item in protocol.predictions
                if item.role != "descriptive"
            )
        )
        refuting = tuple(
            (label(item), ": ", against)
            for item in protocol.deciding
            if (against := _refutation(item, name, protocol.reselects)) is not None
        )
        if refuting:
            yield prose("**{}** is refuted if at least one of these survives the correction:", name)
            yield Items(refuting)
        else:
            yield prose("No deciding prediction can refute **{}**: it says nothing on any of them.", name)
    silent = [label(item) for item in protocol.predictions if item.role == "descriptive"]
    if silent:
        yield ("Descriptive, predicted by nobody and never decisive: ", listed(silent), ".")


def _expectation(item: Prediction, hypothesis: str, names: Conditions) -> Inline:
    expected = item.expects.get(hypothesis, ())
    role = " This is a premise." if item.role == "premise" else ""
    if not expected:
        return f"no direction (any outcome).{role}"
    named = [outcome for outcome in _OUTCOMES if outcome in expected]
    said = ", or ".join(_in_words(item, outcome, names) for outcome in named)
    return (joined(" or ", map(emphasis, named)), f". {said[0].upper()}{said[1:]}.{role}")


def _refutation(item: Prediction, hypothesis: str, reselection: bool) -> Inline | None:
    against = refuting_outcomes(item, hypothesis, reselection=reselection)
    if not against:
        return None
    beyond = (
        " The effect must be shown to lie beyond the margin as well."
        if "equivalent" in item.expects[hypothesis]
        else ""
    )
    return (joined(" or ", map(emphasis, against)), f".{beyond}")


def _in_words(item: Prediction, outcome: str, names: Conditions) -> str:
    title = MEASURES[item.measure].words.of(names).title
    contrast = item.contrast
    if contrast.trajectory:
        way = {"less": "falls", "greater": "rises"}
        return f"the effect on the {title} {way[outcome]} from checkpoint to checkpoint"
    if contrast.conditions is not None:
        than = {"less": "is lower", "greater": "is higher", "equivalent": "differs by less than the margin"}
        pair = f"at {names.first} than at {names.second} targets"
        if outcome == "equivalent":
            pair = f"between {names.first} and {names.second} targets"
        return f"the {title} {than[outcome]} {pair}"
    if contrast.reference is not None:
        where = {"less": "lies below", "greater": "lies above", "equivalent": "lies within the margin around"}
        return f"the {title} {where[outcome]} {contrast.reference:g}"
    where = {
        "less": "lies below that of",
        "greater": "lies above that of",
        "equivalent": "lies within the margin around the mean of",
    }
    return f"the {title} {where[outcome]} {NULLS[str(contrast.null)].words.they}"


def null_sentences(protocol: Protocol) -> Iterator[Part]:
    """What the group is compared with, one item per null, with its draws."""
    items = tuple(
        f"{item.name}: {item.null.words.registered(item.options, protocol)}" for item in declared(protocol)
    )
    if items:
        yield "The group is compared with:"
        yield Items(items)


def label(item: Prediction) -> Span:
    """The prediction's id."""
    return code(item.id)
