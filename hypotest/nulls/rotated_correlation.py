"""The null of other axes: is the group's graph more divided than that of mixtures of its neurons?

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

_CALLED = "rotations"


class RotatedCorrelation(Strict):
    """The group's correlations, seen from axes at random; half of a test, descriptive."""

    draws: int = Field(default=499, ge=1, le=10**6, description="number of rotations")


def prepare(options: RotatedCorrelation, task: Task) -> None:
    """Nothing is shared: each measure rotates its own correlations."""


def compare(tested: Tested, options: RotatedCorrelation, state: None, variant: str) -> Rung:
    """The group among its own rotations, and how many random groups exceed all of theirs."""
    from hypotest.estimators.graphs.rotation import rotated_correlations

    return among_other_graphs(
        tested,
        NULL.name,
        of_correlations(tested, lambda matrix, n_rows: partial(rotated_correlations, matrix)),
        options.draws,
        called=_CALLED,
        note=DESCRIBES,
        alternative=NULL.alternative,
    )


NULL = Null(
    name="rotated_correlation",
    form=Form.EDGES,
    options=RotatedCorrelation,
    summary="the group's correlations, rotated; half of a test, never decides",
    place=82,
    alternative="greater",
    together=NEURON_BASIS,
    no_placebo="it asks about the neurons as a basis, not about the conditions",
    never_decides=DESCRIBES + "; found in a prediction that does: write `role: descriptive`",
    words=NullWords(
        question="is the group's network more divided in these neurons than in mixtures of them, as many "
        "and as low-dimensional? One-sided, half of a test, and it describes.",
        they="its rotations",
        explained=lambda null, protocol: (
            f"{null.draws:,} mixtures of the same neurons, their correlations rotated"
        ),
        method=lambda null, protocol: (
            f"Networks were also compared with those of {null.draws:,} random rotations of the correlations "
            "of their normal scores, one-sided (rotated_correlation); this describes and never decides."
        ),
        registered=lambda null, protocol: (
            f"{null.draws:,} random rotations of the correlations of the group's normal scores, rescaled to "
            "unit diagonal; one-sided, descriptive."
        ),
        apart=True,
    ),
    prepare=prepare,
    compare=compare,
    applies=has_network,
    evaluations=lambda options: 0,
    limits=lambda options, state, results, evidence, group: rates_of_random_groups(_CALLED, results),
)
