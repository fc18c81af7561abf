"""Dissociation: whether a group, ablated at once, takes its own condition away and leaves the other.

Its formula::

    (d_own − d_other) / (d_own + d_other), with d the mean change of loss when the group is ablated

On networks of 20-128-8 units that learned two tasks (a quarter of the units selected, two seeds each) both
directions read 1.00 for two blocks, -0.03 to 0.03 for one function under permuted labels, -0.28 to 0.22 where
half of one task follows the other, 0.88 to 1.02 for dense networks on separate inputs, with dropout or
without; untrained, nothing is above `least`. Random groups lay at -0.06 to 0.20 with SDs of 0.07 to 0.37.

In language models lesions help many rows, and damages cancel: on the reference model the group that rare
targets select changes the loss on rare ones by 0.02 nats and on common ones by -0.02, while the sizes of
changes are 0.39 and 0.20. One direction alone is no dissociation there: by sizes the rare group reads 0.32
and the common group -0.30, since rare targets are more sensitive to whatever is ablated (random groups:
0.13). Hence `change: size`, and both directions.

A declared number can be out of reach of a whole layer: in the last one of SmolLM2 the 46 neurons that are
most selective for rare targets read 0.37 by sizes on documents that did not choose them, random ones 0.14. So
the index of as many neurons chosen for selectivity alone stands beside that of the group.

On simulated layers t against a true 0 rejected 0.03 to 0.07 of 345 to 396 at 0.05, and 90 % intervals of the
group at hand covered 0.90 to 0.94 of 230 to 239.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hypotest.measures.measure import ConditionMeasure
from hypotest.measures.option import Option
from hypotest.measures.words import MeasureWords
from hypotest.nulls.form import Form
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.conditions import Conditions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hypotest.engine.streams import Streams
    from hypotest.records.evidence.arrays import FloatArray, IntArray
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.protocol.prediction import Prediction
    from hypotest.testing.contrast import MeasuredContrast
    from hypotest.testing.task import Task

CLEAR = 3.0
"""Standard errors by which both changes together must differ from zero, for a ratio to them to have an
interval: at 3.4 of them its 90 % interval covered 0.91, at 1.7 of them 0.85."""

WORDS = MeasureWords(
    title="dissociation under the lesion of a whole group",
    unit="(own - other) / (own + other)",
    what=(
        "whether the loss of the whole group, all neurons at once, hurts the condition that selected it and "
        "spares the other"
    ),
    less="the other condition is hurt as well",
    greater="its own condition is hurt, and the other is spared",
    label="dissociation index (1: own alone; 0: both alike)",
    question="Without these neurons, does their own condition suffer and the other not?",
    method=(
        "with all neurons of the group ablated at once, the dissociation index is the difference of the mean "
        "changes of loss on the condition by which it was selected and on the other over their sum; its "
        "interval leaves out every document, token type and cell in turn"
    ),
    beside={
        "damage_{first}": "Mean change of loss on {first} targets without the group, in nats.",
        "damage_{second}": "Mean change of loss on {second} targets without the group, in nats.",
        "size_{first}": "Mean size of the change of loss on {first} targets without the group, in nats.",
        "size_{second}": "Mean size of the change of loss on {second} targets without the group, in nats.",
        "off_target_damage": "Mean change of loss without the group at rows of neither condition, in nats.",
        "off_target_size": "The mean size of the change of loss at rows of neither condition.",
        "off_target_rows": "How many rows of neither condition were looked at.",
        "most_selective_index": "The index of as many neurons, those that prefer the condition most on the "
        "selection split: about what any group of this layer can reach.",
        "random_groups_index": "The mean index of random groups of this size.",
        "random_groups_index_sd": "SD of the index over random groups of this size.",
    },
)


def compare(prediction: Prediction, task: Task) -> MeasuredContrast:
    """The index of one group against a declared number.

    Groups of random neurons, or of neurons as influential, decide nothing here: selecting on a condition
    favours it, so that the selected group differs from them in nearly every trained network, also where both
    conditions are one function. Their index stands beside it.
    """
    from hypotest.estimators.dissociation import dissociation_index
    from hypotest.inference.crossed_functions import function_of_means
    from hypotest.testing.contrast import against_declared
    from hypotest.testing.intervals import effective_behind, secondary
    from hypotest.testing.lesions import Lesion, interval_of, most_selective, selected_on
    from hypotest.testing.undefined import Undefined

    options, evidence, level = MEASURE.filled(prediction.options), task.evidence, task.protocol.decision.level
    split = evidence.evaluation
    own, group = selected_on(task, str(options["selected_on"]))
    change = str(options["change"])
    lesion = Lesion.of(evidence, group, size=change == "size")
    mine, rows = split.mask(own), lesion.rows
    on_own, on_other = lesion.on(mine), lesion.on(~mine)
    other = next(name for name in split.conditions if name != own)
    together = on_own.estimate + on_other.estimate
    if not together > float(options["least"]):
        raise Undefined(
            f"without the {len(group)} neurons selected on {own}, the loss changes by {on_own.estimate:.3g} "
            f"on {own} and {on_other.estimate:.3g} on {other}: together not above the declared "
            f"{options['least']:g} (`least`), so that there is nothing to divide"
        )
    try:
        of_first = (mine, rows.documents, rows.types)
        index = function_of_means(lesion.change, *of_first, dissociation_index)
        both = function_of_means(lesion.change, *of_first, lambda one, two: one + two)
    except ValueError as error:
        raise Undefined(str(error)) from error
    names = Conditions(own, other)
    reason = index.variances.too_few(names)
    if not reason and not both.statistic >= CLEAR:
        reason = (
            f"both changes of loss together are {both.statistic:.1f} of their standard errors, and a ratio "
            f"to them has an interval from {CLEAR:g} of them: more positions, or a larger group, may help"
        )
    reference = float(prediction.contrast.reference or 0.0)
    interval, at_95 = (
        None if reason else interval_of(index, coverage, reference) for coverage in (1 - 2 * level, 0.95)
    )
    off = lesion.off_target()
    chosen_from = evidence.selection
    furthest = lesion.of_other(
        evidence.layer_numbers(most_selective(chosen_from, chosen_from.mask(own), len(group)))
    )
    best = np.empty(0) if furthest is None else _indices(furthest, mine, float(options["least"]))
    random = _indices(lesion.of_random(len(group)), mine, float(options["least"]))
    beside: dict[str, float | None] = {
        f"{change}_{own}": on_own.estimate,
        f"{change}_{other}": on_other.estimate,
        f"off_target_{change}": None if off is None else off[0],
        "off_target_rows": float(len(lesion.lesions.neither)),
        "most_selective_index": float(best[0]) if best.size else None,
        "random_groups_index": float(random.mean()) if random.size else None,
        "random_groups_index_sd": float(random.std(ddof=1)) if random.size > 1 else None,
        **effective_behind(index.variances, names),
    }
    compared = against_declared(
        index.estimate,
        reference,
        (interval, at_95),
        secondary(
            beside,
            **{
                f"{change}_{own}": interval_of(on_own),
                f"{change}_{other}": interval_of(on_other),
                f"off_target_{change}": None if off is None else off[1],
            },
        ),
        reason,
    )
    if not best.size or best[0] >= reference:
        return compared
    hardly = (
        f"the {len(group)} neurons of this layer that are most selective for {own} read {best[0]:.2f}: "
        f"{reference:g} is hardly within reach of any group here"
    )
    return replace(compared, notes=(*compared.notes, hardly))


def _indices(change: FloatArray, own: NDArray[np.bool_], least: float) -> FloatArray:
    """Of other groups, where it is defined; from changes of shape (n_rows, n_groups)."""
    from hypotest.estimators.dissociation import dissociation_index

    one, two = change[own].mean(axis=0), change[~own].mean(axis=0)
    return np.asarray(dissociation_index(one, two)[one + two > least])


def effect(prediction: Prediction, evidence: Evidence, group: IntArray, streams: Streams) -> float:
    """The index of a group selected on the first condition, less the declared number."""
    from hypotest.estimators.dissociation import dissociation_index
    from hypotest.testing.lesions import Lesion
    from hypotest.testing.undefined import Undefined

    first = evidence.evaluation.conditions.first
    options = MEASURE.filled(prediction.options)
    if options["selected_on"] not in ("", first):
        raise Undefined("the group is that of the first condition")
    size = options["change"] == "size"
    change, mine = Lesion.of(evidence, group, size=size).change, evidence.evaluation.first
    index = dissociation_index(float(change[mine].mean()), float(change[~mine].mean()))
    return float(index) - float(prediction.contrast.reference or 0.0)


MEASURE = ConditionMeasure(
    name="dissociation_index",
    words=WORDS,
    level="group",
    contrasts=(Form.REFERENCE,),
    refused={
        Form.GROUPS: "selecting on a condition favours it, so that the group differs from random and from "
        "matched ones in nearly every trained network, also where both conditions are one function; give the "
        "number that would mean dissociation, such as {reference: 0.5}"
    },
    options={
        "selected_on": Option(
            "",
            "the condition by which the group is selected; the first one without. A module must dissociate "
            "in both directions",
            is_condition=True,
            varies=False,
        ),
        "change": Option(
            "damage",
            "mean change of the loss, or mean size of the change, as influence has it: where lesions help "
            "some rows and hurt others, damages cancel",
            choices=("damage", "size"),
            varies=False,
        ),
        "least": Option(
            0.01,
            "both changes of loss together, above which the index is defined, in units of the outcome",
            at_least=0,
            varies=False,
        ),
    },
    needs=frozenset({Channel.LESIONS}),
    compared=compare,
    effect=effect,
    tried=False,
    no_difference=0.0,
)
