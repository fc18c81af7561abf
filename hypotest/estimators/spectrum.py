"""Hill alpha: how heavy the tail of the spectrum of a group's weights is (eq. 9, 10).

The eigenvalues of W_G W_G^T / d, largest first, with the k largest as the tail:

    alpha = k / sum over i <= k of log(lambda_i / lambda_k)                       (eq. 10)

The last term of the sum is zero, so its mean over Pareto samples is alpha k / (k - 2); (k - 2) /
sum is unbiased. Smaller means heavier. The public code that goes with such spectra reports 1 +
k/sum, the exponent of the density: values on that scale are larger by one.

An estimate without a tail of distinct eigenvalues is NaN. A group of n neurons has at most n
eigenvalues; below 50 the estimate is very noisy (its relative SD is about 1/sqrt(n/2)).

References:
    arXiv:2509.21163, eq. 9, 10. Hill (1975), doi:10.1214/aos/1176343247.
    Fix-finger: Yang et al. (2023), doi:10.1145/3580305.3599518.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.products import products_of_pairs
from hypotest.estimators.submatrices import stacked_eigenvalues
from hypotest.records.evidence.arrays import FloatArray, IntArray

Tail = Literal["median", "fix_finger"]

HISTOGRAM_BINS = 100
"""As in the public code."""


def gram(weights: FloatArray) -> NDArray[np.float64]:
    """W W^T / d, whose submatrices are the correlation matrices of eq. 9.

    Args:
        weights: One row per neuron, shape (n_neurons, d).

    Returns:
        Shape (n_neurons, n_neurons), exactly symmetric.

    Raises:
        ValueError: If the array is not two-dimensional, is empty, or holds a value that is not
            finite.

    Examples:
        >>> gram(np.array([[1.0, 3.0], [0.0, 2.0]])).tolist()
        [[5.0, 3.0], [3.0, 2.0]]
    """
    rows = np.asarray(weights, dtype=np.float64)
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"weights must have shape (n_neurons, d), got {rows.shape}")
    if not np.all(np.isfinite(rows)):
        raise ValueError("weights must be finite")

    def finish(block: NDArray[np.float64], _rows: slice, _columns: slice) -> None:
        block /= rows.shape[1]

    return products_of_pairs(rows, finish)


def hill_alpha(gram: FloatArray, groups: IntArray, tail: Tail = "median") -> NDArray[np.float64]:
    """Hill's estimate as eq. 10 has it: k / sum of log(lambda_i / lambda_k).

    Args:
        gram: From `gram`, shape (n_neurons, n_neurons).
        groups: Neuron indices, shape (n_groups, group_size).
        tail: ``median``: the upper half of the eigenvalues that are not zero. ``fix_finger``: those
            from the peak of a 100-bin histogram of log10 lambda on (the lowest bin of several
            peaks); with fewer than some hundred eigenvalues that peak is nearly arbitrary.

    Returns:
        Positive, shape (n_groups,); NaN where the tail has fewer than two distinct eigenvalues.

    Raises:
        ValueError: If the matrix, the groups or `tail` are not what they should be.

    Examples:
        Eigenvalues 1, 1, 2, 4: the tail is 4, 2; alpha = 2 / log(4 / 2).

        >>> hill_alpha(np.diag([1.0, 4.0, 2.0, 1.0]), np.array([[0, 1, 2, 3]])).round(4).tolist()
        [2.8854]
    """
    size, total = _tail(gram, groups, tail)
    alpha = np.full(size.shape, np.nan)
    np.divide(size, total, out=alpha, where=total > 0)
    return alpha


def hill_alpha_unbiased(gram: FloatArray, groups: IntArray, tail: Tail = "median") -> NDArray[np.float64]:
    """(k - 2) / sum of log(lambda_i / lambda_k): alpha on average, for independent Pareto values.

    The sum holds k - 1 exponential spacings of rate alpha, so it is Gamma(k - 1, alpha), and the
    mean of its inverse is alpha / (k - 2).

    Args:
        gram: From `gram`, shape (n_neurons, n_neurons).
        groups: Neuron indices, shape (n_groups, group_size).
        tail: As in `hill_alpha`.

    Returns:
        Positive, shape (n_groups,); NaN where the tail has fewer than three eigenvalues or none
        that differ.

    Raises:
        ValueError: If the matrix, the groups or `tail` are not what they should be.
    """
    size, total = _tail(gram, groups, tail)
    alpha = np.full(size.shape, np.nan)
    np.divide(size - 2, total, out=alpha, where=(total > 0) & (size > 2))
    return alpha


def _tail(gram: FloatArray, groups: IntArray, tail: Tail) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Tail size k of each group, and its sum of log(lambda_i / lambda_k)."""
    if tail not in ("median", "fix_finger"):
        raise ValueError(f"tail must be 'median' or 'fix_finger', got {tail!r}")
    eigenvalues = stacked_eigenvalues(gram, groups, "gram")
    size = eigenvalues.shape[1]
    # A group with more neurons than weights per neuron has eigenvalues that are zero but for
    # rounding; the threshold is that of numpy's matrix_rank.
    floor = eigenvalues[:, :1] * (size * np.finfo(np.float64).eps)
    positive = eigenvalues > floor
    logs = np.log(np.where(positive, eigenvalues, 1.0))
    number = np.count_nonzero(positive, axis=1)
    if tail == "median":
        k = number - number // 2
    else:
        peaks = [_peak(row[:n]) for row, n in zip(logs, number, strict=True)]
        k = np.count_nonzero(positive & (logs >= np.array(peaks)[:, None]), axis=1)
    last = np.maximum(k - 1, 0)[:, None]
    upper = np.take_along_axis(np.cumsum(logs, axis=1), last, axis=1)[:, 0]
    total = upper - k * np.take_along_axis(logs, last, axis=1)[:, 0]
    # Equal eigenvalues leave rounding errors in the difference.
    distinct = total > 1e-10 * np.maximum(k, 1)
    return k.astype(np.int64), np.where(distinct & (k > 1), total, 0.0)


def _peak(logs: NDArray[np.float64]) -> float:
    """Lower edge of the fullest bin."""
    if logs.size < 2 or not logs[0] > logs[-1]:
        return -np.inf
    counts, edges = np.histogram(logs, HISTOGRAM_BINS)
    # Half a billionth of the range below: a value on the edge belongs to its bin.
    return float(edges[np.argmax(counts)] - 5e-10 * (edges[-1] - edges[0]))
