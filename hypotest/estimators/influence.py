"""Influence of neurons on the loss, and their order: what regimes and selectivity are made of.

Influence is the mean |change of the target's cross-entropy| under mean ablation, in nats.

References:
    arXiv:2509.21163, eq. 2, 3, 11.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.submatrices import checked_groups
from hypotest.records.evidence.arrays import FloatArray, IntArray


def influence(delta_loss: FloatArray, rows: IntArray | NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean |delta_loss| of each neuron over some positions.

    Args:
        delta_loss: Nats, shape (n_positions, n_neurons).
        rows: Which positions: a mask (n_positions,) or indices, repeated ones counting repeatedly.

    Returns:
        Nats, shape (n_neurons,); NaN without positions.

    Raises:
        ValueError: If the array is not two-dimensional.

    Examples:
        >>> influence(np.array([[1.0, -2.0], [-3.0, 0.0], [9.0, 9.0]]), np.array([0, 1])).tolist()
        [2.0, 1.0]
    """
    values = np.asarray(delta_loss)
    if values.ndim != 2:
        raise ValueError(f"delta_loss must have shape (n_positions, n_neurons), got {values.shape}")
    chosen = values[rows]
    if chosen.shape[0] == 0:
        return np.full(values.shape[1], np.nan)
    return np.asarray(np.abs(chosen).mean(axis=0, dtype=np.float64))


def selectivity(
    influence_first: FloatArray, influence_second: FloatArray, groups: IntArray
) -> NDArray[np.float64]:
    """Mean over a group of (first - second) / (first + second).

    Args:
        influence_first: Nats, shape (n_neurons,).
        influence_second: Nats, shape (n_neurons,).
        groups: Neuron indices, shape (n_groups, k).

    Returns:
        Between -1 and 1, shape (n_groups,). A neuron without any influence prefers neither and
        counts as 0.

    Raises:
        ValueError: If shapes do not fit, or an influence is negative or not finite.

    Examples:
        >>> selectivity(np.array([3.0, 1.0]), np.array([1.0, 1.0]), np.array([[0, 1]])).tolist()
        [0.25]
    """
    each = preference(influence_first, influence_second)
    if each.ndim != 1:
        raise ValueError(f"influences must have one shape, (n_neurons,), got {each.shape}")
    return np.asarray(each[checked_groups(groups, each.size)].mean(axis=1))


def preference(influence_first: FloatArray, influence_second: FloatArray) -> NDArray[np.float64]:
    """(first - second) / (first + second) of every neuron; 0 without any influence.

    Args:
        influence_first: Nats, any shape.
        influence_second: Nats, the same shape.

    Returns:
        Between -1 and 1, the same shape.

    Raises:
        ValueError: If shapes differ, or an influence is negative or not finite.
    """
    first = _influences(influence_first)
    second = _influences(influence_second)
    if first.shape != second.shape:
        raise ValueError(f"influences must have one shape, got {first.shape} and {second.shape}")
    total = first + second
    return np.divide(first - second, total, out=np.zeros_like(total), where=total > 0)


@cache
def rank_grid(n_neurons: int, n_points: int = 60) -> NDArray[np.int64]:
    """Ranks from 1 to `n_neurons`, even in log rank and distinct.

    Args:
        n_neurons: Neurons in the layer.
        n_points: How many ranks. Whole numbers cannot be even in log rank at the lower end, where
            every rank occurs instead.

    Returns:
        Ascending, shape (n_points,), or all ranks of a layer with fewer neurons.

    Raises:
        ValueError: If a number is below 2.

    Examples:
        >>> rank_grid(100, 10).tolist()
        [1, 2, 3, 5, 8, 13, 22, 36, 60, 100]
    """
    if n_neurons < 2 or n_points < 2:
        raise ValueError(f"needs two neurons and two points, got {n_neurons} and {n_points}")
    wanted = min(n_points, n_neurons)
    grid = np.arange(1, n_neurons + 1)
    for fineness in range(wanted, 50 * wanted):
        even = np.unique(np.rint(np.geomspace(1, n_neurons, fineness)).astype(np.int64))
        if even.size >= wanted:
            grid = even
            break
    if grid.size > wanted:
        # Rounding can skip the wanted number; thin the dense upper end evenly.
        grid = grid[np.rint(np.linspace(0, grid.size - 1, wanted)).astype(np.int64)]
    grid = grid.astype(np.int64)
    grid.flags.writeable = False  # kept: every curve of a layer has the same grid
    return grid


def rank_curve(
    ranking_influence: FloatArray, read_influence: FloatArray, grid: IntArray
) -> NDArray[np.float64]:
    """Influence against rank, ranked on one half of the documents and read from the other.

    Sorting and reading the same noisy numbers bends the head of the curve upwards. Each point is
    the arithmetic mean over all ranks that are nearer to it than to its neighbours in log rank (the
    cuts lie at geometric means): at low ranks single neurons, at high ranks many. The arithmetic
    mean is defined when a neuron has no influence at all, and reading noise leaves it unbiased,
    where a mean of logarithms would be neither. A point that is zero all the same becomes the
    smallest positive value of its curve, so that its logarithm exists.

    Args:
        ranking_influence: Sets the ranks, largest first, shape (..., n_neurons).
        read_influence: Is read, same shape.
        grid: From `rank_grid`, shape (n_points,).

    Returns:
        Nats, positive, shape (..., n_points); NaN for a curve that is zero throughout.

    Raises:
        ValueError: If shapes do not fit, an influence is negative or not finite, or the grid does not ascend
            within 1 to n_neurons.
    """
    ranking = _influences(ranking_influence)
    read = _influences(read_influence)
    points = np.asarray(grid, dtype=np.int64)
    if ranking.shape != read.shape or ranking.ndim < 1:
        raise ValueError(f"influences must have one shape, got {ranking.shape} and {read.shape}")
    n_neurons = ranking.shape[-1]
    if points.ndim != 1 or points[0] < 1 or points[-1] > n_neurons or np.any(np.diff(points) < 1):
        raise ValueError(f"grid must ascend within 1 to {n_neurons}")
    order = _descending(ranking)
    ordered = np.take_along_axis(read, order, axis=-1)
    cuts = np.floor(np.sqrt(points[:-1] * points[1:])).astype(np.int64)
    starts = np.concatenate(([0], cuts))
    sizes = np.diff(np.concatenate((starts, [n_neurons])))
    curve = np.add.reduceat(ordered, starts, axis=-1) / sizes
    smallest = np.min(np.where(curve > 0, curve, np.inf), axis=-1, keepdims=True)
    smallest = np.where(np.isfinite(smallest), smallest, np.nan)
    return np.asarray(np.where(curve > 0, curve, smallest))


def _descending(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices from the largest to the smallest, ties in their order; stable sorts are slow, ties rare."""
    order = np.argsort(-values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    tied = np.any(ordered[..., 1:] == ordered[..., :-1], axis=-1)
    if np.any(tied):
        order[tied] = np.argsort(-values[tied], axis=-1, kind="stable")
    return np.asarray(order)


def _influences(values: FloatArray) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(array)) or np.any(array < 0):
        raise ValueError("influences must be finite and not negative")
    return array
