"""Which neurons are tested, and which the same rule would have found under shuffled labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.estimators.regimes import RegimeFits, fit_regimes, rank_curve, rank_grid
from hypotest.groups.nulls import Influences, LabelledSums, influences_under, labelled_sums
from hypotest.groups.select import explain_size, group_sizes, most_influential
from hypotest.inference.relabelling import Relabellings, relabel
from hypotest.records.evidence import Evidence, SplitEvidence
from hypotest.records.nulls import LabelShuffled, PermutationUnit
from hypotest.records.progress import StartStage, silent
from hypotest.records.protocol import Group, Protocol
from hypotest.records.results import GroupResult
from hypotest.testing.randomness import Streams

SHOWN_DRAWS = 199
"""Draws in the units that the protocol did not ask for, which are shown beside its own and never decide."""
_LABELLINGS_AT_ONCE = 256  # bounds memory: 256 x 3 x 8,192 neurons x 4 bytes is 25 MB


@dataclass(frozen=True, slots=True, eq=False)
class ShuffledGroups:
    """What the selection finds when labels are shuffled."""

    unit: PermutationUnit
    rare: list[NDArray[np.int64]]
    """Per draw, the group selected on what is labelled rare (or what the rule's ``condition`` says)."""
    common: list[NDArray[np.int64]]
    labels: NDArray[np.bool_]
    """Per draw, which units are labelled rare in both splits, shape (n_draws, n_units)."""
    evaluation_units: NDArray[np.int64]
    """Unit of each position of the evaluation split, shape (n_positions,)."""
    log10_relabellings: float
    n_informative: int
    """Strata of types, or documents, in which both labels occur."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The tested group, its common counterpart, and their shuffled versions."""

    group: NDArray[np.int64]
    """Columns of the evidence, ascending: the same neurons always give the same bits."""
    common: NDArray[np.int64]
    """What the same rule selects on common targets."""
    shuffled: tuple[ShuffledGroups, ...]
    """The protocol's unit first."""
    result: GroupResult


def document_halves(split: SplitEvidence, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Put each document at random into one of two halves; shape (n_positions,)."""
    documents, owner = np.unique(split.documents, return_inverse=True)
    half = np.zeros(documents.size, dtype=bool)
    half[rng.permutation(documents.size)[: documents.size // 2]] = True
    return half[owner]


def fit_curves(influences: Influences) -> tuple[RegimeFits, NDArray[np.float64]]:
    """Fit regimes to rank-influence curves ranked on one half of the documents and read on the other.

    Both directions are averaged in log influence. A labelling under which a half of the documents holds no
    position of the condition has no curve: NaN, and no plateau.

    Returns:
        The fits and the curves, log influence, shape (n_labellings, n_points).
    """
    known: NDArray[np.bool_] = np.asarray(np.isfinite(influences.halves).all(axis=(1, 2)))
    halves = np.where(known[:, None, None], influences.halves, 1.0)
    grid = rank_grid(halves.shape[-1])
    curves = [np.log(rank_curve(halves[:, ranking], halves[:, 1 - ranking], grid)) for ranking in (0, 1)]
    curve = np.where(known[:, None], (curves[0] + curves[1]) / 2, np.nan)
    return fit_regimes(np.log(grid), curve), curve


def relabellings(
    splits: Sequence[SplitEvidence], unit: PermutationUnit, n_draws: int, rng: np.random.Generator
) -> Relabellings:
    """Shuffled labels of the splits' positions, one split behind the other, in the given unit.

    A type keeps one label in both splits.
    """
    return relabel(
        np.concatenate([split.mask("rare") for split in splits]),
        np.concatenate([split.documents for split in splits]),
        np.concatenate([split.positions["target"].to_numpy() for split in splits]),
        unit,
        n_draws,
        rng,
    )


def units_and_draws(null: LabelShuffled) -> list[tuple[PermutationUnit, int]]:
    """The protocol's unit with its draws, then the others, which are shown and never decide."""
    others: list[PermutationUnit] = [unit for unit in get_args(PermutationUnit) if unit != null.unit]
    return [(null.unit, null.draws), *((unit, min(null.draws, SHOWN_DRAWS)) for unit in others)]


def in_chunks(labels: NDArray[np.bool_], sums: LabelledSums) -> Iterator[tuple[Influences, Influences]]:
    """Influences on what is labelled rare and on the rest, some labellings at a time."""
    for start in range(0, len(labels), _LABELLINGS_AT_ONCE):
        part = labels[start : start + _LABELLINGS_AT_ONCE]
        yield influences_under(part, sums), influences_under(~part, sums)


@dataclass(frozen=True, slots=True, eq=False)
class ObservedSelection:
    """What the rule finds with the labels as they are; nothing but the selection split is involved."""

    group: NDArray[np.int64]
    """Most influential first."""
    common: NDArray[np.int64]
    """What the same rule selects on the other condition."""
    rule: str
    """``plateau`` or ``top_fraction``."""
    reason: str
    half: NDArray[np.bool_]
    """Which half of the documents each position belongs to, shape (n_positions,)."""
    arms: tuple[Influences, Influences]
    """Influences on the rule's condition and on the other."""


def select_observed(split: SplitEvidence, rule: Group, streams: Streams) -> ObservedSelection:
    """Select the group on the selection split, as a run does.

    Args:
        split: The selection split.
        rule: The protocol's ``group:``.
        streams: Random numbers.

    Raises:
        EvidenceError: If a half of the documents holds no position of a condition.
    """
    half = document_halves(split, streams("selection halves"))
    other = "common" if rule.condition == "rare" else "rare"
    arms = (_influences(split, rule.condition, half), _influences(split, other, half))
    _require_halves(arms, f"{np.unique(split.documents).size} documents")
    fits, _ = fit_curves(arms[0])
    name, reason = explain_size(
        bool(fits.plateau[0]), int(fits.plateau_size[0]), split.delta_loss.shape[1], rule
    )
    return ObservedSelection(_groups(arms[0], rule)[0], _groups(arms[1], rule)[0], name, reason, half, arms)


def select_group(split: SplitEvidence, rule: Group, streams: Streams) -> NDArray[np.int64]:
    """The group of `select_observed` alone, from changes of loss on targets of the rule's condition.

    Returns:
        Columns of the evidence, ascending.

    Raises:
        EvidenceError: If a half of the documents holds no position of the condition.
    """
    own = _influences(split, rule.condition, document_halves(split, streams("selection halves")))
    _require_halves((own,), f"{np.unique(split.documents).size} documents")
    return np.sort(_groups(own, rule)[0])


def _influences(split: SplitEvidence, condition: str, half: NDArray[np.bool_]) -> Influences:
    """With the labels as they are."""
    rows = split.mask(condition)
    if not rows.any():
        nothing = np.full((1, 2, split.delta_loss.shape[1]), np.nan, dtype=np.float32)
        return Influences(halves=nothing, whole=nothing[:, 0])
    unit = np.zeros(np.count_nonzero(rows), dtype=np.int64)
    return influences_under(np.array([[True]]), labelled_sums(split.delta_loss[rows], unit, half[rows]))


def select(
    protocol: Protocol, evidence: Evidence, streams: Streams, start_stage: StartStage = silent
) -> Selection:
    """Select the group on the selection split, then again for every shuffled labelling.

    Of the evaluation split only documents and target types are used, for shuffling: a type that occurs in
    both splits is relabelled in both.

    Args:
        protocol: Its ``group:`` and ``nulls:``.
        evidence: Both splits.
        streams: Random numbers.
        start_stage: Told of the stages and their steps, for progress.
    """
    rule = protocol.group
    observed = select_observed(evidence.selection, rule, streams)
    shuffled: list[ShuffledGroups] = []
    null = protocol.nulls.label_shuffled
    if null is not None:
        for unit, draws in units_and_draws(null):
            shuffled.append(
                _shuffled_groups(
                    evidence, unit, draws, observed.half, rule, streams("label_shuffled", unit), start_stage
                )
            )
    return Selection(
        group=np.sort(observed.group),
        common=np.sort(observed.common),
        shuffled=tuple(shuffled),
        result=GroupResult(
            neurons=tuple(evidence.layer_numbers(observed.group).tolist()),
            n_neurons=evidence.layer_size,
            rule=observed.rule,
            reason=observed.reason,
            control_neurons=tuple(evidence.layer_numbers(observed.common).tolist()),
            n_dead=evidence.n_left_out,
        ),
    )


def _shuffled_groups(
    evidence: Evidence,
    unit: PermutationUnit,
    n_draws: int,
    half: NDArray[np.bool_],
    rule: Group,
    rng: np.random.Generator,
    start_stage: StartStage,
) -> ShuffledGroups:
    draws = relabellings((evidence.selection, evidence.evaluation), unit, n_draws, rng)
    n_selection = half.size
    columns, units = np.unique(draws.units[:n_selection], return_inverse=True)
    sums = labelled_sums(evidence.selection.delta_loss, units, half)
    rare: list[NDArray[np.int64]] = []
    common: list[NDArray[np.int64]] = []
    step = start_stage(f"groups under shuffled labels ({unit})", -(-n_draws // _LABELLINGS_AT_ONCE))
    for on_rare, on_common in _arms(draws.labels[:, columns], sums, rule):
        rare.extend(map(np.sort, _groups(on_rare, rule)))
        common.extend(map(np.sort, _groups(on_common, rule)))
        step()
    return ShuffledGroups(
        unit=unit,
        rare=rare,
        common=common,
        labels=draws.labels,
        evaluation_units=draws.units[n_selection:].astype(np.int64),
        log10_relabellings=draws.log10_distinct,
        n_informative=draws.n_informative,
    )


def _arms(
    labels: NDArray[np.bool_], sums: LabelledSums, rule: Group
) -> Iterator[tuple[Influences, Influences]]:
    """The rule's own condition first."""
    for on_rare, on_common in in_chunks(labels, sums):
        yield (on_rare, on_common) if rule.condition == "rare" else (on_common, on_rare)


def _require_halves(arms: Sequence[Influences], documents: str) -> None:
    """Neurons are ranked on one half of the documents and read on the other, whatever the labels are."""
    if not all(np.isfinite(arm.halves).all() for arm in arms):
        raise EvidenceError(
            f"the selection split's {documents} are too few: neurons are ranked on one half of them and read "
            "on the other, and one half holds no position of a condition, as it is labelled or under a "
            "shuffled labelling; ask for more conditions.positions"
        )


def _groups(influences: Influences, rule: Group) -> list[NDArray[np.int64]]:
    if rule.select == "plateau":
        _require_halves((influences,), "documents")
        fits, _ = fit_curves(influences)
        plateau, ends = fits.plateau, fits.plateau_size
    else:  # a declared size needs no curve
        plateau = np.zeros(len(influences.whole), dtype=bool)
        ends = np.zeros(len(influences.whole), dtype=np.int64)
    sizes = group_sizes(plateau, ends, influences.whole.shape[1], rule)
    return most_influential(influences.whole, sizes)
