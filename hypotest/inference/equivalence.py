"""Equivalence: margins, two one-sided tests, and the one outcome of a prediction.

Effects are differences from a reference (the mean of a null, another condition, a number), in the
measure's own unit; margins are ranges of effects around 0.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from hypotest.records.evidence import FloatArray
from hypotest.records.prediction import Margin, Outcome
from hypotest.records.results import Interval

MINIMUM_CEILING = 0.90
"""A margin that holds fewer of the null's own draws cannot show equivalence."""


def resolve_margin(
    margin: Margin, null_mean: float | None = None, null_sd: float | None = None
) -> tuple[float, float]:
    """Range of effects that count as equivalent, symmetric around 0.

    Args:
        margin: Raw, a share of the null's mean, or a number of null SDs.
        null_mean: Mean of the null; needed for a ratio, of which the size counts.
        null_sd: SD of the size_matched null; needed for ``null_sd``.

    Returns:
        (low, high) in the measure's unit, low = -high.

    Raises:
        ValueError: If the number that the margin refers to is missing or not finite.

    Examples:
        >>> resolve_margin(Margin(null_sd=2), null_mean=10.0, null_sd=0.5)
        (-1.0, 1.0)
    """
    if margin.raw is not None:
        return -margin.raw, margin.raw
    kind, factor, scale = (
        ("ratio", margin.ratio, null_mean)
        if margin.ratio is not None
        else ("null_sd", margin.null_sd, null_sd)
    )
    if factor is None or scale is None or not np.isfinite(scale):
        source = "mean of the null" if kind == "ratio" else "SD of the size_matched null"
        raise ValueError(f"a margin in {kind} needs the {source}, found {scale}")
    half_width = float(factor * abs(scale))
    return -half_width, half_width


def equivalence_ceiling(
    draws: FloatArray, margin: tuple[float, float], null_mean: float | None = None
) -> float:
    """Share of null draws whose effect lies inside the margin: the best chance of `equivalent`.

    Args:
        draws: Statistic of each control group, shape ``(n_draws,)``; undefined ones lie outside.
        margin: Range of effects that count as equivalent.
        null_mean: What effects are differences from; by default the mean of the defined draws.

    Returns:
        Share, 0 to 1.

    Raises:
        ValueError: If there are no draws, or none is defined and no mean is given.
    """
    draws = np.asarray(draws, dtype=np.float64)
    defined = draws[np.isfinite(draws)]
    if draws.size == 0 or (null_mean is None and defined.size == 0):
        raise ValueError("the ceiling needs at least one defined draw")
    effects = defined - (defined.mean() if null_mean is None else null_mean)
    inside = (effects >= margin[0]) & (effects <= margin[1])
    return float(np.count_nonzero(inside)) / draws.size


def t_p_value(effect: float, standard_error: float, degrees_of_freedom: int) -> float:
    """Two-sided p-value of effect / standard error on Student's t; for contrasts with a number.

    Args:
        effect: The effect or, for agreement with an interval, the interval's centre.
        standard_error: Not negative; with 0, p is 0, or 1 for no effect at all.
        degrees_of_freedom: Of t, at least 1.

    Returns:
        p-value, 0 to 1.

    Raises:
        ValueError: If the standard error is negative.
    """
    if standard_error < 0:
        raise ValueError(f"a standard error cannot be negative, found {standard_error}")
    return min(1.0, 2 * _upper_tail(abs(effect), standard_error, degrees_of_freedom))


def equivalence_p(interval: Interval, margin: tuple[float, float]) -> float:
    """P-value of two one-sided t tests against the margin.

    p = max(P(t > (c - low) / se), P(t > (high - c) / se)), with c the interval's (bias-corrected)
    centre and se its standard error. Then p <= a exactly when the 1 - 2a interval lies inside the
    margin [1].

    Args:
        interval: Of the effect, at any level.
        margin: Range of effects that count as equivalent.

    Returns:
        The larger one-sided p-value.

    References:
        [1] Schuirmann (1987), doi:10.1007/BF01068419; Lakens (2017), doi:10.1177/1948550617697177.
    """
    centre, error = (interval.low + interval.high) / 2, interval.standard_error
    return max(
        _upper_tail(centre - margin[0], error, interval.degrees_of_freedom),
        _upper_tail(margin[1] - centre, error, interval.degrees_of_freedom),
    )


def beyond_p(interval: Interval, margin: tuple[float, float], direction: float) -> float:
    """P-value of one one-sided t test that the effect lies beyond the margin, on the side of `direction`.

    Tests that the effect is at most ``high`` (at least ``low`` for a negative direction):
    p = P(t > (c - high) / se), with c the interval's centre and se its standard error.

    A hypothesis that expects `equivalent` says that the effect lies inside the margin. A difference
    from zero does not contradict that: with enough data every effect inside the margin is
    significant. What contradicts it is an effect beyond the margin.

    Args:
        interval: Of the effect, at any level.
        margin: Range of effects that count as equivalent.
        direction: Its sign counts.

    Returns:
        The one-sided p-value.

    References:
        Minimum-effect test: Murphy & Myors (1999), doi:10.1037/0021-9010.84.2.234. With the two
        equivalence tests it makes the three-sided test of Goeman, Solari & Stijnen (2010),
        doi:10.1002/sim.4002.
    """
    centre = (interval.low + interval.high) / 2
    distance = centre - margin[1] if direction > 0 else margin[0] - centre
    return _upper_tail(distance, interval.standard_error, interval.degrees_of_freedom)


