"""The ladder of nulls: one measure of the group against every opponent that the protocol declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.groups.matching import covariate_matched
from hypotest.groups.nulls import size_matched
from hypotest.inference.randomization import compare_with_null, enough_draws
from hypotest.pipeline.controls import Controls, Matched
from hypotest.pipeline.group_measure import GroupMeasure
from hypotest.pipeline.parallel import Values
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.selection import Selection
from hypotest.pipeline.shuffled import Shuffled, compare_shuffled
from hypotest.records.protocol import Protocol
from hypotest.records.results import NullComparison

MOST_UNDEFINED = 0.05
"""Above this share, undefined draws are not redrawn but count as extreme."""
_BATCH = 1000  # draws between two looks of sequential stopping
_REDRAWS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """The group against one null."""

    comparison: NullComparison
    draws: Values
    groups: NDArray[np.int64] | None = None
    """The random groups behind the draws, shape (n_draws, k)."""
    shuffled: Shuffled | None = None
    arms: tuple[tuple[NullComparison, Values], ...] = ()
    """Under shuffled labels: the other group and the difference, with their draws."""


def climb(
    observed: float,
    measure: GroupMeasure,
    selection: Selection,
    controls: Controls,
    untrained: Values,
    n_neurons: int,
    protocol: Protocol,
    streams: Streams,
    *,
    decided_by_labels: bool,
) -> dict[str, Rung]:
    """Compare the group with every declared null for which its measure makes sense.

    Args:
        observed: T(G).
        measure: Tied to the evidence.
        selection: The group, and its versions under shuffled labels.
        controls: Random groups.
        untrained: T of the group that the same rule selects in each untrained network; may be empty.
        n_neurons: Neurons in the layer.
        protocol: Its nulls.
        streams: Random numbers.
        decided_by_labels: Whether shuffled labels can decide this measure.

    Returns:
        By the null's name, in the order of the ladder.
    """
    rungs: list[Rung] = []
    nulls, size = protocol.nulls, controls.size_matched.shape[1]
    if nulls.size_matched is not None:
        rng = streams("size_matched, redrawn", str(size))
        rungs.append(
            _among_groups(
                "size_matched",
                observed,
                measure,
                controls.size_matched,
                lambda n: size_matched(n_neurons, size, n, rng),
                nulls.size_matched.stop_after,
            )
        )
    rungs.extend(
        _among_matched(observed, measure, item, controls.group, protocol, streams)
        for item in controls.matched
    )
    rungs.extend(
        _shuffled_rung(
            compare_shuffled(item, measure, selection, n_neurons, protocol.group, streams),
            descriptive=not decided_by_labels,
            with_arms=place == 0,
        )
        for place, item in enumerate(selection.shuffled)
    )
    if nulls.rewired is not None and measure.rewired is not None:
        draws = measure.rewired(selection.group[None, :], nulls.rewired.draws)[0]
        rungs.append(Rung(_descriptive(compare_with_null(observed, draws, null="rewired")), draws))
    if untrained.size and np.isfinite(untrained).any():
        compared = compare_with_null(observed, untrained, null="untrained")
        few = untrained.size < protocol.decision.fewest_draws(max(1, len(protocol.deciding)))
        rungs.append(Rung(_descriptive(compared) if few else compared, untrained))
    return {rung.comparison.null: rung for rung in rungs}


def _among_groups(
    name: str,
    observed: float,
    measure: GroupMeasure,
    groups: NDArray[np.int64],
    redraw: Callable[[int], NDArray[np.int64]],
    stop_after: int | None,
) -> Rung:
    """The group among random ones: a few undefined ones drawn again, stopped where more change nothing."""
    batch = len(groups) if stop_after is None else _BATCH
    kept: list[NDArray[np.int64]] = []
    values: list[Values] = []
    for start in range(0, len(groups), batch):
        part, found = _defined(measure, groups[start : start + batch].astype(np.int64), redraw)
        kept.append(part)
        values.append(found)
        if stop_after is not None and enough_draws(observed, np.concatenate(values), stop_after):
            break
    draws = np.concatenate(values)
    compared = compare_with_null(observed, draws, null=name, stop_after=stop_after, planned_draws=len(groups))
    return Rung(compared, draws, groups=np.concatenate(kept))


def _defined(
    measure: GroupMeasure, groups: NDArray[np.int64], redraw: Callable[[int], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], Values]:
    values = measure.values(groups)
    undefined = np.isnan(values)
    if undefined.mean() <= MOST_UNDEFINED:
        for _ in range(_REDRAWS):  # each round leaves at most a few per cent of the last one
            if not undefined.any():
                break
            groups[undefined] = redraw(int(undefined.sum()))
            values[undefined] = measure.values(groups[undefined])
            undefined = np.isnan(values)
    return groups, values


def _among_matched(
    observed: float,
    measure: GroupMeasure,
    matched: Matched,
    group: NDArray[np.int64],
    protocol: Protocol,
    streams: Streams,
) -> Rung:
    declared = getattr(protocol.nulls, matched.null)
    rng = streams(f"{matched.null}, redrawn", str(group.size))
    rung = _among_groups(
        matched.null,
        observed,
        measure,
        matched.groups,
        lambda n: covariate_matched(matched.strata, group, n, rng),
        declared.stop_after,
    )
    blocked = matched.blocked(group, protocol.decision.level)
    return replace(rung, comparison=replace(rung.comparison, blocked=blocked))


def _shuffled_rung(shuffled: Shuffled, *, descriptive: bool, with_arms: bool) -> Rung:
    """The group under shuffled labels; for the protocol's own unit the other arm and the difference, too."""
    main, *others = (
        replace(
            compare_with_null(
                arm.observed,
                arm.draws,
                null=shuffled.name if place == 0 else f"{shuffled.name}: {arm.statistic}",
                statistic=arm.statistic,
                log10_relabellings=shuffled.log10_relabellings,
            ),
            unit=shuffled.unit,
            descriptive=descriptive or place > 0,
        )
        for place, arm in enumerate(shuffled.arms)
        if place == 0 or with_arms
    )
    draws = [arm.draws for arm in shuffled.arms]
    return Rung(main, draws[0], shuffled=shuffled, arms=tuple(zip(others, draws[1:], strict=False)))


def _descriptive(compared: NullComparison) -> NullComparison:
    return replace(compared, descriptive=True)
