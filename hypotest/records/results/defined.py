"""Numbers of results: one that is not finite is not there."""

from __future__ import annotations

import math


def defined(value: float) -> float | None:
    """The number; None where it is not finite.

    Examples:
        >>> defined(0.5), defined(float("nan"))
        (0.5, None)
    """
    return float(value) if math.isfinite(value) else None
