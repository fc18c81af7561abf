"""What the same selection finds under shuffled labels: by either condition, and the difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.streams import Streams
from hypotest.engine.workers import Values
from hypotest.groups.nulls import random_groups
from hypotest.inference.rounding import sd_beyond_rounding
from hypotest.records.protocol import Group
from hypotest.testing.group_measure import BoundMeasure, rows_by_size
from hypotest.testing.relabelled import ShuffledGroups
from hypotest.testing.selection import Selection
from hypotest.testing.undefined import Undefined

NULL_SDS = "SDs of random groups"
"""Unit of a statistic whose groups have sizes of their own: (T - mean) / SD of random groups of as many
neurons."""
_MOMENT_GROUPS = 400  # random groups per size, for moments by which groups of unlike sizes compare
_MOMENT_SIZES = 6


@dataclass(frozen=True, slots=True)
class Arm:
    """One statistic, observed and under every shuffled labelling."""

    statistic: str
    observed: float
    draws: Values


@dataclass(frozen=True, slots=True, eq=False)
class Shuffled:
    """A measure under shuffled labels."""

    arms: tuple[Arm, Arm, Arm]
    """Of the group selected on the first condition, of the one selected on the second, and the difference."""
    log10_relabellings: float
    unit: str
    """Of the statistics; empty for the measure's own."""
    scale: Callable[[Values, int], Values]
    """Puts values of groups of a size on the scale of the statistics."""


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
        rule: The protocol's ``group:``. Where it sets the size and draws can differ in it, each value is put
            on the scale of random groups of its own size, (T - mean_k) / SD_k.
        streams: Random numbers.
    """
    observed = [selection.group, selection.second]
    scale: Callable[[Values, int], Values] = _unscaled
    if rule.size_varies:
        sizes = sorted({len(group) for group in (*observed, *shuffled.first, *shuffled.second)})
        scale = _standardization(measure, sizes, n_neurons, streams)
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

    return Shuffled(
        arms=(
            arm(f"T({first})", own),
            arm(f"T({second})", other),
            arm(f"T({first}) - T({second})", own - other),
        ),
        log10_relabellings=shuffled.log10_relabellings,
        unit=NULL_SDS if rule.size_varies else "",
        scale=scale,
    )


def _unscaled(values: Values, size: int) -> Values:
    return values


def _standardization(
    measure: BoundMeasure, sizes: Sequence[int], n_neurons: int, streams: Streams
) -> Callable[[Values, int], Values]:
    """Moments of random groups on a grid of sizes, interpolated in size.

    In size, not in its logarithm: a dimension grows in proportion to it, and chords in log size missed the
    mean of a size between two grid points by up to 1.3 SD.

    Raises:
        Undefined: If random groups of a size have no value, or vary by rounding alone: dividing by such an SD
            would make rounding errors as large as effects.
    """
    grid = np.unique(np.round(np.geomspace(sizes[0], sizes[-1], _MOMENT_SIZES)).astype(int))
    moments = []
    for size in grid:
        groups = random_groups(n_neurons, int(size), _MOMENT_GROUPS, streams("moments", str(size)))
        values = measure.values(groups)
        deviation = sd_beyond_rounding(values)
        if deviation == 0:
            raise Undefined(f"random groups of {size} neurons do not vary: there are no SDs to count in")
        moments.append((np.nanmean(values), deviation))
    means, deviations = np.asarray(moments).T

    def scale(values: Values, size: int) -> Values:
        mean = np.interp(size, grid, means)
        deviation = np.interp(size, grid, deviations)
        return np.asarray((values - mean) / deviation)

    return scale


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
