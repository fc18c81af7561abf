"""What a test will see: the probability of each outcome, before there are data.

Effects are differences from a reference in the measure's own unit, as in `hypotest.inference.equivalence`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hypotest.inference.equivalence import allowed_extremes, smallest_effect
from hypotest.inference.margins import MINIMUM_CEILING
from hypotest.records.evidence.arrays import FloatArray

_QUANTILES = 400  # of chi-square, over which the equivalence test's power is averaged
_DOUBLINGS = 40
_BISECTIONS = 40


def randomization_power(draws: FloatArray, effect: float, n_draws: int, level: float) -> float:
    """Probability that a two-sided randomization test among B fresh draws gives p <= level.

    The group is a draw of the null moved by the effect, x = x_i + effect, each draw as likely as another.
    With U and L the shares of the null at or above and at or below x, the numbers of B draws there are
    binomial, and the test rejects when either is at most c = `allowed_extremes`:

        power = mean_i [P(Bin(B, U_i) <= c) + P(Bin(B, L_i) <= c)]

    The null's shape is that of the draws at hand; nothing is assumed normal. Without an effect this is
    2 (c + 1) / (B + 1), the test's true level, up to the resolution of the draws.

    Args:
        draws: Of the null, shape ``(n,)``, any number of them; undefined ones count as extreme on both sides.
        effect: Added to the group's value.
        n_draws: B, the draws of the test to come.
        level: Such as 0.05.

    Raises:
        ValueError: If no draw is defined.
    """
    draws = np.asarray(draws, dtype=np.float64)
    ordered = np.sort(draws[np.isfinite(draws)])
    if ordered.size == 0:
        raise ValueError("the power of a test needs at least one defined draw")
    allowed = allowed_extremes(n_draws, level)
    if allowed < 0:
        return 0.0
    undefined = draws.size - ordered.size
    moved = ordered + effect
    rejects = _rejection_by_count(draws.size, n_draws, allowed)
    upper = rejects[ordered.size - np.searchsorted(ordered, moved, "left") + undefined]
    lower = rejects[np.searchsorted(ordered, moved, "right") + undefined]
    return float(np.minimum(upper + lower, 1.0).mean())


@lru_cache(maxsize=64)
def _rejection_by_count(size: int, n_draws: int, allowed: int) -> NDArray[np.float64]:
    """P(Bin(B, j / size) <= allowed) for j = 0 ... size."""
    return np.asarray(stats.binom.cdf(allowed, n_draws, np.arange(size + 1) / size))


def smallest_significant(draws: FloatArray, n_draws: int, level: float) -> float | None:
    """Size beyond which an effect is significant among B draws, in either direction.

    Args:
        draws: Of the null, at hand.
        n_draws: B, the draws of the test to come.
        level: Such as 0.05; what the test attains is 2 (b + 1) / (B + 1).

    Returns:
        Size in the measure's unit; None if no effect can be significant with B draws, or if the draws at
        hand are too few to tell.
    """
    allowed = allowed_extremes(n_draws, level)
    return None if allowed < 0 else smallest_effect(draws, 2 * (allowed + 1) / (n_draws + 1))


def t_power(effect: float, standard_error: float, degrees_of_freedom: int, level: float) -> float:
    """Probability that a two-sided t test gives p <= level.

    P(|t'| > t(1 - level/2)) with t' noncentral, its noncentrality effect / standard error.

    Raises:
        ValueError: If the standard error is not positive.
    """
    if standard_error <= 0:
        raise ValueError(f"a standard error must be positive, found {standard_error}")
    critical = stats.t.ppf(1 - level / 2, degrees_of_freedom)
    centre = abs(effect) / standard_error
    above = stats.nct.sf(critical, degrees_of_freedom, centre)
    below = stats.nct.cdf(-critical, degrees_of_freedom, centre)
    # far out scipy's noncentral t is nan, and the power 1 or the other tail 0
    return float(min(1.0, np.nan_to_num(above, nan=1.0) + np.nan_to_num(below, nan=0.0)))


def t_smallest(standard_error: float, degrees_of_freedom: int, level: float) -> float:
    """Size beyond which an effect is significant in a two-sided t test: t(1 - level/2) standard errors."""
    return float(stats.t.ppf(1 - level / 2, degrees_of_freedom)) * standard_error


def equivalence_power(
    effect: float, margin: float, standard_error: float, degrees_of_freedom: int, level: float
) -> float:
    """Probability that two one-sided t tests show equivalence, for a true effect.

    The estimate is normal around the effect, its standard error S estimated on nu degrees of freedom.
    Equivalence is shown when |estimate| <= margin - t S, so that

        power = E_S [Phi((margin - t S - effect) / s) - Phi((-margin + t S - effect) / s)]+

    averaged over the quantiles of S = s sqrt(chi2(nu) / nu).

    Args:
        effect: True effect.
        margin: Half-width of the range that counts as equivalent.
        standard_error: s, positive.
        degrees_of_freedom: nu.
        level: Of each of the two tests.

    Raises:
        ValueError: If the standard error is not positive.

    References:
        Phillips (1990), doi:10.1007/BF01063556 (the same by numerical integration).
    """
    if standard_error <= 0:
        raise ValueError(f"a standard error must be positive, found {standard_error}")
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    estimated = standard_error * np.sqrt(stats.chi2.ppf(places, degrees_of_freedom) / degrees_of_freedom)
    reach = margin - stats.t.ppf(1 - level, degrees_of_freedom) * estimated
    inside = stats.norm.cdf((reach - effect) / standard_error) - stats.norm.cdf(
        (-reach - effect) / standard_error
    )
    return float(np.maximum(inside, 0.0).mean())


def ordinary_equivalence(
    effects: FloatArray,
    margin: float,
    standard_error: float,
    degrees_of_freedom: int,
    level: float,
    effect: float = 0.0,
) -> float:
    """Probability that an ordinary group, a draw of the null, is shown to be equivalent to it.

    The share of draws whose 1 - 2 level interval lies inside the margin: |effect| + t s <= margin. It is at
    most the ceiling, the share of draws that lie inside themselves; below `MINIMUM_CEILING` equivalence is
    never concluded, and the probability is 0.

    Args:
        effects: Draws less their mean, shape ``(n,)``; undefined ones lie outside.
        margin: Half-width of the range that counts as equivalent.
        standard_error: s, of an effect over documents.
        degrees_of_freedom: Of t.
        level: Of each of the two tests.
        effect: By which the group is moved; the ceiling is that of the null as it is.
    """
    ordinary = np.nan_to_num(np.asarray(effects, dtype=np.float64), nan=np.inf)
    if np.mean(np.abs(ordinary) <= margin) < MINIMUM_CEILING:
        return 0.0
    size = np.abs(ordinary + effect)
    half_width = float(stats.t.ppf(1 - level, degrees_of_freedom)) * standard_error
    return float(np.mean(size + half_width <= margin))


def effect_seen(power: Callable[[float], float], scale: float, target: float) -> float | None:
    """Smallest effect that a test sees with a given probability, by bisection.

    Args:
        power: From an effect, at least 0, to the probability; must not fall.
        scale: An effect of ordinary size, positive, where the search begins.
        target: Probability, such as 0.8.

    Returns:
        The effect; None if no effect is seen so often.
    """
    high = scale
    for _ in range(_DOUBLINGS):
        if power(high) >= target:
            break
        high *= 2
    else:
        return None
    low = 0.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= target else (middle, high)
        if high - low <= 1e-4 * scale:
            break
    return high


def null_spread(
    sd: float, thinned_sd: float, documents: int, planned: NDArray[np.floating] | int
) -> NDArray[np.float64]:
    """SD of a null with other numbers of documents, as a share of the SD at hand.

    Part of a null's variance is how groups differ, part is noise over documents: var(D) = a + b / D. Two
    numbers of documents, D and half of them, tell a and b apart; b is kept between 0 and var(D) D.

    Args:
        sd: With all documents at hand.
        thinned_sd: With half of them.
        documents: D.
        planned: Other numbers of documents.

    Returns:
        sqrt(var(planned) / var(D)), the shape of ``planned``; 1 where the null does not vary.
    """
    planned = np.asarray(planned, dtype=np.float64)
    if sd <= 0:
        return np.ones(planned.shape)
    noise = float(np.clip((thinned_sd / sd) ** 2 - 1, 0, 1))
    return np.asarray(np.sqrt(1 + noise * (documents / planned - 1)))
