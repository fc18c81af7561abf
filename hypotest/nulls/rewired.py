"""The null of the group's own network with other edges; it describes and never decides."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from hypotest.nulls.form import Form
from hypotest.nulls.graphs import among_other_graphs, has_network
from hypotest.nulls.null import Null, NullWords
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Task, Tested

_DESCRIBES = (
    "rewired networks keep every neuron's strength and nothing else; nearly every random group beats all of "
    "its own rewirings too, so this rung describes and never decides"
)


class Rewired(Strict):
    """The group's own network, its edges exchanged and every neuron's strength kept; descriptive."""

    draws: int = Field(default=499, ge=1, le=10**6, description="number of rewired networks")


def prepare(options: Rewired, task: Task) -> None:
    """Nothing is shared: each measure rewires its own networks."""


def compare(tested: Tested, options: Rewired, state: None, variant: str) -> Rung:
    """The group among its own rewirings, and how many random groups exceed all of theirs."""
    from hypotest.estimators.graphs.rewiring import rewired

    network = tested.measure.network
    assert network is not None  # see `applies`
    return among_other_graphs(
        tested,
        NULL.name,
        lambda group: partial(rewired, network.graph(group)),
        options.draws,
        called="rewirings",
        note=_DESCRIBES,
    )


NULL = Null(
    name="rewired",
    form=Form.EDGES,
    options=Rewired,
    summary="the group's own network, its edges exchanged; never decides",
    place=80,
    never_decides="rewired networks describe and never decide; found in a prediction that does: contrast "
    "with another null (rewired stands beside it), or write `role: descriptive`",
    words=NullWords(
        question="is the group's network unlike one with the same strengths and otherwise random weights? "
        "Almost every network of correlated neurons is: this describes, and never decides.",
        they="its rewired networks",
        explained=lambda null, protocol: (
            f"{null.draws:,} networks of the same neurons with exchanged connections"
        ),
        method=lambda null, protocol: (
            f"Networks were also compared with {null.draws:,} of the same strengths and otherwise random "
            "weights, by moves on cycles of four neurons (rewired); this describes and never decides."
        ),
        registered=lambda null, protocol: (
            f"{null.draws:,} versions of the group's own network with every neuron's strength kept; "
            "descriptive."
        ),
        apart=True,
    ),
    prepare=prepare,
    compare=compare,
    applies=has_network,
    evaluations=lambda options: 0,
)
