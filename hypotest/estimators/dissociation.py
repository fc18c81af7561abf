"""Dissociation: whether the loss of a group hurts one condition and spares the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import FloatArray


def dissociation_index(own: FloatArray | float, other: FloatArray | float) -> NDArray[np.float64]:
    """(d_own - d_other) / (d_own + d_other), of mean changes of loss under a lesion.

    1 where the other condition is spared, 0 where both are hurt alike, -1 where only the other one is; beyond
    these where the lesion helps one of them.

    Args:
        own: Mean change on the condition by which the group was selected, of any shape.
        other: The same on the other condition, of the same shape.

    Returns:
        Of that shape; NaN where the changes add up to zero.

    Examples:
        >>> float(dissociation_index(3.0, 1.0))  # (3 - 1) / (3 + 1)
        0.5
    """
    one, two = np.asarray(own, dtype=np.float64), np.asarray(other, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(one + two == 0, np.nan, (one - two) / (one + two)))
