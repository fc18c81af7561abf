"""The rewired null: a group's own graph, its weights redistributed at constant strengths.

One move takes a random cycle of four neurons a-b-c-d and an amount x:

    A_ab += x,  A_cd += x,  A_bc -= x,  A_da -= x

Every strength (row sum) stays. x is uniform over [-min(A_ab, A_cd), min(A_bc, A_da)], where all
weights stay >= 0; this is a Gibbs step, and its stationary distribution is uniform over all weights
with these strengths. The null is descriptive only: such graphs lack the triangles that any
correlated activations have, so that most *random* groups have a larger Q than all their rewirings.
`hypotest.estimators.graphs.altered.share_above_all` says how many.

Mixing: mean Q (3 restarts, 100 draws, k = 82) after so many sweeps, in each of which every weight moves
once on average, on mutual information of simulated activations; r: correlation of the weights with
where they started (less their mean after 1600 sweeps).

==============================  ======  =====  =====  =====  =====  =====  ========
graph                           start      40     80    160    400   1600  r at 400
==============================  ======  =====  =====  =====  =====  =====  ========
three shared factors             0.251  0.098  0.099  0.101  0.100  0.101      0.01
four modules                     0.741  0.089  0.088  0.088  0.088  0.088      0.01
only the largest tenth not 0     0.436  0.141  0.120  0.118  0.122  0.122      0.03
one factor, lognormal loadings   0.021  0.108  0.126  0.136  0.144  0.145      0.08
==============================  ======  =====  =====  =====  =====  =====  ========

The SD over draws is 0.004 to 0.013. The last is the slowest, since a few pairs hold most of its weight.
With k = 41 the picture is the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.submatrices import symmetric_matrix
from hypotest.records.evidence.arrays import FloatArray

SWEEPS = 400
"""Enough to forget the start; see above."""
_STEPS = 64
"""Whose random numbers are drawn at once."""


def rewired(
    weights: FloatArray, n_draws: int, rng: np.random.Generator, *, sweeps: float = SWEEPS
) -> NDArray[np.float64]:
    """Graphs with the strengths of a given one and otherwise random weights.

    In each step a random permutation splits the neurons into cycles without common neurons, whose moves are
    made one after the other. All draws share the permutations (their weights lie together) and each has its
    own amounts x: given the permutations they are independent and identically distributed, and after
    many sweeps the permutations no longer matter (variance of means over 40 draws of Q, relative to
    independent ones, 0.95 +- 0.22 at k = 41).

    Args:
        weights: Shape (k, k); symmetric, not negative. The diagonal is ignored. Fewer than four neurons
            leave no freedom: the draws are copies.
        n_draws: How many graphs.
        rng: Source of the moves.
        sweeps: How often each weight is moved, on average.

    Returns:
        Shape (n_draws, k, k); symmetric, not negative, with zero diagonal and, up to rounding, the strengths
        of `weights`.

    Raises:
        ValueError: If the weights are not what they should be, or `sweeps` is negative.
    """
    from hypotest.estimators.graphs.weight_moves import exchange  # numba takes a while to import

    matrix = symmetric_matrix(weights, "weights")
    if np.any(matrix[~np.eye(matrix.shape[0], dtype=np.bool_)] < 0):
        raise ValueError("weights must not be negative")
    if not 0 <= sweeps < np.inf:
        raise ValueError(f"sweeps must not be negative, got {sweeps}")
    size = matrix.shape[0]
    rows, columns = np.triu_indices(size, 1)
    edge = np.zeros((size, size), dtype=np.int64)
    edge[rows, columns] = edge[columns, rows] = np.arange(rows.size)
    values = np.repeat(((matrix + matrix.T) / 2)[rows, columns, None], n_draws, axis=1)

    n_cycles = size // 4
    n_steps = int(np.ceil(sweeps * rows.size / (4 * n_cycles))) if n_cycles else 0
    for start in range(0, n_steps, _STEPS):
        count = min(_STEPS, n_steps - start)
        order = rng.permuted(np.tile(np.arange(size), (count, 1)), axis=1)
        corners = order[:, : 4 * n_cycles].reshape(count, 4, n_cycles)
        exchange(values, edge, corners, rng.random((count, n_cycles, n_draws)))

    graphs = np.zeros((n_draws, size, size))
    graphs[:, rows, columns] = values.T
    graphs[:, columns, rows] = values.T
    return graphs
