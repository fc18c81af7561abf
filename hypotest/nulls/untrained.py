"""The null of networks that learned nothing: what they show as well is due to the architecture.

Their evidence is collected by a run (`hypotest.pipeline.other_networks`); here are only the values of the
group that the same rule selects in each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hypotest.nulls.form import Form
from hypotest.nulls.null import Null, NullWords
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    from hypotest.records.protocol.protocol import Protocol
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Task, Tested

FEWEST_FOR_Z = 10
"""Networks from which on their SD says how far the group lies from them."""


class Untrained(Strict):
    """The same protocol on networks that learned nothing; descriptive unless there are many."""

    networks: int = Field(default=3, ge=1, le=10**4, description="number of untrained networks")
    weights: Literal["fresh", "permuted"] = Field(
        default="fresh",
        description="`fresh` initialisations, or the entries of every trained matrix `permuted`",
    )


def prepare(options: Untrained, task: Task) -> None:
    """Nothing: the networks come with the task."""


def compare(tested: Tested, options: Untrained, state: None, variant: str) -> Rung:
    """The group among those of the networks; few networks describe."""
    import numpy as np

    from hypotest.inference.randomization import compare_with_null
    from hypotest.testing.rung import Rung

    name, protocol = tested.prediction.id, tested.task.protocol
    values = np.array([network.get(name, np.nan) for network in tested.task.networks])
    compared = compare_with_null(tested.observed, values, null=NULL.name)
    z = compared.z if values.size >= FEWEST_FOR_Z else None  # the SD of two networks is noise
    return Rung(replace(compared, descriptive=_are_few(values.size, protocol), z=z), values)


def _are_few(number: int, protocol: Protocol) -> bool:
    return number < protocol.decision.fewest_draws(max(1, len(protocol.deciding)))


def _few(options: Untrained, protocol: Protocol) -> str:
    return "; so few describe and do not decide" if _are_few(options.networks, protocol) else ""


def unfit(options: Untrained, protocol: Protocol) -> str:
    """Latents are directions of the network that their autoencoder was trained on, and of no other."""
    if isinstance(protocol.subject.units, str):
        return ""
    return (
        "an autoencoder of the trained network says nothing of untrained ones: take it out, or test neurons"
    )


NULL = Null(
    name="untrained",
    form=Form.NETWORKS,
    options=Untrained,
    number="networks",
    summary="the same protocol on networks that learned nothing",
    place=90,
    no_placebo="other networks would have to be collected anew",
    words=NullWords(
        question="is the group unlike what the same protocol finds in networks that learned nothing? What "
        "they show as well is due to the architecture, not to learning.",
        they="the untrained networks",
        explained=lambda null, protocol: (
            f"{null.networks:,} networks that learned nothing, "
            + {"fresh": "freshly initialised", "permuted": "with the trained weights permuted"}[null.weights]
        ),
        method=lambda null, protocol: (
            f"The protocol was repeated on {null.networks:,} untrained networks, each with "
            + {
                "fresh": "a fresh initialisation",
                "permuted": "the entries of every trained matrix permuted",
            }[null.weights]
            + f" (untrained{_few(null, protocol)})."
        ),
        registered=lambda null, protocol: (
            f"{null.networks:,} network{'' if null.networks == 1 else 's'}, "
            + {"fresh": "freshly initialised", "permuted": "with permuted entries of matrices"}[null.weights]
            + f"{_few(null, protocol)}."
        ),
        apart=True,
    ),
    unfit=unfit,
    prepare=prepare,
    compare=compare,
    applies=lambda tested: bool(tested.task.networks),
    evaluations=lambda options: 0,
)
