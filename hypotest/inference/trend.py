"""Does a number rise or fall in a series? Kendall's tau, with the permutation of the series as its null."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hypotest.records.evidence.arrays import FloatArray

DRAWS = 9_999
"""Permutations where ties rule out the exact distribution; all of them where there are no more."""
_SIMULATED, _MOST_PAIRS = 4_000, 2**26
"""Series from which a tolerated autocorrelation is found, at most; and pairs of their values held at once."""
_STEPS = 7
"""Bisections: to 0.008."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Whether values rise with their place in a series."""

    tau: float
    """Kendall's tau-b of the values against their places, -1 to 1; of several series, their mean."""
    p_value: float
    """Two-sided, over the orders of the values."""
    n: int
    """Places of a series."""


def kendall_trend(values: Sequence[float], rng: np.random.Generator) -> Trend:
    """Test a series for a trend.

    Without ties the distribution of tau over all n! orders is exact (`scipy.stats.kendalltau`); with ties
    orders are enumerated, or drawn where there are more than `DRAWS`. The null says that every order is as
    likely: neighbours that resemble each other (checkpoints of one training, say) break it even where nothing
    drifts, so that a small p says "these values are ordered", not "training orders them";
    `tolerated_autocorrelation` says how much they may resemble each other.

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
    series = _checked(values)
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


def common_trend(trainings: Sequence[Sequence[Sequence[float]]], rng: np.random.Generator) -> Trend:
    """Test several series for a trend that they share: the mean of their taus.

    Series of one training (its layers) are permuted together, those of different trainings by themselves, so
    that layers of one network count as one witness of an order and not as many. A single series is tested
    exactly, by `kendall_trend`.

    Args:
        trainings: Of each training its series, all of the same number of places.
        rng: Source of randomness.

    Raises:
        ValueError: If there is none, a series is no series, or their lengths differ.

    References:
        Hirsch & Slack (1984), doi:10.1029/WR020i006p00727: blocks that are permuted by themselves, what
        depends on each other within them together.

    Examples:
        >>> rising = [[1.0, 2.0, 3.0]]
        >>> trend = common_trend([rising, rising, rising], np.random.default_rng(0))
        >>> trend.tau, round(trend.p_value, 2)
        (1.0, 0.01)
    """
    known = [np.stack([_checked(series) for series in training]) for training in trainings]
    if not known or len({series.shape[1] for series in known}) != 1:
        raise ValueError("a common trend needs series, all of the same number of places")
    if len(known) == 1 and len(known[0]) == 1:
        return kendall_trend(known[0][0].tolist(), rng)
    n_series, n = sum(len(series) for series in known), known[0].shape[1]
    observed = sum(float(_taus(series).sum()) for series in known) / n_series
    orders = rng.permuted(np.tile(np.arange(n), (DRAWS * len(known), 1)), axis=1)
    drawn = np.zeros(DRAWS)
    for place, series in enumerate(known):
        of_training = orders[place * DRAWS : (place + 1) * DRAWS]
        for values in series:
            drawn += _taus(values[of_training]) / n_series
    as_far = int((np.abs(drawn) >= abs(observed) - 1e-12).sum())
    return Trend(observed, (1 + as_far) / (1 + DRAWS), n)


def tolerated_autocorrelation(
    trend: Trend, trainings: int, level: float, rng: np.random.Generator
) -> float | None:
    """How much neighbours may resemble each other before a trend is no longer significant.

    The null of `common_trend` is that every order is as likely. Here it is a stationary Gaussian AR(1)
    without drift, whose lag-1 autocorrelation is raised until taus as far from 0 as the observed one come up
    with the level as probability. It is a property of n and tau, not an estimate: from ten checkpoints the
    autocorrelation itself can hardly be estimated, and corrections that try (Hamed & Rao, 1998) reject too
    often. Of several trainings the mean of their taus is simulated, one series each.

    Args:
        trend: What was found.
        trainings: How many independent ones.
        level: Of the test.
        rng: Source of randomness.

    Returns:
        0 to 1, in steps of 0.01; None where the trend is not significant among independent values.

    Examples:
        >>> rising = Trend(1.0, 2 / math.factorial(5), 5)
        >>> 0.5 < tolerated_autocorrelation(rising, 1, 0.05, np.random.default_rng(0)) < 0.7
        True
    """
    if trend.p_value > level:
        return None
    draws = int(np.clip(_MOST_PAIRS // trend.n**2 // trainings, 200, _SIMULATED))
    noise = rng.standard_normal((trainings, draws, trend.n))
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        taus = sum(_taus(_autocorrelated(series, middle)) for series in noise) / trainings
        if np.mean(np.abs(taus) >= abs(trend.tau) - 1e-12) > level:
            high = middle
        else:
            low = middle
    return round(low, 2)


def _autocorrelated(noise: FloatArray, correlation: float) -> FloatArray:
    """Stationary AR(1) series of unit variance: one a row, from independent values of the same shape."""
    series = noise.copy()
    for place in range(1, noise.shape[1]):
        own = math.sqrt(1 - correlation**2) * noise[:, place]
        series[:, place] = correlation * series[:, place - 1] + own
    return series


def _taus(series: FloatArray) -> FloatArray:
    """Kendall's tau-b of every row against its places, 0 where a row is constant."""
    n_pairs = series.shape[1] * (series.shape[1] - 1) / 2
    agreeing, untied = np.zeros(len(series)), np.zeros(len(series))
    for step in range(1, series.shape[1]):
        signs = np.sign(series[:, step:] - series[:, :-step])
        agreeing += signs.sum(axis=1)
        untied += np.abs(signs).sum(axis=1)
    taus: FloatArray = agreeing / np.sqrt(np.maximum(untied, 1) * n_pairs)
    return taus


def _checked(values: Sequence[float]) -> FloatArray:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or series.size < 2 or not np.isfinite(series).all():
        raise ValueError(f"a trend needs at least two finite values, got {values!r:.80}")
    return series
