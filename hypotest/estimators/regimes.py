"""Regimes of the rank-influence curve: a plateau, a power law, a rapid decay (eq. 11).

On log-log axes a power law is a straight line. The curve (`rank_curve`) is described by continuous
piecewise lines with none, one or two breakpoints. Such a fit describes and proves nothing: BIC
finds breakpoints in pure lognormal and Pareto samples, and log-log least squares cannot tell a
power law from its rivals, for which there is `lognormal_ratio`. Claims come from the same fit on
relabelled data.

References:
    arXiv:2509.21163, eq. 11. Clauset, Shalizi & Newman (2009), doi:10.1137/070710111.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.influence import influence, preference, rank_curve, rank_grid, selectivity
from hypotest.estimators.power_law import LikelihoodRatio, lognormal_ratio
from hypotest.records.evidence.arrays import FloatArray

__all__ = [
    "LikelihoodRatio",
    "RegimeFits",
    "fit_regimes",
    "influence",
    "lognormal_ratio",
    "preference",
    "rank_curve",
    "rank_grid",
    "selectivity",
]

MIN_STEPS = 3
"""Grid steps that a segment must span: four points with those at its ends, two more than a line."""
FEWEST_RANKS = 3 * MIN_STEPS + 1
"""With which a curve can have two breakpoints."""
HEAD_SHARE = 0.05
"""A plateau ends within this share of the ranks."""
FLAT = 0.15
"""A plateau's slope is less than this share of the power law's."""
SMALLEST_PLATEAU = 6
"""Neurons; among the few largest of any sample some lie level by chance."""
SMALLEST_FALL = 0.85
"""A plateau ends in a cliff: by so much, in natural log units, the influence falls from 0.8 to 3 times its
last rank. A flat head alone is common where nothing is planted: `tests/reference/make_plateaus.py`."""
FALL_SPAN = (0.8, 3.0)
"""Between which multiples of the breakpoint the fall is read."""
CURVES_AT_A_TIME = 64
"""Times some 1,400 pairs of breakpoints: what fits into the cache is twice as fast."""


@dataclass(frozen=True, slots=True, eq=False)
class RegimeFits:
    """Piecewise lines fitted to B curves, with as many breakpoints as BIC asks for."""

    breakpoints: NDArray[np.float64]
    """Ranks, ascending, shape (B, 2); NaN where there are fewer."""
    slopes: NDArray[np.float64]
    """d log influence / d log rank of each segment from the left, shape (B, 3); NaN beyond."""
    kappa: NDArray[np.float64]
    """Minus the slope of the power law, shape (B,)."""
    bic: NDArray[np.float64]
    """With 0, 1 and 2 breakpoints, shape (B, 3), NaN where there is no room for them; descriptive."""
    head_excess: NDArray[np.float64]
    """Mean residual of the points left of the power law against the power law extended to them, in
    natural log units, shape (B,). Negative where the head is flatter, positive where it is raised;
    0 where nothing is left of the power law."""
    plateau_flatness: NDArray[np.float64]
    """1 - |slope of the leftmost segment| / kappa, shape (B,); 0 where that is the power law
    itself; NaN where kappa is not positive."""
    plateau: NDArray[np.bool_]
    """Whether the curve begins with a plateau: the leftmost segment ends within the first `HEAD_SHARE` of
    the ranks, holds at least `SMALLEST_PLATEAU` neurons, its slope is less than `FLAT` of the power law's,
    and the influence falls by at least `SMALLEST_FALL` at its end; shape (B,)."""
    fall: NDArray[np.float64]
    """Log influence at 0.8 times the first breakpoint less that at 3 times, both read off the curve and not
    off its fit, shape (B,); NaN without a breakpoint or where 3 times it lies beyond the last rank."""
    plateau_size: NDArray[np.int64]
    """Neurons on the plateau, up to the rank of the first breakpoint; 0 without one, shape (B,)."""
    fitted: NDArray[np.float64]
    """Log influence of the fit, shape (B, P)."""


def fit_regimes(log_rank: FloatArray, log_influence: FloatArray) -> RegimeFits:
    """Fit continuous piecewise lines with up to two breakpoints by exhaustive search.

    Breakpoints lie on grid points; every segment spans at least four of them, its ends included.
    All pairs are tried, and of the best fits with 0, 1 and 2 breakpoints that of the smallest BIC
    is kept: P log(RSS / P) + p log P with p = 2, 4, 6 (each breakpoint has a place and a change of
    slope).

    Which segment is the power law: the middle one of three. Of two, the right one if the breakpoint
    lies within the first 5 % of ranks (what is left of it is then a head), else the left one (what
    is right of it is then the rapid decay). A single line is the power law itself. Fewer than
    `FEWEST_RANKS` points, those of a block of a few heads, get a single line whatever they are.

    Args:
        log_rank: Natural log of the ranks, ascending, shape (P,), at least 2; the last one is taken
            for the number of neurons.
        log_influence: Natural log of the influences, shape (B, P). A curve with a value that is not
            finite gets NaN throughout and no plateau.

    Returns:
        One entry per curve.

    Raises:
        ValueError: If shapes do not fit, there are too few points, or ranks do not ascend.

    Examples:
        A plateau of 8 neurons in a layer of 1,024, then a power law of exponent 1.

        >>> x = np.log(2.0 ** np.arange(0, 10.25, 0.25))
        >>> fit = fit_regimes(x, -np.maximum(x - np.log(8), 0)[None])  # falls by log 3 = 1.1 at its end
        >>> fit.plateau.tolist(), fit.plateau_size.tolist(), fit.kappa.round(6).tolist()
        ([True], [8], [1.0])
    """
    x = np.asarray(log_rank, dtype=np.float64)
    curves = np.asarray(log_influence, dtype=np.float64)
    if x.ndim != 1 or x.size < 2:
        raise ValueError(f"log_rank needs at least 2 points, got {x.shape}")
    if not np.all(np.diff(x) > 0) or not np.all(np.isfinite(x)):
        raise ValueError("log_rank must be finite and ascend")
    if curves.ndim != 2 or curves.shape[1] != x.size:
        raise ValueError(f"log_influence must have shape (B, {x.size}), got {curves.shape}")
    defined = np.all(np.isfinite(curves), axis=1)
    if x.size < FEWEST_RANKS:
        return _describe(x, curves, defined, *_single_lines(x, np.where(defined[:, None], curves, 0.0)))
    search = _search_on(x.tobytes())
    chosen = np.empty((curves.shape[0], 2), dtype=np.int64)
    number = np.empty(curves.shape[0], dtype=np.int64)
    bic = np.empty((curves.shape[0], 3))
    coefficients = np.empty((curves.shape[0], 4))
    safe = np.where(defined[:, None], curves, 0.0)
    for start in range(0, curves.shape[0], CURVES_AT_A_TIME):
        rows = slice(start, start + CURVES_AT_A_TIME)
        chosen[rows], number[rows], bic[rows], coefficients[rows] = search.fit(safe[rows])
    return _describe(x, curves, defined, chosen, number, bic, coefficients)


def _single_lines(
    x: NDArray[np.float64], curves: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """What `_Search.fit` returns where there is no room for a breakpoint; NaN for the BIC of any."""
    rows = len(curves)
    lines = curves @ np.linalg.pinv(np.stack([np.ones(x.size), x], axis=1)).T
    rss = np.square(curves - lines[:, :1] - lines[:, 1:] * x).sum(axis=1)
    bic = np.full((rows, 3), np.nan)
    bic[:, 0] = x.size * np.log(np.maximum(rss, 1e-20) / x.size) + 2 * np.log(x.size)
    chosen = np.zeros((rows, 2), dtype=np.int64)
    return chosen, chosen[:, 0], bic, np.column_stack([lines, np.zeros((rows, 2))])


@lru_cache(maxsize=16)
def _search_on(x: bytes) -> _Search:
    """One for each grid: every curve of a layer has the same."""
    return _Search(np.frombuffer(x))


class _Search:
    """Least squares over all breakpoints of one grid.

    A breakpoint at x_i adds the hinge max(x - x_i, 0) to the line. With the line projected out, a
    pair of hinges is two unit vectors with a known angle, so the residual of every pair follows
    from one product per hinge.
    """

    def __init__(self, x: NDArray[np.float64]) -> None:
        self.x = x
        n = x.size
        self.knots = np.arange(MIN_STEPS, n - MIN_STEPS)
        hinges = np.maximum(x[None, :] - x[self.knots, None], 0.0)
        self.line = np.linalg.pinv(np.stack([np.ones(n), x], axis=1))
        self.hinge_lines = hinges @ self.line.T
        flat = hinges - self._lines(self.hinge_lines)
        self.norms = np.linalg.norm(flat, axis=1)
        self.units = flat / self.norms[:, None]
        first, second = np.triu_indices(self.knots.size, MIN_STEPS)
        self.first, self.second = first, second
        self.cosine = np.einsum("pi,pi->p", self.units[first], self.units[second])
        self.sine2 = 1.0 - self.cosine**2

    def _lines(self, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        return coefficients[:, :1] + coefficients[:, 1:] * self.x

    def fit(
        self, curves: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Grid indices of the breakpoints, their number, BIC, and coefficients.

        Coefficients are intercept, slope, and the change of slope at each breakpoint.
        """
        n = self.x.size
        lines = curves @ self.line.T
        residual = curves - self._lines(lines)
        total = np.einsum("bp,bp->b", residual, residual)
        along = residual @ self.units.T
        best_one = np.argmax(along**2, axis=1)
        # Gram-Schmidt on each pair: what the second hinge adds to the first.
        added = along[:, self.second] - self.cosine * along[:, self.first]
        gain = along[:, self.first] ** 2 + added**2 / self.sine2
        best_two = np.argmax(gain, axis=1)
        rows = np.arange(curves.shape[0])
        rss = np.stack([total, total - along[rows, best_one] ** 2, total - gain[rows, best_two]], axis=1)
        # An exact fit leaves rounding errors, whose logarithms mean nothing.
        floor = (1e-12 * total + 1e-20 * n * (1.0 + np.mean(curves**2, axis=1)))[:, None]
        bic = n * np.log(np.maximum(rss, floor) / n) + np.array([2, 4, 6]) * np.log(n)
        number = np.argmin(bic, axis=1)
        first = np.where(number == 2, self.first[best_two], best_one)
        second = self.second[best_two]
        cosine, sine2 = self.cosine[best_two], self.sine2[best_two]
        along_first, along_second = along[rows, first], along[rows, second]
        both = number == 2
        change_first = np.where(both, (along_first - cosine * along_second) / sine2, along_first)
        change_second = np.where(both, (along_second - cosine * along_first) / sine2, 0.0)
        change_first = np.where(number > 0, change_first, 0.0) / self.norms[first]
        change_second = change_second / self.norms[second]
        base = (
            lines
            - change_first[:, None] * self.hinge_lines[first]
            - change_second[:, None] * self.hinge_lines[second]
        )
        chosen = np.stack([self.knots[first], self.knots[second]], axis=1)
        coefficients = np.column_stack([base, change_first, change_second])
        return chosen, number, bic, coefficients


