"""Which neurons are tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.streams import Streams
from hypotest.errors import EvidenceError
from hypotest.estimators.regimes import RegimeFits, fit_regimes, rank_curve, rank_grid
from hypotest.groups.nulls import Influences, influences_under, labelled_sums
from hypotest.groups.select import (
    declared_size,
    explain_given,
    explain_size,
    given_columns,
    group_sizes,
    most_influential,
)
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence, missing
from hypotest.records.protocol.group import INFLUENCE, Group
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.group_result import GroupResult
from hypotest.testing.ranking import ranking


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The tested group, and its counterpart on the second condition."""

    group: NDArray[np.int64]
    """Columns of the evidence, ascending: the same neurons always give the same bits."""
    second: NDArray[np.int64]
    """What the same rule selects on the second condition; a group that is given has no other."""
    half: NDArray[np.bool_]
    """Which half of the selection documents each position belongs to, shape (n_positions,)."""
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


@dataclass(frozen=True, slots=True, eq=False)
class ObservedSelection:
    """What the rule finds with the labels as they are; nothing but the selection split is involved."""

    group: NDArray[np.int64]
    """The first of the ranking first."""
    second: NDArray[np.int64]
    """What the same rule selects on the second condition; a group that is given has no other."""
    rule: str
    """``plateau``, ``top_fraction``, ``top``, ``ids`` or ``all``."""
    reason: str
    half: NDArray[np.bool_]
    """Which half of the documents each position belongs to, shape (n_positions,)."""
    arms: tuple[Influences, Influences]
    """Influences on the first condition and on the second, whatever neurons are ranked by."""
    ranking: FloatArray
    """What neurons are ranked by, for the first condition, shape (n_neurons,)."""


def select_observed(
    split: SplitEvidence, rule: Group, streams: Streams, numbers: IntArray | None = None
) -> ObservedSelection:
    """Find the group on the selection split, as a run does.

    Args:
        split: The selection split.
        rule: The protocol's ``group:``.
        streams: Random numbers.
        numbers: Number in the layer of each neuron, ascending; None: the whole layer is there.

    Raises:
        EvidenceError: If a half of the documents holds no position of a condition, where neurons are
            selected; if the layer has fewer neurons than are asked for, or none of those that are named.
    """
    half = document_halves(split, streams("selection halves"))
    arms = (_influences(split, split.first, half), _influences(split, split.second, half))
    n_neurons = split.activations.shape[1]
    by_rank = arms[0].whole[0] if rule.by == INFLUENCE else ranking(split, split.first, split.second, rule.by)
    if rule.is_selected and rule.by == INFLUENCE and Channel.INFLUENCE not in split.channels:
        raise missing(Channel.INFLUENCE, tuple(split.channels))
    if not rule.is_selected:
        known = np.arange(n_neurons) if numbers is None else np.asarray(numbers)
        columns = given_columns(rule, known)
        columns = columns[np.argsort(-by_rank[columns], kind="stable")]
        return ObservedSelection(columns, columns, *explain_given(rule, known), half, arms, by_rank)
    plateau, end = False, 0
    if Channel.INFLUENCE in split.channels:
        _require_halves(arms, f"{np.unique(split.documents).size} documents")
        fits, _ = fit_curves(arms[0])
        plateau, end = bool(fits.plateau[0]), int(fits.plateau_size[0])
    name, reason = explain_size(plateau, end, n_neurons, rule)
    if rule.by == INFLUENCE:
        group, second = groups_of(arms[0], rule)[0], groups_of(arms[1], rule)[0]
    else:
        both = np.stack([by_rank, -by_rank])  # the other arm has both conditions change places
        group, second = most_influential(both, np.full(2, declared_size(rule, n_neurons)))
    return ObservedSelection(group, second, name, reason, half, arms, by_rank)


def select_group(
    split: SplitEvidence, rule: Group, streams: Streams, numbers: IntArray | None = None
) -> NDArray[np.int64]:
    """The group of `select_observed` alone, from what it is ranked by.

    Returns:
        Columns of the evidence, ascending.

    Raises:
        EvidenceError: As `select_observed` does.
    """
    n_neurons = split.activations.shape[1]
    if not rule.is_selected:
        return np.sort(given_columns(rule, np.arange(n_neurons) if numbers is None else numbers))
    if rule.by != INFLUENCE:
        ranked = ranking(split, split.first, split.second, rule.by)
        return np.sort(most_influential(ranked[None, :], np.full(1, declared_size(rule, n_neurons)))[0])
    own = _influences(split, split.first, document_halves(split, streams("selection halves")))
    _require_halves((own,), f"{np.unique(split.documents).size} documents")
    return np.sort(groups_of(own, rule)[0])


def _influences(split: SplitEvidence, rows: NDArray[np.bool_], half: NDArray[np.bool_]) -> Influences:
    """With the labels as they are; NaN where nothing was ablated."""
    if not rows.any() or Channel.INFLUENCE not in split.channels:
        nothing = np.full((1, 2, split.activations.shape[1]), np.nan, dtype=np.float32)
        return Influences(halves=nothing, whole=nothing[:, 0])
    unit = np.zeros(np.count_nonzero(rows), dtype=np.int64)
    return influences_under(np.array([[True]]), labelled_sums(split.delta_loss[rows], unit, half[rows]))


def select(protocol: Protocol, evidence: Evidence, streams: Streams) -> Selection:
    """Select the group on the selection split, or take the one that is given.

    Args:
        protocol: Its ``group:``.
        evidence: Its selection split; the other one is not looked at.
        streams: Random numbers.
    """
    observed = select_observed(evidence.selection, protocol.group, streams, evidence.numbers)
    given = not protocol.group.is_selected
    return Selection(
        group=np.sort(observed.group),
        second=np.sort(observed.second),
        half=observed.half,
        result=GroupResult(
            neurons=tuple(evidence.layer_numbers(observed.group).tolist()),
            n_neurons=evidence.layer_size,
            rule=observed.rule,
            reason=observed.reason,
            control_neurons=() if given else tuple(evidence.layer_numbers(observed.second).tolist()),
            n_dead=evidence.n_left_out,
            called=() if evidence.partition is None else evidence.partition.called(observed.group),
        ),
    )


def _require_halves(arms: Sequence[Influences], documents: str) -> None:
    """Neurons are ranked on one half of the documents and read on the other, whatever the labels are."""
    if not all(np.isfinite(arm.halves).all() for arm in arms):
        raise EvidenceError(
            f"the selection split's {documents} are too few: neurons are ranked on one half of them and read "
            "on the other, and one half holds no position of a condition, as it is labelled or under a "
            "shuffled labelling; ask for more sample.positions"
        )


def groups_of(influences: Influences, rule: Group) -> list[NDArray[np.int64]]:
    """What a rule selects by each of some rankings, the first of the ranking first.

    Args:
        influences: What neurons are ranked by, ``whole``; on halves where a plateau is looked for.
        rule: The protocol's ``group:``, under which neurons are selected.
    """
    if rule.size_varies:
        _require_halves((influences,), "documents")
        fits, _ = fit_curves(influences)
        plateau, ends = fits.plateau, fits.plateau_size
    else:  # a declared size needs no curve
        plateau = np.zeros(len(influences.whole), dtype=bool)
        ends = np.zeros(len(influences.whole), dtype=np.int64)
    sizes = group_sizes(plateau, ends, influences.whole.shape[1], rule)
    return most_influential(influences.whole, sizes)
