"""Measures, contrasts and margins in words for a reader who knows the question and not the statistics."""

from __future__ import annotations

from hypotest.measures.registry import filled_options, measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import SD_NULL, declared_null, form_of, opponents
from hypotest.records.protocol.design import FACTOR_WORDS
from hypotest.records.protocol.material import Subject
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.units import unit_facts
from hypotest.records.protocol.wording import material_words
from hypotest.records.results.sentences import sentence_list

_FEW = 6
"""Models that are named."""
_OF_EXAMPLES = {"index": "length of the prompt", "token": "last token of the prompt"}
"""What `FACTOR_WORDS` calls otherwise in running text."""


def measured(prediction: Prediction, protocol: Protocol) -> str:
    """What a prediction measures, with its unit and its options."""
    row = measure_of(prediction)
    filled = filled_options(prediction)
    options = {name: value for name, value in filled.items() if row.options[name].is_used(filled)}
    set_to = [
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value or protocol.names.first}"
        for key, value in options.items()
    ]
    setting = f"; {', '.join(set_to)}" if set_to else ""
    words = row.words.of(protocol.names)
    return f"{words.what} ({prediction.measure}, unit: {words.unit}{setting})."


def match_words(protocol: Protocol) -> str:
    """What pairs of positions agree in: "a common one is taken from the same block of text"."""
    names, match, words = protocol.names, protocol.sample.match, material_words(protocol)
    if protocol.examples is not None and protocol.examples.pair is not None:
        return f"each has its {names.second} partner of the same {protocol.examples.pair}"
    if not match:
        return f"{names.second} ones are drawn from all {words.units} of the split"
    said = FACTOR_WORDS if protocol.corpus else {**FACTOR_WORDS, **_OF_EXAMPLES, "document": words.unit}
    factors = sentence_list([said[name] for name in match])
    return f"each has its {names.second} partner of the same {factors}"


def limits_text(protocol: Protocol) -> str:
    """How many positions of one document and of one token type are taken."""
    unit = material_words(protocol).unit
    if unit == material_words(protocol).row or unit == (protocol.examples and protocol.examples.pair):
        return "each once"
    sample = protocol.sample
    of_types = (
        ""
        if sample.type_limit is None
        else f" and, in each split, {sample.type_limit:,} of a condition with one token type as target"
    )
    return f"at most {sample.max_per_document:,} {protocol.names.first} ones from one {unit}{of_types}"


def layer_words(subject: Subject) -> str:
    """Which MLP is tested, or what else of which block, or the units of a network."""
    if subject.network:
        return "the module that is tested"
    is_last = subject.layer in ("last", -1)
    if is_last and subject.units == "neurons":
        return "the last MLP"
    block = "the last block" if is_last else f"block {subject.layer}"
    if isinstance(subject.layer, tuple):
        block = f"blocks {sentence_list([str(layer) for layer in subject.layer])}, one after the other"
    elif subject.layer == "all":
        block = "every block, one block after the other"
    return unit_facts(subject.units).where.format(block)


def model_words(subject: Subject, reference: str, other: str = "") -> str:
    """Which network; of several, how many and which.

    Args:
        subject: Of a protocol that names a language model.
        reference: What the model that ships with hypotest is called.
        other: What stands before the name of another one.
    """
    called = [reference if name == "reference" else f"{other}{name}" for name in subject.models]
    if len(called) == 1:
        return called[0]
    shown = called if len(called) <= _FEW else [*called[: _FEW - 1], f"{len(called) - _FEW + 1} more"]
    return f"{len(called)} models, one after the other ({sentence_list(shown)})"


def revision_words(subject: Subject) -> str:
    """Which checkpoint; empty where the protocol names none."""
    if isinstance(subject.revision, tuple):
        first, *_, last = subject.revision
        return f"{len(subject.revision)} checkpoints from {first} to {last}, one after the other"
    return f"revision {subject.revision}" if subject.revision else ""


def compared(prediction: Prediction, protocol: Protocol) -> str:
    """What the measured value is compared with."""
    words = _compared(prediction, protocol)
    if not prediction.contrast.trajectory:
        return words
    return (
        f"{words} Tested is whether that effect rises or falls from checkpoint to checkpoint (Kendall's tau "
        "against the training step, over all orders of the checkpoints)."
    )


def _compared(prediction: Prediction, protocol: Protocol) -> str:
    match form_of(prediction.contrast):
        case Form.BY_DOCUMENT:
            return f"{protocol.names.first} minus {protocol.names.second} positions of the same documents."
        case Form.REFERENCE:
            return f"the number {prediction.contrast.reference:g}, fixed in advance."
    names = opponents(str(prediction.contrast.null))
    each = " and ".join(f"{null_words(protocol, name)} ({name})" for name in names)
    return f"{each}; the larger p counts." if len(names) > 1 else f"{each}."


def null_words(protocol: Protocol, name: str) -> str:
    """One declared null in words."""
    declared = declared_null(protocol, name)
    return name if declared is None else declared.null.words.explained(declared.options, protocol)


def margin_words(prediction: Prediction, protocol: Protocol) -> str:
    """The smallest effect of interest, with its unit; empty without one."""
    margin = prediction.margin
    if margin is None:
        return ""
    if margin.raw is not None:
        return f"{margin.raw:g} (unit: {measure_of(prediction).words.of(protocol.names).unit})"
    if margin.ratio is not None:
        return f"{100 * margin.ratio:g} % of the null's mean"
    return f"{margin.null_sd:g} SDs of the {SD_NULL} groups"


def outcome_words(prediction: Prediction, outcome: str, protocol: Protocol) -> str:
    """An outcome of a prediction, with what it says."""
    meaning = measure_of(prediction).words.of(protocol.names)
    if prediction.contrast.trajectory:
        return f"{outcome} (in the course of training: {getattr(meaning, outcome)})"
    says = {"less": meaning.less, "greater": meaning.greater, "equivalent": "no difference that matters"}
    return f"{outcome} ({says[outcome]})"
