"""Measures, contrasts and margins in words for a reader who knows the question and not the statistics."""

from __future__ import annotations

from hypotest.measures.form import Form, form_of
from hypotest.measures.registry import filled_options, measure_of
from hypotest.records.material import Subject
from hypotest.records.prediction import Prediction
from hypotest.records.protocol import Protocol

COVARIATES = {
    "activation_mean": "mean activation",
    "activation_sd": "spread of activation",
    "activation_rate": "how often they are active",
    "output_norm": "output weight",
    "base_influence": "influence on the second condition",
}
"""What a neuron is like, in words."""
_UNITS = {
    "type": "over token types",
    "document_type": "over token types within documents",
    "position": "over positions",
}


def measured(prediction: Prediction) -> str:
    """What a prediction measures, with its unit and its options."""
    row = measure_of(prediction)
    options = filled_options(prediction)
    if options.get("estimator") != "binned":
        options.pop("bins", None)
    set_to = [
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in options.items()
    ]
    setting = f"; {', '.join(set_to)}" if set_to else ""
    return f"{row.words.what} ({prediction.measure}, unit: {row.unit}{setting})."


def layer_words(subject: Subject) -> str:
    """Which MLP is tested."""
    if subject.layer == "all":
        return "the MLP of every block, one block after the other"
    return "the last MLP" if subject.layer in ("last", -1) else f"the MLP of block {subject.layer}"


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
            return "rare minus common positions of the same documents."
        case Form.REFERENCE:
            return f"the number {prediction.contrast.reference:g}, fixed in advance."
    return f"{null_words(protocol, str(prediction.contrast.null))} ({prediction.contrast.null})."


def null_words(protocol: Protocol, name: str) -> str:
    """One declared null in words."""
    nulls = protocol.nulls
    if name == "size_matched" and nulls.size_matched:
        drawn = _draws(nulls.size_matched.draws, nulls.size_matched.stop_after)
        return f"{drawn} groups of as many random neurons of the same layer"
    if name == "covariate_matched" and nulls.covariate_matched:
        drawn = _draws(nulls.covariate_matched.draws, nulls.covariate_matched.stop_after)
        alike = _listed([COVARIATES[covariate] for covariate in nulls.covariate_matched.on])
        return f"{drawn} groups of random neurons that resemble the group in {alike}"
    if name == "local_matched" and nulls.local_matched:
        drawn = _draws(nulls.local_matched.draws, nulls.local_matched.stop_after)
        alike = _listed([COVARIATES[covariate] for covariate in nulls.local_matched.on])
        return (
            f"{drawn} groups in which members change places with their neighbours in {alike}, among "
            f"{nulls.local_matched.bin} at a time"
        )
    if name == "label_shuffled" and nulls.label_shuffled:
        return (
            f"{nulls.label_shuffled.draws:,} groups that the same selection finds when the labels rare and "
            f"common are shuffled {_UNITS[nulls.label_shuffled.unit]}"
        )
    if name == "rewired" and nulls.rewired:
        return f"{nulls.rewired.draws:,} networks of the same neurons with exchanged connections"
    if name == "untrained" and nulls.untrained:
        kind = {"fresh": "freshly initialised", "permuted": "with the trained weights permuted"}
        return f"{nulls.untrained.networks:,} networks that learned nothing, {kind[nulls.untrained.weights]}"
    return name


def _draws(number: int, stop_after: int | None) -> str:
    if stop_after is None:
        return f"{number:,}"
    return f"up to {number:,} (stopped early once {stop_after:,} in either tail are as extreme)"


def margin_words(prediction: Prediction) -> str:
    """The smallest effect of interest, with its unit; empty without one."""
    margin = prediction.margin
    if margin is None:
        return ""
    if margin.raw is not None:
        return f"{margin.raw:g} (unit: {measure_of(prediction).unit})"
    if margin.ratio is not None:
        return f"{100 * margin.ratio:g} % of the null's mean"
    return f"{margin.null_sd:g} SDs of the size_matched groups"


def outcome_words(prediction: Prediction, outcome: str) -> str:
    """An outcome of a prediction, with what it says."""
    meaning = measure_of(prediction).words
    if prediction.contrast.trajectory:
        return f"{outcome} (in the course of training: {getattr(meaning, outcome)})"
    says = {"less": meaning.less, "greater": meaning.greater, "equivalent": "no difference that matters"}
    return f"{outcome} ({says[outcome]})"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
