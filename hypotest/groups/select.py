"""Which neurons are tested: those that lead a ranking, those that are named, or the whole layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.protocol.group import Group, neuron_number

_NAMED = 10
"""Neurons that a sentence names; the rest are counted."""


def group_sizes(
    plateau: NDArray[np.bool_], plateau_size: IntArray, n_neurons: int, rule: Group
) -> NDArray[np.int64]:
    """How many neurons the rule takes from each of a batch of rankings.

    Args:
        plateau: Whether the fit found a plateau left of the power law, shape (n_curves,).
        plateau_size: Rank of its end, shape (n_curves,).
        n_neurons: Neurons in the layer.
        rule: The protocol's ``group:``; without a plateau, ``otherwise`` applies.

    Returns:
        Sizes, shape (n_curves,).

    Raises:
        EvidenceError: If the layer has fewer neurons than are declared.
    """
    declared = declared_size(rule, n_neurons)
    if not rule.size_varies:
        return np.full(plateau.shape, declared, dtype=np.int64)
    return np.where(plateau, plateau_size, declared).astype(np.int64)


def declared_size(rule: Group, n_neurons: int) -> int:
    """Neurons that the rule takes where its size is declared: without a plateau, if it looks for one.

    Raises:
        EvidenceError: If the layer has fewer.
    """
    if rule.is_whole:
        return n_neurons
    if rule.ids:
        return len(rule.ids)
    assert rule.declared is not None  # validation requires it with `select: plateau`
    size = rule.declared.size(n_neurons)
    if size > n_neurons:
        raise EvidenceError(
            f"group: {rule.declared.words} are asked for, and {n_neurons:,} of the layer vary where they are "
            "selected: ask for fewer"
        )
    return size


def most_influential(influence: FloatArray, sizes: IntArray) -> list[NDArray[np.int64]]:
    """The neurons that lead a ranking, as many as each size says, the first one first.

    Args:
        influence: What they are ranked by, shape (n_curves, n_neurons).
        sizes: Shape (n_curves,).
    """
    largest = int(sizes.max())
    top = np.argpartition(-influence, largest - 1, axis=1)[:, :largest]
    order = np.argsort(-np.take_along_axis(influence, top, axis=1), axis=1, kind="stable")
    ranked = np.take_along_axis(top, order, axis=1)
    return [row[:size].astype(np.int64) for row, size in zip(ranked, sizes, strict=True)]


def given_columns(rule: Group, numbers: IntArray) -> NDArray[np.int64]:
    """Columns of the evidence that hold the neurons of a group that is given.

    A neuron that is listed and never varies on the selection split is left out, as it is everywhere.

    Args:
        rule: Whose group is not selected.
        numbers: Number in the layer of each column, ascending, shape (n_neurons,).

    Returns:
        Columns in the order of the list, shape (k,).

    Raises:
        EvidenceError: If none is left.
    """
    if rule.is_whole:
        return np.arange(len(numbers), dtype=np.int64)
    wanted = np.array([neuron_number(item) for item in rule.ids], dtype=np.int64)
    places = np.searchsorted(numbers, wanted)
    there = np.asarray(numbers)[np.minimum(places, len(numbers) - 1)] == wanted
    if not there.any():
        raise EvidenceError(
            f"group.select.ids: none of the {len(wanted):,} neurons varies on the selection split, so that "
            "there is nothing to test; are they of this layer?"
        )
    return np.asarray(places[there], dtype=np.int64)


def explain_size(plateau: bool, plateau_size: int, n_neurons: int, rule: Group) -> tuple[str, str]:
    """Name of the rule that applied to a selection, and why, in words for the report."""
    declared = rule.declared
    assert declared is not None  # validation requires it with `select: plateau`
    if not rule.size_varies:
        return declared.key, f"declared: {_of_layer(rule, n_neurons)}"
    if plateau:
        return (
            "plateau",
            f"the rank-influence curve is flat up to rank {plateau_size} and falls steeply behind",
        )
    return declared.key, (
        "the rank-influence curve has no plateau that ends in a cliff; the declared fallback applies: "
        f"{_share(rule)}"
    )


def explain_given(rule: Group, numbers: IntArray) -> tuple[str, str]:
    """The same of a group that is given: nothing was selected.

    Args:
        rule: Whose group is not selected.
        numbers: Number in the layer of each neuron that could have been selected, ascending.
    """
    if rule.is_whole:
        return "all", f"all {len(numbers):,} neurons of the layer, without any selection"
    wanted = [neuron_number(item) for item in rule.ids]
    missing = sorted(set(wanted) - set(np.asarray(numbers).tolist()))
    reason = "named in the protocol, without any selection"
    if missing:
        more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
        named = ", ".join(map(str, missing[:_NAMED]))
        reason += (
            f"; {len(missing):,} of the {len(wanted):,} never vary on the selection split and are left out "
            f"({named}{more})"
        )
    return "ids", reason


def _of_layer(rule: Group, n_neurons: int) -> str:
    text = _share(rule)
    return f"{text} of {n_neurons}" + ("" if text.endswith(("neuron", "neurons")) else " neurons")


def _share(rule: Group) -> str:
    declared = rule.declared
    assert declared is not None
    return f"the top {declared.value:.1%}" if declared.key == "top_fraction" else declared.words
