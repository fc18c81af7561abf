"""Does a number rise or fall in a series? Kendall's tau, with the permutation of the series as its null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

DRAWS = 9_999
"""Permutations where ties rule out the exact distribution; all of them where there are no more."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Whether values rise with their place in a series."""

    tau: float
    """Kendall's tau-b of the values against their places, -1 to 1."""
    p_value: float
    """Two-sided, over the orders of the values."""
    n: int


def kendall_trend(values: Sequence[float], rng: np.random.Generator) -> Trend:
    """Test a series for a trend.

    Without ties the distribution of tau over all n! orders is exact (`scipy.stats.kendalltau`); with ties
    orders are enumerated, or drawn where there are more than `DRAWS`. The null says that every order is as
    likely: neighbours that resemble each other (checkpoints of one training, say) break it even where nothing
    drifts, so that a small p says "these values are ordered", not "training orders them".

    Args:
        values: In the order of the series, all finite, at least 2.
        rng: Source of randomness, used with ties only.

    Raises:
        ValueError: If there are fewer than two values, or one is not finite.

    References:
        Kendall (1938), doi:10.1093/biomet/30.1-2.81.

    Examples:
        >>> trend = kendall_trend([1.0, 2.0, 4.0, 3.0, 5.0], np.random.default_rng(0))
        >>> round(trend.tau, 3), round(trend.p_value, 4)
        (0.8, 0.0833)
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or series.size < 2 or not np.isfinite(series).all():
        raise ValueError(f"a trend needs at least two finite values, got {values!r:.80}")
    places = np.arange(series.size)
    if np.unique(series).size == 1:
        return Trend(0.0, 1.0, series.size)
    if np.unique(series).size == series.size:
        exact = stats.kendalltau(places, series, method="exact")
        return Trend(float(exact.statistic), float(min(1.0, exact.pvalue)), series.size)
    drawn = stats.permutation_test(
        (series,),
        lambda order: stats.kendalltau(places, order).statistic,
        permutation_type="pairings",
        n_resamples=DRAWS,
        rng=rng,
    )
    return Trend(float(drawn.statistic), float(drawn.pvalue), series.size)
