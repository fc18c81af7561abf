"""Mutual information between neurons: the weights of the graph whose modularity is tested.

References:
    Gaussian copula: Ince et al. (2017), doi:10.1002/hbm.23471.
    Miller-Madow correction: Paninski (2003), doi:10.1162/089976603321780272.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hypotest.estimators.products import in_threads, products_of_pairs
from hypotest.estimators.ranks import RankOrder
from hypotest.estimators.rows import activation_rows, finite_activations
from hypotest.records.evidence.arrays import FloatArray, IntArray

NEURON_BLOCK = 128
"""Neurons ranked or binned at a time, which bounds the memory of a wide layer."""


@lru_cache(maxsize=16)
def score_table(total: int) -> NDArray[np.float64]:
    """Normal quantile of every twice-mid-rank among ``total`` rows, shape (2 total + 1,).

    The ends, which no row of positive weight has, hold 0.
    """
    table = np.zeros(2 * total + 1)
    table[1:total] = ndtri(np.arange(1, total) / (2 * total))
    table[total + 1 : -1] = -table[total - 1 : 0 : -1]  # as far above the middle as below it
    table.flags.writeable = False  # shared
    return np.asarray(table)


def normal_scores(
    order: RankOrder, columns: NDArray[np.int64], weights: FloatArray | IntArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normal quantiles of the mid-ranks, ndtri((rank - 0.5) / n), where rows have weight.

    Args:
        order: The sorted columns.
        columns: Which of them, for each set of weights, shape (n_sets, k).
        weights: Repeat counts of the rows, each set with a positive sum, shape (n_sets, n).

    Returns:
        Scores, shape (n_sets, k, m), and the weights of their rows, shape (n_sets, m), with m the largest
        number of rows with weight in a set; one that has fewer ends in zeros.
    """
    total = weights.sum(axis=1)
    if np.all(weights == np.floor(weights)) and total.max() < 2**24:
        # Whole weights leave few distinct ranks: look the quantiles up.
        return order.twice_mid_ranks(columns, weights, score_table)
    ranks, kept = order.twice_mid_ranks(columns, weights)
    share = ranks / (2 * total[:, None, None])
    return ndtri(np.where((share > 0) & (share < 1), share, 0.5)), kept


