"""How far recomputed numbers may lie from stored ones, and why: the one place where this is said.

**Same machine, versions, BLAS and threads**: not at all; every bit must be equal (`EXACT`).

**The same evidence elsewhere, or with other threads** (`OTHER_SOFTWARE`). Float32 sums are taken in
another order: a sum of K terms moves by about sqrt(K) 2^-24 of its size (Higham & Mary 2019,
doi:10.1137/18M1226312), 4e-6 for 4,096 positions. Measured: the rare-token protocol with 1,024 positions
on the reference model, recomputed with one and with two threads. Of 31 nulls 5 changed at all, by at most
6e-7 of their largest draw, but for one draw of plateau flatness (a fit with a jump in it) that moved by
1.4e-5; observed values, means, SDs and ends of intervals by at most 7e-7 of their prediction's largest
number; no p-value and no count. So:

- numbers may differ by 1e-5 of the largest number of their prediction, which is its size: a difference of
  two large numbers is no more exact than they are;
- of each null 1 draw in 1,000, or 3 draws if that is more, may move farther, since searches (communities,
  breakpoints, the most influential neurons) jump where two candidates are as good as equal; its mean and
  SD by what these draws make of them;
- a p-value counts draws, p = (b + 1)/(B + 1). It may change by draws that changed sides, or could have,
  given how far they and the observed value moved, and by no more of them than may jump: with m of them by
  2 m/(B + 1), two-sided, an adjusted p by that many times more as there are tests. Where nothing moved
  across the observed value, p must be the same.

**Evidence collected anew elsewhere** (`OTHER_EVIDENCE`): whole forward passes in another order, 1e-3, and
1 draw in 20; see `hypotest.studies.verify.array_differences`.

Which neurons are in one community may differ with them: partitions can be as good as equal.

Outcomes, stances, verdicts, neurons, counts and words must be equal everywhere; the decimals that a
sentence quotes may differ by one unit of their last digit, beyond what the number itself may.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.inference.rounding import tie_width
from hypotest.records.results.prediction_result import NullComparison, PredictionResult

JUMPS = 3
"""Draws of a null that may move by more than the tolerance, however few draws there are."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far recomputed numbers may lie from stored ones."""

    relative: float
    """Of the largest number concerned; 0 where every value must be equal."""
    draws: float
    """Share of a null's draws that may differ by more, `JUMPS` at least."""
    counts: float = 0.0
    """By which share whole numbers that sentences quote may differ."""

    def jumps(self, n_draws: int) -> int:
        """How many of a null's draws may differ by more.

        Examples:
            >>> OTHER_SOFTWARE.jumps(199), OTHER_SOFTWARE.jumps(9999), EXACT.jumps(9999)
            (3, 10, 0)
        """
        return max(JUMPS, math.ceil(self.draws * n_draws)) if self.relative else 0


EXACT = Tolerance(0.0, 0.0)
OTHER_SOFTWARE = Tolerance(1e-5, 0.001)
"""The same evidence on another machine, with other threads or versions."""
OTHER_EVIDENCE = Tolerance(1e-3, 0.05, 0.05)
"""Evidence collected anew elsewhere."""


@dataclass(frozen=True, slots=True)
class Slack:
    """What the draws of a prediction's nulls allow its numbers."""

    scale: float = 0.0
    """The largest number of the prediction's kind; relative tolerances refer to it."""
    shift: float = 0.0
    """By how much draws that jumped can move a null's mean or SD."""
    farthest: float = 0.0
    """How far a draw jumped: a quantile moves by no more."""
    probability: float = 0.0
    """By how much draws that changed sides can move a p-value."""
    ceiling: float = 0.0
    """The share of draws that may jump across a margin."""
    sd: float = 1.0
    """The smallest SD of a null, which numbers in SDs are divided by."""


