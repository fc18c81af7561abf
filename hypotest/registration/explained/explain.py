"""A protocol in plain words: what will be done, what each hypothesis predicts, what would refute it.

For a reader who knows the question and not the file. Only what the plan says: nothing is looked up in the
model or the text. Names stand as they were written; whoever prints them makes them safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypotest.nulls.registry import declared
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import Predicted, material_words
from hypotest.records.results.sentences import counted, sentence_list
from hypotest.registration.checks.outcomes import possible_outcomes, refuting_outcomes, why_no_interval
from hypotest.registration.explained.lines import Line, Section
from hypotest.registration.explained.meanings import (
    compared,
    margin_words,
    measured,
    outcome_words,
)
from hypotest.registration.explained.steps import steps


def explain_protocol(protocol: Protocol, predicted: Predicted = "next") -> tuple[Section, ...]:
    """Explain a protocol.

    Args:
        protocol: A valid protocol.
        predicted: Which token its model predicts, from
            `hypotest.registration.checks.configuration.predicted_token`.

    Returns:
        What is asked; what will be done, in order; what each prediction would say; what supports and
        refutes each hypothesis; what is confirmatory and what exploratory.
    """
    said = material_words(protocol, predicted).said
    sections = (
        ("What will be done", steps(protocol)),
        ("What is predicted", _predictions(protocol)),
        ("What would support and what would refute", _verdicts(protocol)),
        ("What is confirmatory and what exploratory", _status(protocol)),
    )
    return (
        Section(protocol.title, tuple(_question(protocol))),
        *(
            Section(title, tuple(replace(line, text=said(line.text)) for line in lines))
            for title, lines in sections
        ),
    )


def _question(protocol: Protocol) -> Iterator[Line]:
    source = f" The claims come from {protocol.source}." if protocol.source else ""
    names = protocol.hypotheses
    rivals = (
        f"Protocol {protocol.id} puts {sentence_list(names)} against each other."
        if len(names) > 1
        else f"Protocol {protocol.id} puts one hypothesis, {names[0]}, to the test."
    )
    yield Line(f"{rivals}{source}")
    parts = [f"{len(protocol.deciding)} of the {counted(len(protocol.predictions), 'prediction')} decide"]
    for role, words in (("premise", "must hold first"), ("descriptive", "only describe")):
        ids = _ids(protocol, role)
        if ids:
            parts.append(f"{len(ids)} {words if len(ids) > 1 else words.replace('describe', 'describes')}")
    yield Line(f"{sentence_list(parts)}. The plan is fixed before the data that test it are looked at.")


_ROLES = {
    "deciding": "decides",
    "premise": "is a premise; without it the question does not arise",
    "descriptive": "describes and never decides",
}


def _predictions(protocol: Protocol) -> Iterator[Line]:
    again = protocol.reselects
    for prediction in protocol.predictions:
        yield Line(_ROLES[prediction.role], f"{prediction.id}:")
        yield Line(measured(prediction, protocol), "Measured:", 1)
        yield Line(compared(prediction, protocol), "Compared with:", 1)
        margin = margin_words(prediction, protocol)
        if margin:
            says = "an effect shown to be smaller counts as equivalent"
            if "equivalent" not in possible_outcomes(prediction, reselection=again):
                says = f"but equivalent cannot be shown: {why_no_interval(prediction, reselection=again)}"
            yield Line(f"{margin}; {says}.", "Margin:", 1)
        elif prediction.role == "deciding":
            yield Line("none, so that any significant difference counts.", "Margin:", 1)
        if prediction.role != "descriptive":
            yield from _expectations(protocol, prediction)


def _expectations(protocol: Protocol, prediction: Prediction) -> Iterator[Line]:
    by_words: dict[str, list[str]] = {}
    for name in protocol.hypotheses:
        expected = prediction.expects.get(name, ())
        if expected:
            words = f"{' or '.join(outcome_words(prediction, outcome, protocol) for outcome in expected)}."
        else:
            words = "anything: it neither gains nor loses by it."
        by_words.setdefault(words, []).append(name)
    for words, names in by_words.items():
        yield Line(words, f"{sentence_list(names)} {'expects' if len(names) == 1 else 'expect'}:", 1)


def _verdicts(protocol: Protocol) -> Iterator[Line]:
    level, n_deciding = protocol.decision.level, len(protocol.deciding)
    for name in protocol.hypotheses:
        speaking = [
            item for item in protocol.predictions if item.role != "descriptive" and item.expects.get(name)
        ]
        if not any(item.role == "deciding" for item in speaking):
            yield Line("expects nothing of any prediction that decides, and stays undecided.", f"{name}:")
            continue
        yield Line("", f"{name}:")
        wanted = [f"{item.id} {' or '.join(item.expects[name])}" for item in speaking]
        all_of = "this comes out" if len(wanted) == 1 else "all of these come out"
        yield Line(f"if {all_of}: {', '.join(wanted)}.", "Supported", 1)
        against = [
            f"{item.id} {' or '.join(refuting)}{_beyond(item, name)}"
            for item in speaking
            if (refuting := refuting_outcomes(item, name, reselection=protocol.reselects))
        ]
        if against:
            one_of = "this comes out" if len(against) == 1 else "any one of these comes out"
            yield Line(f"if {one_of}: {', '.join(against)}.", "Refuted", 1)
        else:
            yield Line("by nothing: it expects every outcome that could count against it.", "Refuted", 1)
    yield Line("in every other case.", "Undecided")
    over = f" with {protocol.decision.correction.capitalize()}'s correction over {n_deciding} predictions"
    if protocol.decision.correction == "bonferroni":
        over += f", so that a single p must reach {level / n_deciding:.2g}" if n_deciding else ""
    if n_deciding > 1:
        yield Line(
            f"Support takes every expected outcome, each at level {level:g}. One contradiction refutes, "
            f"but it must hold at level {level:g}{over}."
        )
    if any("equivalent" in outcomes for item in protocol.deciding for outcomes in item.expects.values()):
        yield Line(
            "where equivalent is expected, a difference refutes only if it is shown to be larger than the "
            "margin.",
            "Beyond the margin:",
        )
    premises = _ids(protocol, "premise")
    if premises:
        yield Line(
            f"if {sentence_list(premises)} contradicts what is expected, no hypothesis applies; if "
            "inconclusive or undefined, all stay undecided.",
            "Premise:",
        )


def _beyond(prediction: Prediction, name: str) -> str:
    return " (beyond the margin)" if "equivalent" in prediction.expects[name] else ""


def _status(protocol: Protocol) -> Iterator[Line]:
    tested = [item.id for item in protocol.predictions if item.role != "descriptive"]
    if protocol.is_series:
        yield Line(
            f"{sentence_list(tested)}, at every member together, if the series is registered before the "
            "evaluation documents are looked at (hypotest register), and run unchanged and with all of its "
            "members. Otherwise it is exploratory, and says so.",
            "Confirmatory:",
        )
        return
    yield Line(
        f"{sentence_list(tested)}, on the documents that took no part in selecting, if the protocol is "
        "registered before they are looked at (hypotest register) and run unchanged. Otherwise the whole "
        "run is exploratory, and says so.",
        "Confirmatory:",
    )
    deciding_nulls = {item.contrast.null for item in protocol.predictions if item.role != "descriptive"}
    others = [item.name for item in declared(protocol) if item.name not in deciding_nulls]
    looked = [f"the description {name}" for name in _ids(protocol, "descriptive")]
    looked += [f"comparisons with {sentence_list(others)}"] if others else []
    looked += ["the other divisions of the documents"] if protocol.splits > 1 else []
    looked += ["the make-believe conditions"] if protocol.placebos else []
    looked += ["the declared alternatives (hypotest multiverse)"] if protocol.multiverse else []
    looked += ["anything seen on the selecting documents"]
    yield Line(f"{sentence_list(looked)}. They are reported and never decide.", "Exploratory:")
    equivalents = [
        item.id
        for item in protocol.deciding
        if "equivalent" in possible_outcomes(item, reselection=protocol.reselects)
    ]
    if equivalents:
        yield Line(
            "hypotest power says, before any of the measuring documents is looked at, whether the plan can "
            "see what it looks for.",
            "Enough data?",
        )


def _ids(protocol: Protocol, role: str) -> list[str]:
    return [item.id for item in protocol.predictions if item.role == role]
