"""The curve of frequencies over ranks, and where it bends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GRID_POINTS = 400
_WINDOW_DECADES = 0.15
_STEEPER = 2.0  # times the median slope


def frequency_curve(
    descending: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """log10 rank and log10 count on 400 points even in log rank.

    Args:
        descending: Positive counts, most frequent first, shape (n_types,).
    """
    log_rank = np.linspace(0.0, np.log10(descending.size), _GRID_POINTS)
    exact = np.log10(np.arange(1, descending.size + 1))
    return log_rank, np.interp(log_rank, exact, np.log10(descending))


def find_elbow(log_rank: NDArray[np.float64], log_count: NDArray[np.float64]) -> int | None:
    """Rank where the curve begins to fall off for good, towards the rarest types.

    The slope is taken in a sliding window of 0.15 decades. The elbow is where it becomes, and up to
    the rarest type stays, steeper than twice its median over the middle 80 % of log ranks.

    Args:
        log_rank: log10 rank, even, shape (n_points,).
        log_count: log10 count, shape (n_points,).

    Returns:
        The rank of the elbow (types of higher rank lie beyond it), or None if there is none.
    """
    half = _WINDOW_DECADES / 2
    slopes = np.empty(log_rank.size)
    for i, centre in enumerate(log_rank):
        # the window keeps its width at both ends, where half of it would hold too few points
        middle = min(max(centre, log_rank[0] + half), log_rank[-1] - half)
        inside = np.abs(log_rank - middle) <= half + 1e-12
        slopes[i] = np.polyfit(log_rank[inside], log_count[inside], 1)[0]
    span = log_rank[-1] - log_rank[0]
    middle_part = np.abs(log_rank - log_rank[0] - span / 2) <= 0.4 * span
    steep = slopes < _STEEPER * np.median(slopes[middle_part])
    if not steep[-1]:
        return None
    shallow = np.flatnonzero(~steep)
    if shallow.size == 0:
        return None
    return int(np.floor(10 ** log_rank[shallow[-1] + 1]))
