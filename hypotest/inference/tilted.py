"""Membership that a hidden cause tilts: in each bin, some units have larger odds to be members than others.

Given how many members a bin has, the number among its favoured units has Fisher's noncentral hypergeometric
distribution, and within the favoured and the others every subset is as likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from hypotest.records.evidence.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Bin:
    """Units among which membership is dealt out, some of them members."""

    units: NDArray[np.int64]
    n_members: int


def movable_bins(bins: IntArray, group: IntArray) -> tuple[tuple[Bin, ...], NDArray[np.int64]]:
    """Bins in which members can change places, and the members of the others.

    Args:
        bins: Bin of each unit, shape (n_units,).
        group: Members, shape (k,).
    """
    labels, inside = np.asarray(bins), np.zeros(len(bins), dtype=bool)
    inside[np.asarray(group)] = True
    movable, fixed = [], []
    for label in np.unique(labels[inside]):
        units = np.flatnonzero(labels == label)
        n_members = int(np.count_nonzero(inside[units]))
        if n_members < units.size:
            movable.append(Bin(units, n_members))
        else:
            fixed.append(units)
    return tuple(movable), np.concatenate([np.empty(0, dtype=np.int64), *fixed])


@dataclass(frozen=True, slots=True, eq=False)
class Tilt:
    """A hidden cause: in each bin, the units that it favours."""

    bins: tuple[Bin, ...]
    favoured: tuple[NDArray[np.int64], ...]

    def numbers(self, place: int, log_strength: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Possible numbers of favoured members in a bin, and their probabilities."""
        one, chosen = self.bins[place], self.favoured[place].size
        return noncentral(chosen, one.units.size - chosen, one.n_members, log_strength)

    def draw(self, log_strength: float, n_draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Groups under it, without the members that cannot move, shape (n_draws, n_movable)."""
        parts = []
        for place, (one, favoured) in enumerate(zip(self.bins, self.favoured, strict=True)):
            number, probability = self.numbers(place, log_strength)
            taken = rng.choice(number, size=n_draws, p=probability)
            others = np.setdiff1d(one.units, favoured)
            ordered = np.concatenate([_shuffled(favoured, n_draws, rng), _shuffled(others, n_draws, rng)], 1)
            rank = np.concatenate([np.arange(favoured.size), np.arange(others.size)])
            limits = np.where(
                np.arange(one.units.size) < favoured.size, taken[:, None], one.n_members - taken[:, None]
            )
            parts.append(ordered[rank < limits].reshape(n_draws, one.n_members))
        return np.concatenate(parts, axis=1)

    def log_odds(self, groups: IntArray, n_units: int, strengths: Sequence[float]) -> NDArray[np.float64]:
        """Log probability of groups under logarithms of the strength, but for a constant of all.

        Returns:
            Shape (n_strengths, n_groups).
        """
        marked = np.zeros(n_units)
        marked[np.concatenate(self.favoured)] = 1.0
        number = marked[np.asarray(groups)].sum(axis=1)
        return np.stack([value * number - self._log_total(value) for value in strengths])

    def _log_total(self, log_strength: float) -> float:
        total = 0.0
        for one, favoured in zip(self.bins, self.favoured, strict=True):
            x, log_ways = _log_ways(favoured.size, one.units.size - favoured.size, one.n_members)
            total += float(logsumexp(log_ways + log_strength * x))
        return total


def _shuffled(units: NDArray[np.int64], n_draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permuted(np.tile(units, (n_draws, 1)), axis=1)


def _log_ways(favoured: int, others: int, taken: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    x = np.arange(max(0, taken - others), min(favoured, taken) + 1)

    def log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    return x, log_choose(favoured, x) + log_choose(others, taken - x)


def noncentral(
    favoured: int, others: int, taken: int, log_strength: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Fisher's noncentral hypergeometric distribution of the number of favoured units among those taken.

    P(x) is proportional to (favoured choose x)(others choose taken - x) exp(x log_strength).

    Returns:
        Values and their probabilities.

    Examples:
        >>> noncentral(1, 1, 1, np.log(3.0))[1].round(12).tolist()  # odds of 3 to 1
        [0.25, 0.75]
    """
    x, log_ways = _log_ways(favoured, others, taken)
    log_p = log_ways + log_strength * x
    return x, np.exp(log_p - logsumexp(log_p))


def worst_tilt(bins: Sequence[Bin], scores: FloatArray, log_strength: float) -> tuple[Tilt, float]:
    """The cause that raises the expected sum of the members' scores most.

    Each bin is cut by score; of its cuts, that with the largest expected sum.

    Args:
        bins: Those in which members can move.
        scores: Of every unit, shape (n_units,).
        log_strength: Logarithm of the odds.

    Returns:
        The cause, and by how much it raises the expected sum.
    """
    favoured, gain = [], 0.0
    for one in bins:
        order = one.units[np.argsort(-scores[one.units], kind="stable")]
        sums = np.cumsum(scores[order])
        n, mean = order.size, sums[-1] / order.size
        best, cut = -np.inf, 1
        for size in range(1, n):
            x, p = noncentral(size, n - size, one.n_members, log_strength)
            expected = float(x @ p)
            high, low = sums[size - 1] / size, (sums[-1] - sums[size - 1]) / (n - size)
            raised = expected * high + (one.n_members - expected) * low - one.n_members * mean
            if raised > best:
                best, cut = raised, size
        favoured.append(order[:cut])
        gain += best
    return Tilt(tuple(bins), tuple(favoured)), gain