def classify(
    *,
    effect: float,
    p_value: float | None,
    interval: Interval | None,
    margin: tuple[float, float] | None,
    level: float,
    ceiling: float | None = None,
    point_only: bool = False,
    percentile: float | None = None,
) -> tuple[Outcome, tuple[str, ...]]:
    """The one outcome of a prediction, at the unadjusted level.

    `equivalent` comes first: the 1 - 2 level interval lies inside the margin. Else `less` or
    `greater` if p <= level, else `inconclusive`: a difference that is not significant never says
    "no difference" [1].

    Args:
        effect: Observed - reference.
        p_value: Of the difference, two-sided; None if it has none.
        interval: Of the effect, at any level; None for measures without documents.
        margin: Range of effects that count as equivalent; without one `equivalent` is no outcome.
        level: Such as 0.05.
        ceiling: Share of null draws inside the margin; below `MINIMUM_CEILING` equivalence is not
            concluded.
        point_only: For measures without documents: the effect itself has to lie inside the margin.
        percentile: Of the observed value among the draws, 0 to 100. The direction of a significant
            effect is relative to their median; without a percentile it is the effect's sign.

    Returns:
        The outcome, and what a reader must know about it.

    References:
        [1] Goeman, Solari & Stijnen (2010), doi:10.1002/sim.4002.
    """
    significant = p_value is not None and p_value <= level
    notes = []
    if margin is not None and _inside(effect, interval, margin, level, point_only):
        if ceiling is not None and ceiling < MINIMUM_CEILING:
            notes.append(
                f"inside the margin, but only {ceiling:.0%} of the null's own draws are "
                f"({MINIMUM_CEILING:.0%} needed): equivalence is not concluded"
            )
        else:
            if point_only:
                notes.append(
                    "the value itself lies inside the margin; without documents there is no "
                    "interval, so this supports and never refutes"
                )
            if significant:
                notes.append("the difference is significant and lies inside the margin: too small to matter")
            return "equivalent", tuple(notes)
    direction = effect if percentile is None else percentile - 50
    if significant and direction != 0:
        return ("less" if direction < 0 else "greater"), tuple(notes)
    return "inconclusive", tuple(notes)


def allowed_extremes(n_draws: int, level: float) -> int:
    """Most draws beyond the observed value with which a two-sided p-value still passes the level.

    The largest b with 2 (b + 1) / (B + 1) <= level; negative if even b = 0 does not pass.

    Examples:
        >>> allowed_extremes(39, 0.05), allowed_extremes(38, 0.05), allowed_extremes(9999, 0.05)
        (0, -1, 249)
    """
    # 1e-9: level (B + 1) / 2 is often a whole number that floating point puts just below itself.
    return int(np.floor(level * (n_draws + 1) / 2 + 1e-9)) - 1


def smallest_effect(spread: FloatArray | Interval, level: float) -> float | None:
    """Size that an effect had to exceed to be significant, in either direction, two-sided.

    Among B draws the observed value must lie beyond all but b of them with 2 (b + 1) / (B + 1) <=
    level; the larger of the two distances from their mean is returned. On an interval: t times its
    standard error.

    Args:
        spread: Draws of the null, shape ``(n_draws,)`` (undefined ones count as extreme in both
            tails), or an interval of the effect.
        level: Such as 0.05.

    Returns:
        Size in the measure's unit; None if no effect could be significant with so few draws.

    Examples:
        >>> smallest_effect(np.arange(-19.0, 20.0), 0.05)  # 39 draws: beyond all of them, 2/40
        19.0
    """
    if isinstance(spread, Interval):
        critical = float(stats.t.ppf(1 - level / 2, spread.degrees_of_freedom))
        return critical * spread.standard_error
    draws = np.asarray(spread, dtype=np.float64)
    defined = np.sort(draws[np.isfinite(draws)])
    allowed = allowed_extremes(draws.size, level) - (draws.size - defined.size)
    if allowed < 0 or allowed >= defined.size:
        return None
    mean = float(defined.mean())
    return max(mean - float(defined[allowed]), float(defined[-1 - allowed]) - mean)


def _inside(
    effect: float,
    interval: Interval | None,
    margin: tuple[float, float],
    level: float,
    point_only: bool,
) -> bool:
    if point_only:
        return margin[0] <= effect <= margin[1]
    return interval is not None and equivalence_p(interval, margin) <= level


def _upper_tail(distance: float, standard_error: float, degrees_of_freedom: int) -> float:
    """P(t > distance / standard error); without any error 0 for a positive distance, else 1."""
    if standard_error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stats.t.sf(distance / standard_error, degrees_of_freedom))
