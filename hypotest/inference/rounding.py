"""Which differences are rounding errors, so that numbers that differ by no more are tied.

A measure is computed from terms: Q is what lies inside communities less what is expected there, a
dimension is a quotient of sums. Its rounding error is some eps times the size of its *terms*, however
small it comes out itself: Q of a network that is one community is 0 +- 2e-16 although both terms are 1.
No multiple of the values, nor of their spread, can know that, since both are noise then. Hence

    |a - b| <= 100 eps max(scale, |a|, |b|)

is a tie, with ``scale`` the size of the terms. It is 1 for every measure here, in its own unit: shares,
ratios and correlations have terms of order 1; dimensions, participation ratios and Hill alphas are quotients
of what does not cancel, and their own size counts. Differences of two such values have the scale of the
larger (`scale` is an argument). 2e-14 is far below what any of them resolves, so that ties never merge
values that differ. The size of the two counts, not that of the largest draw: one Hill alpha of 1e15 (a tail
of equal eigenvalues) must not tie all others with each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import FloatArray

ROUNDING = 100 * float(np.finfo(np.float64).eps)
"""Relative to the size of the terms: sums of some hundred terms in another order differ by so much."""


def tie_width(first: FloatArray | float, second: FloatArray | float, scale: float = 1.0) -> FloatArray:
    """Largest difference between two numbers that is rounding alone.

    Args:
        first: Numbers, finite where it matters.
        second: What they are compared with; the shapes broadcast.
        scale: Size of the terms that they are computed from, in the same unit; not negative.

    Examples:
        >>> float(tie_width(0.0, 2e-16)) > 2e-16  # Q of one community
        True
        >>> 0.3 - 0.1 <= float(tie_width(0.3, 0.1))
        False
    """
    if not scale >= 0:
        raise ValueError(f"the scale must not be negative, found {scale}")
    return ROUNDING * np.maximum(scale, np.maximum(np.abs(first), np.abs(second)))


def sd_beyond_rounding(values: FloatArray, scale: float = 1.0) -> float:
    """SD (n - 1) of the finite values; 0 where they differ by rounding alone, or where there is only one.

    Args:
        values: Shape ``(n,)``.
        scale: As for `tie_width`.

    Examples:
        >>> sd_beyond_rounding(np.array([0.0, 2e-16, -1e-16])), sd_beyond_rounding(np.array([1.0, 2.0, 3.0]))
        (0.0, 1.0)
    """
    numbers: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size < 2:
        return 0.0
    low, high = float(numbers.min()), float(numbers.max())
    return float(numbers.std(ddof=1)) if high - low > float(tie_width(low, high, scale)) else 0.0
