"""Randomization tests: a statistic among its control groups."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hypotest.inference.rounding import sd_beyond_rounding, tie_width
from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.results.prediction_result import NullComparison

Alternative = Literal["two-sided", "less", "greater"]
BoolArray = NDArray[np.bool_]

_CHUNK = 2**20
"""Sign flips drawn at once: 8 MiB as float64."""


def compare_with_null(
    observed: float,
    draws: FloatArray,
    alternative: Alternative = "two-sided",
    *,
    null: str = "",
    variant: str = "",
    statistic: str = "T(G)",
    log10_relabellings: float | None = None,
    stop_after: int | None = None,
    planned_draws: int | None = None,
    scale: float = 1.0,
) -> NullComparison:
    """Place a statistic among those of its control groups.

    With B draws of which b are at least as extreme, p = (b + 1) / (B + 1): the observed group
    itself counts as one draw, so p is never zero [1]. The two-sided p-value is twice the smaller
    tail, at most 1. With q the one-sided p-value, the Monte Carlo standard error is sqrt(q (1 - q)
    / B), twice that for two-sided tests.

    With ``stop_after`` = h, drawing may have stopped early (`enough_draws`): a tail whose h-th
    extreme draw is the l-th of all has the one-sided p-value h / l [2], with standard error
    q sqrt((1 - q) / h). A tail with fewer than h has (b + 1) / (B + 1) as ever, which is why
    drawing must go on until the planned end unless both tails have h.

    Draws that differ from the observed value by rounding alone are tied with it and count in both
    tails (`hypotest.inference.rounding`): else the last bits would decide where nothing varies.

    Args:
        observed: Statistic of the tested group, finite.
        draws: Statistic of each control group, shape ``(n_draws,)``. A value that is not finite
            counts as extreme in both tails (a control group without a value should be redrawn by
            the caller; dropping it would condition the null). Mean, SD and percentile are those of
            the others.
        alternative: Direction in which a draw counts as extreme.
        null: Name of the null, for the record.
        variant: In which way the null was drawn, for the record.
        statistic: Which number stands among the draws, for the record.
        log10_relabellings: log10 of the number of distinct relabellings, for the record.
        stop_after: h of sequential stopping, at least 2.
        planned_draws: Number of draws without stopping, for the record.
        scale: Size of the terms from which the statistic is computed, in its own unit: for a
            difference T - T', the larger of the two.

    Returns:
        The comparison; ``z`` is None when the draws do not vary beyond rounding, and ``sd`` (n - 1) is
        then 0.

    Raises:
        ValueError: If the observed value is not finite, no draw has a value, or the scale is negative.

    References:
        [1] Phipson & Smyth (2010), doi:10.2202/1544-6115.1585.
        [2] Besag & Clifford (1991), doi:10.1093/biomet/78.2.301.

    Examples:
        >>> compare_with_null(2.0, np.array([0.0, 1.0, 3.0]), "greater").p_value
        0.5
        >>> draws = np.array([0.0, 3.0, 1.0, 4.0, 5.0])  # the second draw above 2 is the fourth
        >>> compare_with_null(2.0, draws, "greater", stop_after=2).p_value
        0.5
    """
    draws = np.asarray(draws, dtype=np.float64)
    if draws.ndim != 1 or draws.size == 0:
        raise ValueError(f"draws must be a non-empty vector, found shape {draws.shape}")
    if not np.isfinite(observed):
        raise ValueError(f"the observed statistic must be finite, found {observed}")
    defined = draws[np.isfinite(draws)]
    if defined.size == 0:
        raise ValueError(f"none of the {draws.size} draws has a finite value")

    n_draws, n_undefined = draws.size, draws.size - defined.size
    low, high = _tails(observed, draws, scale)
    at_most = int(np.count_nonzero(low)) - n_undefined
    at_least = int(np.count_nonzero(high)) - n_undefined
    if alternative not in ("two-sided", "less", "greater"):
        raise ValueError(f"alternative must be two-sided, less or greater, found {alternative!r}")
    tails = {
        "less": _tail(low, stop_after),
        "greater": _tail(high, stop_after),
    }
    one_sided, error = min(tails.values()) if alternative == "two-sided" else tails[alternative]
    sides = 2 if alternative == "two-sided" else 1

    below, ties = defined.size - at_least, at_least + at_most - defined.size
    mean = float(defined.mean())
    sd = sd_beyond_rounding(defined, scale)
    return NullComparison(
        null=null,
        variant=variant,
        statistic=statistic,
        observed=float(observed),
        mean=mean,
        sd=sd,
        n_draws=n_draws,
        p_value=min(1.0, sides * one_sided),
        p_error=sides * error,
        percentile=100 * (below + ties / 2) / defined.size,
        z=(float(observed) - mean) / sd if sd > 0 else None,
        log10_relabellings=log10_relabellings,
        n_undefined=n_undefined,
        planned_draws=planned_draws if planned_draws is not None and planned_draws > n_draws else None,
    )


def enough_draws(observed: float, draws: FloatArray, stop_after: int, *, scale: float = 1.0) -> bool:
    """Whether sequential stopping may end: both tails hold ``stop_after`` extreme draws.

    Args:
        observed: Statistic of the tested group.
        draws: Those so far, shape ``(n_draws,)``; undefined ones count in both tails.
        stop_after: h.
        scale: As for `compare_with_null`, with whose ties these must agree.
    """
    return bool(min(np.count_nonzero(tail) for tail in _tails(observed, draws, scale)) >= stop_after)


def _tails(observed: float, draws: FloatArray, scale: float) -> tuple[BoolArray, BoolArray]:
    """Which draws are at most, and which at least, the observed value: ties and undefined ones in both."""
    draws = np.asarray(draws, dtype=np.float64)
    undefined = ~np.isfinite(draws)
    above = np.where(undefined, 0.0, draws) - observed
    width = tie_width(np.where(undefined, 0.0, draws), observed, scale)
    return undefined | (above <= width), undefined | (above >= -width)


def _tail(extreme: BoolArray, stop_after: int | None) -> tuple[float, float]:
    """One-sided p-value and its Monte Carlo standard error."""
    counted = np.flatnonzero(extreme)
    if stop_after is not None and counted.size >= stop_after:
        p_value = stop_after / (int(counted[stop_after - 1]) + 1)
        return p_value, p_value * float(np.sqrt((1 - p_value) / stop_after))
    p_value = (counted.size + 1) / (extreme.size + 1)
    return p_value, float(np.sqrt(p_value * (1 - p_value) / extreme.size))
