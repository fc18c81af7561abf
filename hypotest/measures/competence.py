"""Competence: whether the network knows the task above chance, and needs the group for it.

Its formula::

    the lesser, by t, of mean(loss of a guess − loss) and mean(loss without the group − loss)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel

if TYPE_CHECKING:
    from hypotest.engine.streams import Streams
    from hypotest.inference.crossed_means import MeanContrast
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

WORDS = MeasureWords(
    title="competence: knowledge above chance that the group carries",
    unit="nats",
    what=(
        "how far the network is better than a guess, and how much it loses without the group; whichever is "
        "less clearly above what was declared"
    ),
    less="the network knows no more than a guess, or loses nothing without the group",
    greater="the network knows the task, and needs the group for it",
    label="competence (nats)",
    question="Does the network know the task, and need these neurons for it?",
    method=(
        "competence is the lesser, by t, of two means over a condition: the loss of a guess less that of the "
        "network, and the change of the network's loss with the group ablated at once; both must exceed the "
        "declared amount, so that p is the larger of the two"
    ),
    beside={
        "above_chance": "Loss of a guess less that of the network, in nats.",
        "lesion_damage": "How much the network's loss rises without the group, in nats.",
        "loss_of_a_guess": "What a network loses that knows only which targets there are, or what the "
        "protocol declares, in nats.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """The less clear of both against the declared amount: an intersection-union test at the level of each."""
    from hypotest.testing.contrast import against_declared
    from hypotest.testing.intervals import secondary
    from hypotest.testing.lesions import Lesion, interval_of, selected_on

    options, level = MEASURE.filled(prediction.options), task.protocol.decision.level
    split, reference = task.evidence.evaluation, float(prediction.contrast.reference or 0.0)
    condition, group = selected_on(task, str(options["on"]))
    lesion = Lesion.of(task.evidence, group)
    rows = split.mask(condition)
    guess = chance_of(task.evidence, float(options["chance"]))
    parts = {
        "above_chance": lesion.on(rows, guess - split.loss.astype(np.float64)),
        "lesion_damage": lesion.on(rows),
    }
    weakest = min(parts.values(), key=lambda item: _t(item, reference))
    reason = weakest.variances.too_few((condition,))
    interval, at_95 = (
        None if reason else interval_of(weakest, coverage, reference) for coverage in (1 - 2 * level, 0.95)
    )
    return against_declared(
        weakest.estimate,
        reference,
        (interval, at_95),
        secondary(
            {**{name: item.estimate for name, item in parts.items()}, "loss_of_a_guess": guess},
            **{name: interval_of(item) for name, item in parts.items()},
        ),
        reason,
    )


def chance_of(evidence: Evidence, declared: float) -> float:
    """Loss of a guess: what is declared, or of choosing evenly among the targets that occur.

    Between target and foil a guess makes no difference: 0.

    Raises:
        Undefined: If targets are whole sequences, and nothing is declared.
    """
    from hypotest.testing.undefined import Undefined

    if declared or evidence.ablation.outcome == "logit_difference":
        return declared
    if evidence.ablation.outcome == "sequence":
        raise Undefined("targets have several tokens, of which no guess is known: declare options.chance")
    return float(np.log(np.unique(evidence.evaluation.targets).size))


def _t(contrast: MeanContrast, reference: float) -> float:
    """How clearly it lies above the reference, in standard errors."""
    effect, error = contrast.estimate - reference, float(np.sqrt(contrast.variances.total))
    return effect / error if error > 0 else float(np.sign(effect)) * np.inf


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The lesser of both for a group selected on the first condition, less the declared amount."""
    from hypotest.testing.lesions import Lesion
    from hypotest.testing.undefined import Undefined

    options, split = MEASURE.filled(prediction.options), evidence.evaluation
    if options["on"] not in ("", split.conditions.first):
        raise Undefined("the group is that of the first condition")
    above = chance_of(evidence, float(options["chance"])) - float(split.loss[split.first].mean())
    costs = float(Lesion.of(evidence, group).change[split.first].mean())
    return min(above, costs) - float(prediction.contrast.reference or 0.0)


MEASURE = ConditionMeasure(
    name="competence",
    words=WORDS,
    level="group",
    contrasts=(Form.REFERENCE,),
    options={
        "on": Option(
            "",
            "the condition, and with it the group that was selected on it; the first one without",
            is_condition=True,
            varies=False,
        ),
        "chance": Option(
            0.0,
            "loss of a guess, in units of the outcome; 0: of choosing evenly among the targets that occur, "
            "or, with a foil, between the two",
            varies=False,
        ),
    },
    needs=frozenset({Channel.LESIONS, Channel.LOSS}),
    compared=compare,
    effect=effect,
    tried=False,
)