def _describe(
    x: NDArray[np.float64],
    curves: NDArray[np.float64],
    defined: NDArray[np.bool_],
    chosen: NDArray[np.int64],
    number: NDArray[np.int64],
    bic: NDArray[np.float64],
    coefficients: NDArray[np.float64],
) -> RegimeFits:
    """Regimes of fitted lines."""
    rank = np.exp(x)
    has = number[:, None] > np.arange(2)
    breakpoints = np.where(has, rank[chosen], np.nan)
    slopes = np.cumsum(coefficients[:, 1:], axis=1)
    slopes[:, 1:][~has] = np.nan
    # NaN compares as False, so a curve without a breakpoint has no head.
    in_head = breakpoints[:, 0] <= HEAD_SHARE * rank[-1]
    headed = (number == 2) | ((number == 1) & in_head)
    kappa = -np.where(headed, slopes[:, 1], slopes[:, 0])
    flatness = np.full(kappa.shape, np.nan)
    np.divide(np.abs(slopes[:, 0]), kappa, out=flatness, where=kappa > 0)
    flatness = 1.0 - flatness
    size = np.where(number > 0, np.rint(rank[chosen[:, 0]]), 0).astype(np.int64)
    fall = np.where(number > 0, _fall(x, curves, chosen[:, 0]), np.nan)
    cliff = (size >= SMALLEST_PLATEAU) & (fall >= SMALLEST_FALL)
    plateau = headed & in_head & (flatness > 1.0 - FLAT) & cliff & defined
    hinge_first = np.maximum(x - x[chosen[:, :1]], 0.0) * coefficients[:, 2:3]
    hinge_second = np.maximum(x - x[chosen[:, 1:]], 0.0) * coefficients[:, 3:]
    fitted = coefficients[:, :1] + coefficients[:, 1:2] * x + hinge_first + hinge_second
    # The power law extended to the left: the first hinge without its bend.
    extended = coefficients[:, :1] + coefficients[:, 1:2] * x + (x - x[chosen[:, :1]]) * coefficients[:, 2:3]
    left = (x < x[chosen[:, :1]]) & headed[:, None]
    residual = np.where(left & defined[:, None], curves - extended, 0.0)
    excess = residual.sum(axis=1) / np.maximum(left.sum(axis=1), 1)
    undefined = np.where(defined, 0.0, np.nan)
    return RegimeFits(
        breakpoints=breakpoints + undefined[:, None],
        slopes=slopes + undefined[:, None],
        kappa=kappa + undefined,
        bic=bic + undefined[:, None],
        head_excess=excess + undefined,
        plateau_flatness=flatness + undefined,
        plateau=plateau,
        fall=fall + undefined,
        plateau_size=np.where(plateau, size, 0),
        fitted=fitted + undefined[:, None],
    )


def _fall(x: NDArray[np.float64], curves: NDArray[np.float64], first: NDArray[np.int64]) -> FloatArray:
    """How far each curve falls around its first breakpoint, interpolated in log rank."""
    rows = np.arange(len(curves))
    ends = []
    for factor in FALL_SPAN:
        place = x[first] + np.log(factor)
        above = np.clip(np.searchsorted(x, place), 1, x.size - 1)
        share = (place - x[above - 1]) / (x[above] - x[above - 1])
        value = (1 - share) * curves[rows, above - 1] + share * curves[rows, above]
        ends.append(np.where(place <= x[-1], value, np.nan))
    return np.asarray(ends[0] - ends[1])