def copula_graphs(
    order: RankOrder, columns: NDArray[np.int64], weights: FloatArray | IntArray | NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mutual information under the Gaussian copula of each set of weights.

    As `gaussian_copula_information` of the same columns, one set after the other, gives it.

    Args:
        order: The sorted columns.
        columns: Which of them, for each set of weights, shape (n_sets, k).
        weights: Repeat counts of the rows, whole, shape (n_sets, n).

    Returns:
        Nats, shape (n_sets, k, k).

    Raises:
        ValueError: If a weight is negative or not whole.
    """
    return order.information_graphs(columns, weights, score_table)


def _inverse(variance: NDArray[np.float64], total: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """1 / variance; 0 for what does not vary: rounding leaves some eps^2 of a constant column, not zero."""
    return np.divide(1.0, variance, out=np.zeros(variance.shape), where=variance > 1e-20 * total)


def _in_nats(
    product: NDArray[np.float64], inverse: NDArray[np.float64], total: NDArray[np.float64] | float
) -> None:
    """Turn covariances of scores into information, in place.

    Args:
        product: Covariances times the total weight.
        inverse: 1 / product of the two variances, times its square.
        total: The weight, at least 2.
    """
    np.square(product, out=product)
    product *= inverse
    np.minimum(product, 1.0 - total**-2.0, out=product)
    np.log1p(np.negative(product, out=product), out=product)
    product *= -0.5


def gaussian_copula_information(
    activations: FloatArray, weights: FloatArray | IntArray | None = None
) -> NDArray[np.float64]:
    """Mutual information of every pair of neurons under a Gaussian copula.

    Ranks become normal scores z = Phi^-1((rank - 0.5) / n), whose correlation r gives
    I = -1/2 log(1 - r^2). It sees monotone dependence, is invariant under increasing
    transformations of each neuron, and is a lower bound of the information of the pair. The bias
    for independent neurons is about 1/(2 n).

    Args:
        activations: Shape (n_positions, n_neurons).
        weights: Repeat count of each position, not negative, shape (n_positions,); the same as
            literally repeating the rows. Each once by default.

    Returns:
        Nats, shape (n_neurons, n_neurons), exactly symmetric, zero diagonal, finite: duplicated
        neurons share log n. Neurons that do not vary share nothing.

    Raises:
        ValueError: If shapes do not fit, a value is not finite, or no weight is positive.

    Examples:
        >>> x = np.arange(10.0)
        >>> info = gaussian_copula_information(np.stack([x, np.exp(x), -x], axis=1))
        >>> np.round(info[0], 3).tolist()  # log(10) twice
        [0.0, 2.303, 2.303]
    """
    values = activation_rows(activations)
    n, size = values.shape
    counts = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != (n,):
        raise ValueError(f"weights must have shape {(n,)}, got {counts.shape}")
    if not np.all(np.isfinite(counts)) or np.any(counts < 0) or counts.sum() <= 0:
        raise ValueError("weights must be finite, not negative, and not all zero")
    present = counts > 0
    counts = counts[present]
    root, total = np.sqrt(counts), float(counts.sum())
    scores, sums = np.empty((size, counts.size)), np.empty(size)

    def rank(block: slice) -> None:
        order = RankOrder(finite_activations(values[:, block])[present])
        transformed, _ = normal_scores(order, np.arange(order.size)[None], counts[None])
        np.multiply(transformed[0], root, out=scores[block])
        sums[block] = (scores[block] * root).sum(axis=1)

    in_threads(rank, [slice(start, start + NEURON_BLOCK) for start in range(0, size, NEURON_BLOCK)])
    sums /= np.sqrt(max(total, 1.0))
    at_least_two = max(total, 2.0)
    inverse = _inverse(np.einsum("in,in->i", scores, scores) - sums**2, at_least_two)

    def finish(block: NDArray[np.float64], rows: slice, columns: slice) -> None:
        block -= np.outer(sums[rows], sums[columns])
        _in_nats(block, np.outer(inverse[rows], inverse[columns]), at_least_two)

    information = products_of_pairs(scores, finish)
    np.fill_diagonal(information, 0.0)
    return information


def score_correlations(activations: FloatArray) -> NDArray[np.float64]:
    """Correlations of normal scores, of which `correlated_graphs` makes the Gaussian copula's information.

    Args:
        activations: Shape (n_positions, k).

    Returns:
        Shape (k, k), symmetric, with unit diagonal; neurons that do not vary are correlated with none.

    Raises:
        ValueError: If the shape does not fit, or a value is not finite.
    """
    order = RankOrder(finite_activations(activations))
    scores, _ = normal_scores(order, np.arange(order.size)[None], np.ones((1, order.n)))
    centred = scores[0] - scores[0].mean(axis=1, keepdims=True)
    centred *= np.sqrt(_inverse(np.einsum("in,in->i", centred, centred), max(order.n, 2.0)))[:, None]
    product = centred @ centred.T
    np.fill_diagonal(product, 1.0)
    return np.asarray(product)


def correlated_graphs(correlations: FloatArray, n_rows: int) -> NDArray[np.float64]:
    """Mutual information under a Gaussian copula with these correlations, -1/2 log(1 - r^2).

    Args:
        correlations: Of normal scores, shape (n_graphs, k, k).
        n_rows: Rows behind them: no pair shares more than log n.

    Returns:
        Nats, shape (n_graphs, k, k), zero on the diagonals.
    """
    squares = np.minimum(np.square(correlations), 1.0 - max(n_rows, 2.0) ** -2.0)
    halves = -0.25 * np.log1p(-squares)
    graphs: NDArray[np.float64] = halves + halves.transpose(0, 2, 1)
    np.einsum("gii->gi", graphs)[:] = 0.0
    return graphs


def equal_frequency_bins(activations: FloatArray, n_bins: int = 8) -> NDArray[np.int64]:
    """Bin of every activation, each bin holding about as many positions; ties share a bin.

    Args:
        activations: Shape (n_positions, n_neurons).
        n_bins: At least 2.

    Returns:
        From 0 to n_bins - 1, same shape. Neurons with many equal values leave bins empty.

    Raises:
        ValueError: If `n_bins` is below 2, or a value is not finite.

    Examples:
        >>> equal_frequency_bins(np.array([[3.0], [1.0], [2.0], [9.0]]), 2).ravel().tolist()
        [1, 0, 0, 1]
    """
    if n_bins < 2:
        raise ValueError(f"n_bins must be at least 2, got {n_bins}")
    values = finite_activations(activations)
    n = values.shape[0]
    bins = np.empty(values.shape, dtype=np.int64)
    for start in range(0, values.shape[1], NEURON_BLOCK):
        block = slice(start, start + NEURON_BLOCK)
        order = RankOrder(values[:, block])
        twice, _ = order.twice_mid_ranks(np.arange(order.size)[None], np.ones((1, n)))
        bins[:, block] = twice[0].T.astype(np.int64) * n_bins // (2 * n)
    return bins


def binned_information(
    activations: FloatArray, n_bins: int = 8, miller_madow: bool = True
) -> NDArray[np.float64]:
    """Mutual information of every pair of neurons from joint histograms.

    I = H(x) + H(y) - H(x, y) over equal-frequency bins, plus (K_x + K_y - K_xy - 1) / (2 n) with
    the numbers of occupied bins K. Uncorrected it equals ``sklearn.metrics.mutual_info_score``. It
    sees any dependence, at the price of a bias that duplicated documents inflate.

    Args:
        activations: Shape (n_positions, n_neurons).
        n_bins: Bins per neuron.
        miller_madow: Whether to correct the bias.

    Returns:
        Nats, shape (n_neurons, n_neurons), exactly symmetric, zero diagonal, negative estimates set
        to 0.

    Raises:
        ValueError: If `n_bins` is below 2, or a value is not finite.
    """
    bins = equal_frequency_bins(activations, n_bins)
    n, n_neurons = bins.shape
    # float32 products of zeros and ones are exact counts up to 2^24 positions.
    one_hot = (bins.T[:, None, :] == np.arange(n_bins)[:, None]).astype(np.float32)
    flat = one_hot.reshape(n_neurons * n_bins, n)
    counts = one_hot.sum(axis=2).astype(np.int64)
    levels = np.arange(n + 1, dtype=np.float64)
    surprise = levels * np.log(np.maximum(levels, 1.0))
    entropy = np.log(n) - surprise[counts].sum(axis=1) / n
    occupied = np.count_nonzero(counts, axis=1)
    information = np.zeros((n_neurons, n_neurons))
    step = max(1, NEURON_BLOCK // n_bins)
    for start in range(0, n_neurons, step):
        rows = slice(start, min(start + step, n_neurons))
        joint = flat[start * n_bins : rows.stop * n_bins] @ flat[start * n_bins :].T
        table = joint.astype(np.int64).reshape(rows.stop - start, n_bins, n_neurons - start, n_bins)
        joint_entropy = np.log(n) - surprise[table].sum(axis=(1, 3)) / n
        block = entropy[rows, None] + entropy[None, start:] - joint_entropy
        if miller_madow:
            joint_occupied = np.count_nonzero(table, axis=(1, 3))
            block += (occupied[rows, None] + occupied[None, start:] - joint_occupied - 1) / (2 * n)
        information[rows, start:] = np.maximum(block, 0.0)
    upper = np.triu(information, 1)
    return np.asarray(upper + upper.T)
