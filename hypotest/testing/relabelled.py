"""What the same selection finds where labels mean nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.engine.progress import StartStage
from hypotest.inference.relabelling import Relabellings, permute_labels
from hypotest.predicates.units import EXCHANGES, division
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.design import Unit
from hypotest.records.protocol.group import Group
from hypotest.testing.ranking import LABELLINGS_AT_ONCE, arms_under, basis
from hypotest.testing.selection import Selection, groups_of

SHOWN_DRAWS = 199
"""Draws in the units that the protocol did not ask for, which are shown beside its own and never decide."""


@dataclass(frozen=True, slots=True, eq=False)
class ShuffledGroups:
    """What the selection finds when labels are shuffled; a group that is given, every time."""

    unit: Unit
    first: list[NDArray[np.int64]]
    """Per draw, the group selected on what is labelled as the first condition."""
    second: list[NDArray[np.int64]]
    """Per draw, the one that the same rule selects on the rest."""
    labels: NDArray[np.bool_]
    """Per draw, which units are labelled as the first condition in both splits, shape (n_draws, n_units)."""
    names: Conditions
    """Of both conditions."""
    evaluation_units: NDArray[np.int64]
    """Unit of each position of the evaluation split, shape (n_positions,)."""
    log10_relabellings: float
    n_informative: int
    """Strata in which both labels occur."""


def relabellings(
    splits: Sequence[SplitEvidence], unit: Unit, n_draws: int, rng: np.random.Generator
) -> Relabellings:
    """Shuffled labels of the splits' positions, one split behind the other, in the given unit.

    A unit, such as a type, keeps one label in both splits.
    """
    first = np.concatenate([split.first for split in splits])
    return shuffled_labels(pl.concat([split.positions for split in splits]), first, unit, n_draws, rng)


def shuffled_labels(
    positions: pl.DataFrame, first: NDArray[np.bool_], unit: Unit, n_draws: int, rng: np.random.Generator
) -> Relabellings:
    """Shuffled labels of rows.

    Args:
        positions: With the columns that tell the unit.
        first: Label of each, shape (n_positions,).
        unit: What keeps its label together.
        n_draws: How many labellings.
        rng: Source of the labellings.

    Raises:
        ValueError: If a column is missing, or a unit has both labels.
    """
    units, strata = units_in(positions, unit)
    try:
        return permute_labels(first, units, strata, n_draws, rng)
    except ValueError as error:
        raise ValueError(f"labels cannot be shuffled over {EXCHANGES[unit].words}: {error}") from None


def units_in(positions: pl.DataFrame, unit: Unit) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Unit and stratum of each row; see `hypotest.predicates.units.division`.

    Raises:
        ValueError: If a column is missing.
    """
    exchange = EXCHANGES[unit]
    names = (*exchange.members, *exchange.within)
    if missing := [name for name in names if name not in positions.columns]:
        raise ValueError(
            f"labels are shuffled by {unit}, and the rows have no column {' and '.join(missing)}"
        )
    return division({name: positions[name].to_numpy() for name in names}, unit)


def units_and_draws(unit: Unit, n_draws: int) -> dict[Unit, int]:
    """The protocol's unit with its draws, then finer ones, which are shown and never decide."""
    return {unit: n_draws, **{other: min(n_draws, SHOWN_DRAWS) for other in EXCHANGES[unit].finer}}


def shuffled_groups(
    evidence: Evidence,
    unit: Unit,
    n_draws: int,
    selection: Selection,
    rule: Group,
    rng: np.random.Generator,
    start_stage: StartStage,
) -> ShuffledGroups:
    """Select again for every shuffled labelling.

    Of the evaluation split only documents and target types are used: a type that occurs in both splits is
    relabelled in both. A group that is given stays: there is no selection that labels could mislead, and what
    is left of this null are the labels under which it is measured.

    Args:
        evidence: Both splits.
        unit: What keeps its label together.
        n_draws: How many labellings.
        selection: The observed groups, and the halves of the documents.
        rule: The protocol's ``group:``.
        rng: Source of the labellings.
        start_stage: Told of the stage and its steps.
    """
    draws = relabellings((evidence.selection, evidence.evaluation), unit, n_draws, rng)
    n_selection = selection.half.size
    first: list[NDArray[np.int64]] = []
    second: list[NDArray[np.int64]] = []
    if not rule.is_selected:
        first = second = [selection.group] * n_draws
    else:
        columns, units = np.unique(draws.units[:n_selection], return_inverse=True)
        ranking = basis(evidence.selection, units, rule.by, selection.half)
        step = start_stage(f"groups under shuffled labels ({unit})", -(-n_draws // LABELLINGS_AT_ONCE))
        labels = draws.labels[:, columns]
        for arms in arms_under(labels, ~labels, ranking):
            for groups, influences in zip((first, second), arms, strict=True):
                groups.extend(map(np.sort, groups_of(influences, rule)))
            step()
    return ShuffledGroups(
        unit=unit,
        names=evidence.selection.conditions,
        first=first,
        second=second,
        labels=draws.labels,
        evaluation_units=draws.units[n_selection:].astype(np.int64),
        log10_relabellings=draws.log10_distinct,
        n_informative=draws.n_informative,
    )
