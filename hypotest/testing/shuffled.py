"""What the same selection finds under shuffled labels: by either condition, and the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.streams import Streams
from hypotest.engine.workers import Values
from hypotest.groups.nulls import random_groups
from hypotest.records.protocol.group import Group
from hypotest.testing.group_measure import BoundMeasure, rows_by_size
from hypotest.testing.relabelled import ShuffledGroups
from hypotest.testing.selection import Selection
from hypotest.testing.undefined import Undefined

_MEAN_GROUPS = 400  # random groups per size, for the mean by which groups of unlike sizes compare
_MEAN_SIZES = 6


@dataclass(frozen=True, slots=True)
class Arm:
    """One statistic, observed and under every shuffled labelling."""

    statistic: str
    observed: float
    draws: Values


@dataclass(frozen=True, slots=True, eq=False)
class Shuffled:
    """A measure under shuffled labels."""

    arms: tuple[Arm, ...]
    """Of the group selected on the first condition, of the one selected on the second, and the difference; of
    a group that is given, itself alone."""
    log10_relabellings: float
    scale: Callable[[Values, int], Values]
    """From values of groups of a size to what the statistics are made of."""
    noise: float
    """Variance of the effect that comes of the luck of the random groups behind `scale`."""


def compare_shuffled(
    shuffled: ShuffledGroups,
    measure: BoundMeasure,
    selection: Selection,
    n_neurons: int,
    rule: Group,
    streams: Streams,
) -> Shuffled:
    """T of both conditions' groups, observed and for every shuffled labelling.

    Each draw runs the whole selection again on its labels, in both conditions. Token types keep their
    peculiarities from the selection to the evaluation split, so that both splits are under each draw's
    labels: with evaluation labels held fixed, the types that replicate reject 0.31 of placebos at 0.05 on the
    reference model (selectivity; jointly relabelled: 0.04). Both groups are measured at the positions that
    are labelled as the first condition. Measures of weights have no labels; head ablation was summed over
    that condition's positions when it was collected and cannot be relabelled.

    The null hypothesis is that labels mean nothing, for influence and for activations alike. That is the
    premise, and selectivity is decided so, by the group alone. Of any other measure it is false as soon
    as the premise is true, whatever that measure has to do with rarity: in simulations with a true premise
    and an unrelated property one arm rejected 0.19 to 0.47 at 0.05, the difference of both 0.49. Those
    comparisons describe.

    Args:
        shuffled: The groups.
        measure: Tied to the evidence.
        selection: The observed groups.
        n_neurons: Neurons that can be selected.
        rule: The protocol's ``group:``. Where the data set the size, and draws differ in it, what a size k
            alone does is taken off: T - mean_k + mean_K, with means over random groups and K the tested
            group's size. (SDs of random groups, in which such effects were once stated, were known to 3.5 %
            from as many groups, and moved with the text: on an effect of 10 SD 0.4 that no error counted.)
        streams: Random numbers.

    Raises:
        Undefined: If the group is given and the measure has no labels: nothing is then shuffled.
    """
    if not rule.is_selected and measure.under_labels is None:
        raise Undefined(
            "the neurons are given and not selected, and what is measured of them carries no labels: "
            "shuffling those changes nothing"
        )
    observed = [selection.group, selection.second]
    scale: Callable[[Values, int], Values] = _unscaled
    noise = 0.0
    sizes = sorted({len(group) for group in (*observed, *shuffled.first, *shuffled.second)})
    if len(sizes) > 1:
        scale, noise = _without_size(measure, sizes, len(selection.group), n_neurons, streams)
    own_groups = [selection.group, *shuffled.first]
    other_groups = [selection.second, *shuffled.second]
    if measure.under_labels is None:
        own, other = _values_of(measure, own_groups), _values_of(measure, other_groups)
    else:
        own, other = (
            np.concatenate([_values_of(measure, [group]), drawn])
            for group, drawn in zip(observed, measure.under_labels(shuffled), strict=True)
        )
    own, other = _scaled(own, own_groups, scale), _scaled(other, other_groups, scale)
    first, second = shuffled.names

    def arm(statistic: str, values: Values) -> Arm:
        return Arm(statistic, float(values[0]), values[1:])

    arms: tuple[Arm, ...] = (arm(f"T({first})", own),)
    if rule.is_selected:
        arms = (*arms, arm(f"T({second})", other), arm(f"T({first}) - T({second})", own - other))
    return Shuffled(
        arms=arms,
        log10_relabellings=shuffled.log10_relabellings,
        scale=scale,
        noise=noise,
    )


def _unscaled(values: Values, size: int) -> Values:
    return values


def _without_size(
    measure: BoundMeasure, sizes: Sequence[int], tested: int, n_neurons: int, streams: Streams
) -> tuple[Callable[[Values, int], Values], float]:
    """What takes off what a size alone does, from means of random groups on a grid of sizes, interpolated.

    In size, not in its logarithm: a dimension grows in proportion to it, and chords in log size missed the
    mean of a size between two grid points by up to 1.3 SD of random groups.

    Returns:
        The function, and the variance of a difference of two of its means.

    Raises:
        Undefined: If no random group of a size has a value.
    """
    grid = np.unique(np.round(np.geomspace(sizes[0], sizes[-1], _MEAN_SIZES)).astype(int))
    means, variances = [], []
    for size in grid:
        groups = random_groups(n_neurons, int(size), _MEAN_GROUPS, streams("moments", str(size)))
        values = measure.values(groups)
        values = values[np.isfinite(values)]
        if values.size < 2:
            raise Undefined(f"random groups of {size} neurons have no value to compare other sizes by")
        means.append(values.mean())
        variances.append(values.var(ddof=1) / values.size)
    of_tested = np.interp(tested, grid, means)

    def scale(values: Values, size: int) -> Values:
        return np.asarray(values - (np.interp(size, grid, means) - of_tested))

    return scale, 2 * float(max(variances))


def _values_of(measure: BoundMeasure, groups: Sequence[NDArray[np.int64]]) -> Values:
    """Values of groups of unlike sizes, batched by size."""
    values = np.empty(len(groups))
    for rows in rows_by_size(groups, len(groups)):
        values[rows] = measure.values(np.stack([groups[row] for row in rows]))
    return values


def _scaled(
    values: Values, groups: Sequence[NDArray[np.int64]], scale: Callable[[Values, int], Values]
) -> Values:
    sizes = np.array([len(group) for group in groups])
    result = np.empty(len(groups))
    for size in np.unique(sizes):
        rows = sizes == size
        result[rows] = scale(values[rows], int(size))
    return result
