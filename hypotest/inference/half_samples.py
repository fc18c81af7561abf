"""Half of the units at a time, for statistics that jump, such as whatever is measured of a selected group.

A selection is a threshold. Leaving out one of G groups of units moves scores by 1/sqrt(G) of their standard
error, so that a number of neurons in proportion to it changes sides; their contributions are as good as
random, and the variance they add is in proportion to that number, not to its square. The jackknife, which
multiplies squares by G, then comes out sqrt(G) times too large (3 to 11 times in simulation, G 32). Leaving
out half of the units moves scores by as much as another sample would, and nothing has to be multiplied [1].
The halves are balanced [2]: of a linear statistic they give the variance of leaving out one group at a time.

References:
    [1] Shao & Wu (1989), doi:10.1214/aos/1176347263 (delete-d jackknife, statistics that are not smooth).
    [2] McCarthy (1969), doi:10.2307/1402116 (balanced half-samples).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import hadamard

from hypotest.inference.left_out import LeftOut
from hypotest.records.evidence.arrays import FloatArray


def half_samples(left_out: LeftOut, rng: np.random.Generator) -> LeftOut:
    """The same units with half of their groups left out at a time.

    Rows of a Hadamard matrix of the next power of 2 not below G, its constant one apart, say which stay; then
    the others do.

    Args:
        left_out: From `hypotest.inference.left_out.leave_out`.
        rng: Source of which column is whose.

    Returns:
        With weights of shape (R, G), or (R, G + 1) where some rows always stay; R is 62 for G of 17 to 32.

    Examples:
        >>> from hypotest.inference.left_out import leave_out
        >>> rng = np.random.default_rng(0)
        >>> half_samples(leave_out(np.arange(4), 4, rng), rng).weights.sum(axis=1).tolist()
        [2, 2, 2, 2, 2, 2]
    """
    groups = len(left_out.weights)
    order = 1 << (groups - 1).bit_length()
    signs = hadamard(order)[1:, rng.permutation(order)[:groups]]
    kept = np.concatenate([signs > 0, signs < 0]).astype(np.int64)
    always = np.ones((len(kept), left_out.weights.shape[1] - groups), dtype=np.int64)
    return LeftOut(left_out.units, np.concatenate([kept, always], axis=1), left_out.effective)


def half_sample_variance(values: FloatArray, noise: float = 0.0) -> float:
    """Variance of a statistic from its values on half-samples, less what of it is luck of each.

    Args:
        values: Shape (R,), at least 2.
        noise: Variance of each value that the units have nothing to do with.
    """
    return max(0.0, float(np.asarray(values, dtype=np.float64).var()) - noise)
