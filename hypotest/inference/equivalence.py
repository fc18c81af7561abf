"""Equivalence: margins, two one-sided tests, and the one outcome of a prediction.

Effects are differences from a reference (the mean of a null, another condition, a number), in the
measure's own unit; margins are ranges of effects around 0.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr, stdtrit

from hypotest.inference.margins import MINIMUM_CEILING
from hypotest.inference.rounding import tie_width
from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.protocol.prediction import Outcome
from hypotest.records.results.prediction_result import Interval


def t_p_value(effect: float, standard_error: float, degrees_of_freedom: int, *, scale: float = 1.0) -> float:
    """Two-sided p-value of effect / standard error on Student's t; for contrasts with a number.

    Args:
        effect: The effect or, for agreement with an interval, the interval's centre.
        standard_error: Not negative; with 0, p is 0, or 1 for no effect at all.
        degrees_of_freedom: Of t, at least 1.
        scale: Size of the terms behind the effect, in its unit. An effect within their rounding errors is
            none (`hypotest.inference.rounding`): its standard error is rounding as well, and the ratio of
            both means nothing.

    Returns:
        p-value, 0 to 1.

    Raises:
        ValueError: If the standard error is negative.
    """
    if standard_error < 0:
        raise ValueError(f"a standard error cannot be negative, found {standard_error}")
    if abs(effect) <= tie_width(effect, 0.0, scale):
        return 1.0
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


def direction_of(effect: float, interval: Interval | None, percentile: float | None) -> float:
    """A number whose sign is the direction of an effect, from the same centre as its p-value.

    A randomization p-value counts draws on either side of the observed value, so its direction is
    relative to their median (percentile - 50). A p-value by t is that of the interval's centre,
    2 T - mean(T*), which is corrected for bias; the plain effect may lie on the other side of 0.

    Args:
        effect: Observed - reference; its sign counts only where there is neither of the others.
        interval: Of the effect; None for measures without one.
        percentile: Of the observed value among the draws behind p, 0 to 100; None where p is by t.

    Examples:
        >>> half = 1.697 * 0.005  # t(0.95; 30)
        >>> direction_of(-1e-3, Interval(0.02 - half, 0.02 + half, 0.90, 0.005, 30), None) > 0
        True
        >>> direction_of(0.5, None, 20.0) > 0
        False
    """
    if percentile is not None:
        return percentile - 50
    return effect if interval is None else (interval.low + interval.high) / 2


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
        direction: Its sign counts, that of the outcome (`direction_of`); 0 is no direction.

    Returns:
        The one-sided p-value; 1 without a direction.

    References:
        Minimum-effect test: Murphy & Myors (1999), doi:10.1037/0021-9010.84.2.234. With the two
        equivalence tests it makes the three-sided test of Goeman, Solari & Stijnen (2010),
        doi:10.1002/sim.4002.
    """
    if direction == 0:
        return 1.0
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
    percentile: float | None = None,
) -> tuple[Outcome, tuple[str, ...]]:
    """The one outcome of a prediction, at the unadjusted level.

    `equivalent` comes first: the 1 - 2 level interval lies inside the margin. Else `less` or
    `greater` if p <= level, else `inconclusive`: a difference that is not significant never says
    "no difference" [1], and neither does a value inside the margin that has no interval. The
    direction is that of `direction_of`, from the same centre as p. Where the whole interval lies on
    the other side of 0 (the bootstrap's bias is larger than the effect), nothing is concluded.

    Args:
        effect: Observed - reference.
        p_value: Of the difference, two-sided; None if it has none. Without a percentile it must be
            that of the interval's centre.
        interval: Of the effect, at any level; None where there is none.
        margin: Range of effects that count as equivalent; without one `equivalent` is no outcome.
        level: Such as 0.05.
        ceiling: Share of null draws inside the margin; below `MINIMUM_CEILING` equivalence is not
            concluded.
        percentile: Of the observed value among the draws behind p, 0 to 100; None where p is by t.

    Returns:
        The outcome, and what a reader must know about it.

    References:
        [1] Goeman, Solari & Stijnen (2010), doi:10.1002/sim.4002.
    """
    significant = p_value is not None and p_value <= level
    notes = []
    inside = margin is not None and interval is not None and equivalence_p(interval, margin) <= level
    if inside:
        if ceiling is not None and ceiling < MINIMUM_CEILING:
            notes.append(
                f"inside the margin, but only {ceiling:.0%} of the null's own draws are "
                f"({MINIMUM_CEILING:.0%} needed): equivalence is not concluded"
            )
        else:
            if significant:
                notes.append("the difference is significant and lies inside the margin: too small to matter")
            return "equivalent", tuple(notes)
    direction = direction_of(effect, interval, percentile)
    if significant and direction != 0:
        outcome: Outcome = "less" if direction < 0 else "greater"
        nearest = None if interval is None else interval.high if direction > 0 else -interval.low
        if nearest is None or nearest >= 0:
            return outcome, tuple(notes)
        notes.append(
            f"{outcome} among the draws, but the interval of the effect, corrected for bias, lies wholly on "
            "the other side of 0: nothing is concluded"
        )
    elif margin is not None and interval is None and not significant:
        notes.append(
            "equivalence is not concluded: without an interval, a value inside the margin proves nothing"
        )
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
        critical = float(stdtrit(spread.degrees_of_freedom, 1 - level / 2))
        return critical * spread.standard_error
    draws = np.asarray(spread, dtype=np.float64)
    defined = np.sort(draws[np.isfinite(draws)])
    allowed = allowed_extremes(draws.size, level) - (draws.size - defined.size)
    if allowed < 0 or allowed >= defined.size:
        return None
    mean = float(defined.mean())
    return max(mean - float(defined[allowed]), float(defined[-1 - allowed]) - mean)


def _upper_tail(distance: float, standard_error: float, degrees_of_freedom: int) -> float:
    """P(t > distance / standard error); without any error 0 for a positive distance, else 1."""
    if standard_error == 0:
        return 0.0 if distance > 0 else 1.0
    return float(stdtr(degrees_of_freedom, -distance / standard_error))
