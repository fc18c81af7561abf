"""Which neurons are tested: the head of the rank-influence curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.protocol.protocol import Group, TopFraction


def group_sizes(
    plateau: NDArray[np.bool_], plateau_size: IntArray, n_neurons: int, rule: Group
) -> NDArray[np.int64]:
    """How many neurons the rule takes from each of a batch of rank-influence curves.

    Args:
        plateau: Whether the fit found a plateau left of the power law, shape (n_curves,).
        plateau_size: Rank of its end, shape (n_curves,).
        n_neurons: Neurons in the layer.
        rule: The protocol's ``group:``; without a plateau, ``otherwise`` applies.

    Returns:
        Sizes, shape (n_curves,).
    """
    declared = declared_size(rule, n_neurons)
    if isinstance(rule.select, TopFraction):
        return np.full(plateau.shape, declared, dtype=np.int64)
    return np.where(plateau, plateau_size, declared).astype(np.int64)


def declared_size(rule: Group, n_neurons: int) -> int:
    """Neurons that the rule takes where its size is declared: without a plateau, if it looks for one."""
    declared = rule.select if isinstance(rule.select, TopFraction) else rule.otherwise
    assert declared is not None  # validation requires it with `select: plateau`
    return _share(declared, n_neurons)


def most_influential(influence: FloatArray, sizes: IntArray) -> list[NDArray[np.int64]]:
    """The neurons of greatest influence, as many as each size says, the most influential first.

    Args:
        influence: Shape (n_curves, n_neurons).
        sizes: Shape (n_curves,).
    """
    largest = int(sizes.max())
    top = np.argpartition(-influence, largest - 1, axis=1)[:, :largest]
    order = np.argsort(-np.take_along_axis(influence, top, axis=1), axis=1, kind="stable")
    ranked = np.take_along_axis(top, order, axis=1)
    return [row[:size].astype(np.int64) for row, size in zip(ranked, sizes, strict=True)]


def explain_size(plateau: bool, plateau_size: int, n_neurons: int, rule: Group) -> tuple[str, str]:
    """Name of the rule that applied to a curve, and why, in words for the report."""
    if isinstance(rule.select, TopFraction):
        return "top_fraction", f"declared: the top {rule.select.top_fraction:.1%} of {n_neurons} neurons"
    assert rule.otherwise is not None  # validation requires it with `select: plateau`
    if plateau:
        return (
            "plateau",
            f"the rank-influence curve is flat up to rank {plateau_size} and falls steeply behind",
        )
    share = rule.otherwise.top_fraction
    return "top_fraction", (
        "the rank-influence curve has no plateau that ends in a cliff; the declared fallback applies: "
        f"the top {share:.1%}"
    )


def _share(fraction: TopFraction, n_neurons: int) -> int:
    return max(1, round(fraction.top_fraction * n_neurons))
