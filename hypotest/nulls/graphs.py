"""A group's graph among others that a null puts in its place, and how many random groups exceed theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypotest.estimators.graphs.altered import Graphs
    from hypotest.inference.randomization import Alternative
    from hypotest.records.evidence.arrays import FloatArray, IntArray
    from hypotest.records.results.prediction_result import PredictionResult
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Tested

DRAWS_OF_RANDOM_GROUPS = 19
"""Of each random group, to see how many exceed all their own: one of twenty by chance."""
NEURON_BASIS = "modular in the neuron basis"
"""What rotations and random directions ask together: is Q greater than both?

Two nulls, not one with both inside: each is drawn, shown and stored by its own name. A contrast with either
is with both (`Null.together`), so that the protocol language has no word for a list, and no protocol can rest
on one alone.

Rejected at 0.05, one-sided (``tests/benchmarks/neuron_basis.py``; 24 to 210 simulations a cell), by rotations
and by both:

==================================  ===========  ============  ===========  ============
layer                               k 24, n 500  k 24, n 4096  k 82, n 500  k 82, n 4096
==================================  ===========  ============  ===========  ============
nothing shared                      .05 .03                                 .00 .00
three factors                       .08 .00      .02 .02
ten factors                         .12 .02
unequal communalities               .43 .08      .37 .03       .71 .04      .85 .02
the same behind ReLU                .44 .06      .37 .10       .92 .12      .85 .17
unequal loudness and heavy tails    .10 .00
rotated modules                     .07 .05      .07 .03                    .08 .04
sparse codes, ReLU                  .05 .02      .10 .05                    .29 .12
ReLU of random weights on 5 inputs  .23 .16      .07 .05       .33 .21      .42 .22
rows that hang together             .00 .00
modules under a factor of all       1.0 1.0      1.0 1.0       1.0 1.0      1.0 1.0
==================================  ===========  ============  ===========  ============

Behind ReLU correlations are no longer those of a factor model: pairs in opposite directions share less than
pairs in the same one. Giving samples the neurons' own marginals did not help (an earlier version: 0.11 and
0.16 instead of 0.12 and 0.12 at k 24, n 500). Hence both describe.
"""
DESCRIBES = (
    "rotations and random directions describe and do not decide yet: together they rejected up to 0.08 of "
    "simulated layers without modules at 0.05, but up to 0.22 behind ReLU"
)
OFTEN = 0.25
"""Share of random groups that exceed all of their own, from which it is mentioned: 5 of 20 have p = 0.003."""
_NO_RANDOM_GROUPS = (
    "the group is the whole layer: there are no random groups whose rate could stand beside it"
)


def among_other_graphs(
    tested: Tested,
    null: str,
    graphs: Callable[[IntArray], Graphs],
    n_draws: int,
    *,
    called: str,
    note: str,
    alternative: Alternative = "two-sided",
) -> Rung:
    """The group among graphs in the place of its own; it describes.

    Args:
        tested: A measure of a graph.
        null: Its name.
        graphs: Makes other graphs of a group.
        n_draws: How many of the tested group's.
        called: What they are, for the number of random groups beside them: ``rewirings``.
        note: Why it describes.
        alternative: Direction that counts as extreme.
    """
    from hypotest.estimators.graphs.altered import share_above_all
    from hypotest.inference.randomization import compare_with_null
    from hypotest.testing.rung import CONTROL_GROUPS, Rung
    from hypotest.testing.undefined import NO_VALUE

    network = tested.measure.network
    assert network is not None  # see `has_network`
    draws = network.values(null, tested.group[None, :], graphs, n_draws)[0]
    beside: dict[str, float | None] = {}
    notes: tuple[str, ...] = (note,)
    if tested.group.size == tested.task.evidence.n_neurons:
        notes = (note, _NO_RANDOM_GROUPS)
    else:
        with suppress(*NO_VALUE):  # it stands beside the comparison, which does not need it
            groups = tested.task.random_groups(CONTROL_GROUPS)
            theirs = network.values(null, groups, graphs, DRAWS_OF_RANDOM_GROUPS)
            share = share_above_all(tested.measure.values(groups), theirs)
            beside[_rate(called)] = share
    compared = compare_with_null(tested.observed, draws, alternative, null=null)
    return Rung(replace(compared, descriptive=True), draws, beside=beside, notes=notes)


def of_correlations(
    tested: Tested, correlations: Callable[[FloatArray, int], Graphs]
) -> Callable[[IntArray], Graphs]:
    """Graphs from correlations, for `among_other_graphs`.

    Args:
        tested: A measure of a graph.
        correlations: Given those of a group's normal scores (k, k) and the number of rows, what gives others.

    Raises:
        Undefined: If the graph is not made of correlations.
    """
    from hypotest.estimators.graphs.information import correlated_graphs
    from hypotest.testing.undefined import Undefined

    network = tested.measure.network
    assert network is not None  # see `has_network`
    known, n_rows = network.correlations, network.n_rows
    if known is None:
        raise Undefined("it needs `estimator: gaussian_copula`, whose weights are made of correlations")

    def graphs(group: IntArray) -> Graphs:
        others = correlations(known(group), n_rows)
        return lambda n_draws, rng: correlated_graphs(others(n_draws, rng), n_rows)

    return graphs


def rates_of_random_groups(called: str, results: Sequence[PredictionResult]) -> Iterator[str]:
    """Where random groups of the layer exceed their own graphs too, a group that does is nothing special.

    Args:
        called: As for `among_other_graphs`.
        results: Of the run.
    """
    rates = [
        (item.id, item.secondary[_rate(called)].value) for item in results if _rate(called) in item.secondary
    ]
    often = [f"{share:.0%} ({name})" for name, share in rates if share is not None and share >= OFTEN]
    if often:
        yield (
            f"Of random groups of this layer, {', '.join(often)} have a network more divided than all "
            f"{DRAWS_OF_RANDOM_GROUPS} of their own {called.replace('_', ' ')}; 5 % would by chance. That "
            "the tested group's is more divided too then says something of the layer, not of the group."
        )


def _rate(called: str) -> str:
    return f"random_groups_above_all_{called}"


def has_network(tested: Tested) -> bool:
    """Whether the measure is one of a graph."""
    return tested.measure.network is not None