Draws = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Numbers of the draws, and their values."""


def slacks(
    predictions: Sequence[PredictionResult],
    again: Sequence[PredictionResult],
    stored: pl.DataFrame,
    fresh: pl.DataFrame,
    n_tests: int,
    tolerance: Tolerance,
) -> dict[str, Slack]:
    """What each prediction's draws allow its numbers.

    Args:
        predictions: As stored.
        again: Recomputed.
        stored: The stored null draws: prediction, null, draw, value.
        fresh: The same, recomputed.
        n_tests: By which adjusted p-values are multiplied.
        tolerance: Of the numbers.
    """
    one, two = draws_by_null(stored), draws_by_null(fresh)
    rungs = {item.id: {rung.key: rung for rung in (*item.ladder, *item.arms)} for item in again}
    return {
        item.id: _slack(item, rungs.get(item.id, {}), one, two, n_tests, tolerance) for item in predictions
    }


def draws_by_null(frame: pl.DataFrame) -> dict[tuple[str, str], Draws]:
    """Prediction and null -> its draws, undefined ones NaN."""
    return {
        (str(prediction), str(null)): (
            part["draw"].to_numpy().astype(np.int64),
            part["value"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        )
        for (prediction, null), part in frame.group_by(["prediction", "null"], maintain_order=True)
    }


def jumped_draws(
    values: NDArray[np.float64], again: NDArray[np.float64], tolerance: Tolerance
) -> NDArray[np.bool_]:
    """Which draws differ by more than the tolerance; all that differ where it is exact."""
    undefined = np.isnan(values)
    if not tolerance.relative:
        return np.asarray(~((values == again) | (undefined & np.isnan(again))))
    scale = float(np.nanmax(np.abs(values))) if not undefined.all() else 0.0
    near = np.abs(values - again) <= tolerance.relative * scale
    return np.asarray(~(near | (undefined & np.isnan(again))))


def _slack(
    item: PredictionResult,
    recomputed: Mapping[str, NullComparison],
    stored: Mapping[tuple[str, str], Draws],
    fresh: Mapping[tuple[str, str], Draws],
    n_tests: int,
    tolerance: Tolerance,
) -> Slack:
    numbers = [abs(value) for value in (item.observed, item.reference_value) if value is not None]
    shift = farthest = probability = ceiling = 0.0
    rungs = (*item.ladder, *item.arms)
    sds = [rung.sd for rung in rungs if rung.sd > 0]
    for rung in rungs:
        key = (item.id, rung.key)
        if key not in stored or key not in fresh or len(stored[key][1]) != len(fresh[key][1]):
            continue
        values, again = stored[key][1], fresh[key][1]
        both = np.concatenate([values, again])
        both = both[np.isfinite(both)]
        if not both.size:
            continue
        spread = float(np.ptp(both))
        numbers.append(max(float(np.abs(both).max()), abs(rung.observed)))
        moved = np.abs(values - again)
        moved = np.where(np.isnan(values) & np.isnan(again), 0.0, np.nan_to_num(moved, nan=spread))
        far = moved[jumped_draws(values, again, tolerance)]
        if far.size:  # of n draws, d_i each: the mean moves by mean |d_i|, the SD by sqrt(sum d_i^2/(n - 1))
            shift = max(shift, float(np.sqrt((far**2).sum() / max(1, len(values) - 1))))
            farthest = max(farthest, float(far.max()))
        other = recomputed.get(rung.key, rung)
        sides = _changed_sides(values, moved, rung.observed, abs(rung.observed - other.observed), spread)
        most = tolerance.jumps(len(values))
        probability = max(probability, 2 * min(sides, most) / (len(values) + 1))
        ceiling = max(ceiling, most / len(values))
    return Slack(
        scale=max(numbers, default=0.0),
        shift=shift,
        farthest=farthest,
        probability=max(1, n_tests) * probability,
        ceiling=ceiling,
        sd=min(sds, default=1.0),
    )


def _changed_sides(
    values: NDArray[np.float64], moved: NDArray[np.float64], observed: float, shift: float, spread: float
) -> int:
    """Draws that lie as near to the observed value as it and they have moved: counted in b, or not."""
    near = np.abs(values - observed) <= moved + shift + tie_width(values, observed)
    could = (moved + shift > 0) & (near | (np.isnan(values) & (moved > 0)))
    return int(could.sum())
