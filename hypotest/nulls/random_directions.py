"""The null of other directions: do neurons that share as much with the others bundle as these do?

It is half of a test: see `hypotest.nulls.graphs.NEURON_BASIS`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field

from hypotest.nulls.form import Form
from hypotest.nulls.graphs import (
    DESCRIBES,
    NEURON_BASIS,
    among_other_graphs,
    has_network,
    of_correlations,
    rates_of_random_groups,
)
from hypotest.nulls.null import Null, NullWords
from hypotest.records.protocol.strict import Strict

if TYPE_CHECKING:
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Task, Tested

_CALLED = "random_directions"


class RandomDirections(Strict):
    """The group's factor model with directions at random; half of a test, descriptive."""

    draws: int = Field(default=499, ge=1, le=10**6, description="number of groups with random directions")


def prepare(options: RandomDirections, task: Task) -> None:
    """Nothing is shared: each measure fits its own factor model."""


def compare(tested: Tested, options: RandomDirections, state: None, variant: str) -> Rung:
    """The group among those with other directions, and how many random groups exceed all of theirs."""
    from hypotest.estimators.graphs.random_directions import factors_of, with_random_directions

    return among_other_graphs(
        tested,
        NULL.name,
        of_correlations(
            tested,
            lambda matrix, n_rows: partial(with_random_directions, factors_of(matrix, n_rows), n_rows),
        ),
        options.draws,
        called=_CALLED,
        note=DESCRIBES,
        alternative=NULL.alternative,
    )


NULL = Null(
    name="random_directions",
    form=Form.EDGES,
    options=RandomDirections,
    summary="the group's factor model, directions at random; half of a test, never decides",
    place=84,
    alternative="greater",
    together=NEURON_BASIS,
    no_placebo="it asks about the neurons as a basis, not about the conditions",
    never_decides=DESCRIBES + "; found in a prediction that does: write `role: descriptive`",
    words=NullWords(
        question="is the group's network more divided than that of neurons which share as much variance with "
        "the others, in directions at random? One-sided, half of a test, and it describes.",
        they="its random directions",
        explained=lambda null, protocol: (
            f"{null.draws:,} groups of neurons that share as much with the others, in directions at random"
        ),
        method=lambda null, protocol: (
            f"Networks were also compared with {null.draws:,} samples of as many rows from their own factor "
            "model with every neuron's communality kept and its direction at random, one-sided "
            "(random_directions); this describes and never decides."
        ),
        registered=lambda null, protocol: (
            f"{null.draws:,} samples of as many rows from the group's factor model, every neuron's "
            "communality kept and its direction at random; one-sided, descriptive."
        ),
        apart=True,
    ),
    prepare=prepare,
    compare=compare,
    applies=has_network,
    evaluations=lambda options: 0,
    limits=lambda options, state, results, evidence, group: rates_of_random_groups(_CALLED, results),
)
