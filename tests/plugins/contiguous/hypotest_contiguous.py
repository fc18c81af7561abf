"""Random neurons that lie side by side in the layer; an example of a null.

Some trainings and exports leave neighbouring columns alike, as where weights were merged, sorted or sharded.
Is the group unlike stretches of the layer?
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from hypotest.groups.select import declared_size
from hypotest.nulls.form import Form
from hypotest.nulls.null import Null, NullWords
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.strict import Strict
from hypotest.testing.rung import Rung, among_groups
from hypotest.testing.task import Task, Tested


class Contiguous(Strict):
    """Random neurons side by side in the layer."""

    draws: int = Field(default=999, ge=1, le=10**6, description="number of random stretches")


def stretches(n_neurons: int, size: int, n_groups: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Groups of neighbours, the last neuron being beside the first; shape (n_groups, size)."""
    starts = rng.integers(0, n_neurons, size=(n_groups, 1))
    return np.sort((starts + np.arange(size)) % n_neurons, axis=1)


def prepare(options: Contiguous, task: Task) -> NDArray[np.int64]:
    """The stretches, shape (n_draws, k)."""
    size = task.selection.group.size
    return stretches(task.evidence.n_neurons, size, options.draws, task.streams("contiguous"))


def compare(tested: Tested, options: Contiguous, groups: NDArray[np.int64], variant: str) -> Rung:
    """The group among them."""
    rng, n_neurons = tested.task.streams("contiguous, redrawn"), tested.task.evidence.n_neurons
    return among_groups(
        "contiguous",
        tested.observed,
        tested.measure,
        groups,
        lambda n: stretches(n_neurons, tested.group.size, n, rng),
        None,
    )


def distinct(
    options: Contiguous, protocol: Protocol, positions: pl.DataFrame, n_neurons: int | None
) -> tuple[float, str] | None:
    """One stretch begins at each neuron."""
    if n_neurons is None:
        return None
    return math.log10(n_neurons), f"stretches of {declared_size(protocol.group, n_neurons)} neurons"


NULL = Null(
    name="contiguous",
    interface=1,
    form=Form.GROUPS,
    options=Contiguous,
    summary="random neurons side by side in the layer",
    place=15,
    words=NullWords(
        question="is it unlike other neurons that lie side by side?",
        they="the contiguous groups",
        explained=lambda null, protocol: f"{null.draws:,} groups of as many neurons side by side",
        method=lambda null, protocol: (
            f"{null.draws:,} stretches of as many neurons of the layer (contiguous)"
        ),
        registered=lambda null, protocol: f"{null.draws:,} stretches of as many neurons of the layer.",
        short="contig.",
        legend="neurons side by side",
    ),
    prepare=prepare,
    compare=compare,
    distinct=distinct,
)
