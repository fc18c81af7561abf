"""The ladder of nulls: one measure of the group against every opponent that the protocol declares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hypotest.groups.matching import covariate_matched
from hypotest.groups.nulls import size_matched
from hypotest.inference.randomization import compare_with_null, enough_draws
from hypotest.records.evidence import IntArray
from hypotest.records.protocol import Protocol
from hypotest.records.results import NullComparison
from hypotest.testing.controls import Controls, Matched
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.parallel import Values
from hypotest.testing.randomness import Streams
from hypotest.testing.selection import Selection, ShuffledGroups
from hypotest.testing.shuffled import Arm, Shuffled, compare_shuffled
from hypotest.testing.undefined import NO_VALUE, why

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
    measure: BoundMeasure,
    selection: Selection,
    controls: Controls,
    untrained: Values,
    n_neurons: int,
    protocol: Protocol,
    streams: Streams,
    *,
    decided_by_labels: bool,
) -> tuple[dict[str, Rung], dict[str, str]]:
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
        By the null's name, in the order of the ladder; and by name, why a null has no value.
    """
    nulls, size = protocol.nulls, controls.size_matched.shape[1]
    makers: dict[str, Callable[[], Rung]] = {}
    if nulls.size_matched is not None:
        rng, stop_after = streams("size_matched, redrawn", str(size)), nulls.size_matched.stop_after
        makers["size_matched"] = lambda: _among_groups(
            "size_matched",
            observed,
            measure,
            controls.size_matched,
            lambda n: size_matched(n_neurons, size, n, rng),
            stop_after,
        )
    for matched in controls.matched:
        makers[matched.null] = partial(
            _among_matched, observed, measure, matched, controls.group, protocol, streams
        )
    for place, item in enumerate(selection.shuffled):
        makers[f"label_shuffled ({item.unit})"] = partial(
            _shuffled_rung,
            item,
            measure,
            selection,
            n_neurons,
            protocol,
            streams,
            descriptive=not decided_by_labels,
            with_arms=place == 0,
        )
    if nulls.rewired is not None and measure.rewired is not None:
        makers["rewired"] = partial(
            _rewired_rung, observed, measure.rewired, selection.group, nulls.rewired.draws
        )
    if untrained.size:
        few = untrained.size < protocol.decision.fewest_draws(max(1, len(protocol.deciding)))
        makers["untrained"] = lambda: _untrained_rung(observed, untrained, few)
    rungs, missing = {}, dict(controls.no_match)
    for name, make in makers.items():
        try:
            rungs[name] = make()
        except NO_VALUE as error:
            missing[name] = why(error)
    return rungs, missing


def _rewired_rung(
    observed: float, rewire: Callable[[IntArray, int], Values], group: NDArray[np.int64], n_draws: int
) -> Rung:
    draws = rewire(group[None, :], n_draws)[0]
    return Rung(_descriptive(compare_with_null(observed, draws, null="rewired")), draws)


def _untrained_rung(observed: float, values: Values, few: bool) -> Rung:
    compared = compare_with_null(observed, values, null="untrained")
    return Rung(_descriptive(compared) if few else compared, values)


def _among_groups(
    name: str,
    observed: float,
    measure: BoundMeasure,
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
    measure: BoundMeasure, groups: NDArray[np.int64], redraw: Callable[[int], NDArray[np.int64]]
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
    measure: BoundMeasure,
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
    blocked = matched.blocked(protocol.decision.level)
    return replace(rung, comparison=replace(rung.comparison, blocked=blocked))


def _shuffled_rung(
    item: ShuffledGroups,
    measure: BoundMeasure,
    selection: Selection,
    n_neurons: int,
    protocol: Protocol,
    streams: Streams,
    *,
    descriptive: bool,
    with_arms: bool,
) -> Rung:
    """The group under shuffled labels; for the protocol's own unit the other arm and the difference, too."""
    shuffled = compare_shuffled(item, measure, selection, n_neurons, protocol.group, streams)
    main, *others = shuffled.arms
    compared = _among_labels(shuffled, main, shuffled.name, descriptive)
    arms = []
    for arm in others if with_arms else ():
        with suppress(*NO_VALUE):  # the other group may have no value; the tested one has
            name = f"{shuffled.name}: {arm.statistic}"
            arms.append((_among_labels(shuffled, arm, name, True), arm.draws))
    return Rung(compared, main.draws, shuffled=shuffled, arms=tuple(arms))


def _among_labels(shuffled: Shuffled, arm: Arm, name: str, descriptive: bool) -> NullComparison:
    compared = compare_with_null(
        arm.observed,
        arm.draws,
        null=name,
        statistic=arm.statistic,
        log10_relabellings=shuffled.log10_relabellings,
    )
    return replace(compared, unit=shuffled.unit, descriptive=descriptive)


def _descriptive(compared: NullComparison) -> NullComparison:
    return replace(compared, descriptive=True)
