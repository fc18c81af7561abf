"""Head impact: how much attention heads change what a group of neurons does (eq. 8).

||a_base - a_ablated|| / ||a_base|| over the group. The squared changes are summed per neuron when
they are collected, so they add up over any group.

References:
    arXiv:2509.21163, eq. 8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.submatrices import checked_groups
from hypotest.records.evidence.arrays import FloatArray, IntArray


def head_impact(single: FloatArray, base: FloatArray, groups: IntArray) -> NDArray[np.float64]:
    """Relative change of each group's activations with each head ablated.

    sqrt(sum over the group of squared changes / sum over the group of squared activations).

    Args:
        single: Summed squared change with one head ablated, shape (n_heads, n_neurons).
        base: Summed squared activations at the same positions, shape (n_neurons,).
        groups: Neuron indices, shape (n_groups, k).

    Returns:
        Shape (n_groups, n_heads), 0 for a head without effect; NaN for a silent group.

    Raises:
        ValueError: If shapes do not fit, or a sum is negative or not finite.

    Examples:
        >>> head_impact(np.array([[1.0, 3.0]]), np.array([4.0, 12.0]), np.array([[0, 1]])).tolist()
        [[0.5]]
    """
    changes = _sums(single, 2, "single")
    activity = _sums(base, 1, "base")
    if changes.shape[1] != activity.size:
        raise ValueError(f"single has {changes.shape[1]} neurons, base has {activity.size}")
    total = _group_sums(activity[None], groups)
    impact = np.full((total.shape[0], changes.shape[0]), np.nan)
    np.divide(_group_sums(changes, groups), total, out=impact, where=total > 0)
    return np.asarray(np.sqrt(impact))


def top_head(single_selection: FloatArray, groups: IntArray) -> NDArray[np.int64]:
    """The head that changes each group most; the first of equals.

    Args:
        single_selection: Summed squared change on the selection split, shape (n_heads, n_neurons).
        groups: Neuron indices, shape (n_groups, k).

    Returns:
        Head indices, shape (n_groups,).

    Raises:
        ValueError: If shapes do not fit, or a sum is negative or not finite.
    """
    changes = _group_sums(_sums(single_selection, 2, "single_selection"), groups)
    return np.asarray(np.argmax(changes, axis=1), dtype=np.int64)


def top_head_impact(
    single_selection: FloatArray,
    single_evaluation: FloatArray,
    base_evaluation: FloatArray,
    groups: IntArray,
) -> NDArray[np.float64]:
    """Impact on each group of the head that matters most to it.

    The head is chosen on the selection split and its impact measured on the evaluation split, so
    that the maximum over heads is not read from the noise that made it the maximum.

    Args:
        single_selection: Summed squared change, shape (n_heads, n_neurons).
        single_evaluation: The same on the evaluation split; of heads that are no group's top head, not read.
        base_evaluation: Summed squared activations on the evaluation split, shape (n_neurons,).
        groups: Neuron indices, shape (n_groups, k).

    Returns:
        Shape (n_groups,); NaN for a silent group.

    Raises:
        ValueError: If shapes do not fit, or a sum is negative or not finite.
    """
    if np.shape(single_selection) != np.shape(single_evaluation):
        raise ValueError(
            "both splits must have the same heads and neurons, got shapes "
            f"{np.shape(single_selection)} and {np.shape(single_evaluation)}"
        )
    chosen = top_head(single_selection, groups)
    heads, place = np.unique(chosen, return_inverse=True)
    impact = head_impact(np.asarray(single_evaluation)[heads], base_evaluation, groups)
    return np.asarray(np.take_along_axis(impact, place[:, None], axis=1)[:, 0])


def top_head_share(
    single: FloatArray,
    layer: FloatArray,
    head_layer: IntArray,
    group: IntArray,
    head: int,
    weights: FloatArray | IntArray,
) -> NDArray[np.float64]:
    """Squared change of a group with one head ablated over that with its whole layer ablated.

    Equal heads of a layer of H that act independently have a share of about 1/H. Heads that cancel
    each other can push it above 1.

    Args:
        single: Squared change with one head ablated, shape (n_rows, n_heads, n_neurons); rows are positions.
        layer: The same with all heads of a layer, shape (n_rows, n_layers, n_neurons).
        head_layer: Row of `layer` to which each head belongs, shape (n_heads,).
        group: Neuron indices, shape (k,).
        head: Index of the head, chosen on other documents.
        weights: How often each row counts, shape (n_resamples, n_rows); a row of ones gives the estimate.

    Returns:
        Shape (n_resamples,); NaN where the layer has no effect.

    Raises:
        ValueError: If shapes do not fit, the head does not exist, or a sum or weight is negative or
            not finite.
    """
    part, whole = top_head_changes(single, layer, head_layer, group, head)
    counts = _sums(weights, 2, "weights")
    if counts.shape[1] != part.size:
        raise ValueError(f"weights need a column for each of {part.size} rows, got shape {counts.shape}")
    total = counts @ whole
    share = np.full(counts.shape[0], np.nan)
    np.divide(counts @ part, total, out=share, where=total > 0)
    return share


def top_head_changes(
    single: FloatArray, layer: FloatArray, head_layer: IntArray, group: IntArray, head: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What `top_head_share` divides, row by row: squared change with one head and with its layer ablated.

    Args:
        single: As in `top_head_share`, like the others.
        layer: The same.
        head_layer: The same.
        group: The same.
        head: The same.

    Returns:
        Both summed over the group, shape (n_rows,) each.

    Raises:
        ValueError: If shapes do not fit, the head does not exist, or a change is negative or not finite.
    """
    one, whole, rows = np.asarray(single), np.asarray(layer), np.asarray(head_layer)
    for name, array in (("single", one), ("layer", whole)):
        if array.ndim != 3:
            raise ValueError(f"{name} must have 3 dimensions, got shape {array.shape}")
    if not 0 <= head < one.shape[1]:
        raise ValueError(f"head must be from 0 to {one.shape[1] - 1}, got {head}")
    if rows.shape != one.shape[1:2] or not np.all((rows >= 0) & (rows < whole.shape[1])):
        raise ValueError(f"head_layer must give one of {whole.shape[1]} layers for each head")
    if one.shape[::2] != whole.shape[::2]:
        raise ValueError(
            f"single and layer must agree in rows and neurons, got shapes {one.shape}, {whole.shape}"
        )
    neurons = checked_groups(np.asarray(group)[None], one.shape[2])[0]
    part = _sums(one[:, head, neurons], 2, "single").sum(axis=1)
    return part, _sums(whole[:, rows[head], neurons], 2, "layer").sum(axis=1)


def _sums(array: FloatArray | IntArray, ndim: int, name: str) -> NDArray[np.float64]:
    values = np.asarray(array, dtype=np.float64)
    if values.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimensions, got shape {values.shape}")
    if not np.all(np.isfinite(values)) or np.any(values < 0):
        raise ValueError(f"{name} must be finite and not negative")
    return values


def _group_sums(values: NDArray[np.float64], groups: IntArray) -> NDArray[np.float64]:
    """Sums over each group, shape (n_groups, n_rows)."""
    checked = checked_groups(groups, values.shape[1])
    # Row by row: all rows at once would hold n_rows copies of the batch in memory.
    return np.stack([row[checked].sum(axis=1) for row in values], axis=1)
