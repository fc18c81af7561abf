"""The binomial interval of a share of trials."""

from __future__ import annotations

from hypotest.records.rate import Rate


def rate_within(count: int, n: int, confidence: float) -> Rate:
    """A share with its Clopper-Pearson interval.

    Args:
        count: Trials of the kind that is asked for.
        n: All of them, at least one.
        confidence: Of the interval, in (0, 1).

    Examples:
        Nothing in 10, at 99 %: the upper limit u solves (1 - u)^10 = 0.005.

        >>> rate = rate_within(0, 10, 0.99)
        >>> rate.low, round(rate.high, 4), round(1 - 0.005 ** (1 / 10), 4)
        (0.0, 0.4113, 0.4113)
    """
    from statsmodels.stats.proportion import proportion_confint  # takes long to import

    low, high = proportion_confint(count, n, alpha=1 - confidence, method="beta")
    return Rate(n=n, count=count, low=float(low), high=float(high))
