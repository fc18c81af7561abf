"""Margins of equivalence: what a protocol declares as a range of effects, and whether a null leaves room.

Effects are differences from a reference, in the measure's own unit.
"""

from __future__ import annotations

import numpy as np

from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.protocol.prediction import Margin

MINIMUM_CEILING = 0.90
"""A margin that holds fewer of the null's own draws cannot show equivalence."""


def diluted(kept: float, kept_by_random: float) -> float:
    """How much of a difference is left where a null's groups keep members of the group.

    A draw that keeps a share s of the group differs from it in 1 - s of its members only, and so does
    whatever is measured: of a group that differs from its neighbours by D, groups that keep s of it show
    (1 - s) D. A margin that was meant for D would be met by nearly every group, however unlike its
    neighbours.

    Simulated (``tests/benchmarks/dilution.py``, 300 layers: neurons with a property among neighbours without
    it, bins of 10, no error over documents), `equivalent` at 2 SDs of random groups was said of groups whose
    whole difference exceeds these as often as this, where 4, 6, 8 or 9 in 10 of their bins are members:

    | | margin as declared | narrowed |
    | --- | --- | --- |
    | a mean | 0.34, 0.60, 0.98, 1.00 | 0.08, 0.01, 0, 0 |
    | effective dimension of correlations | 0.17, 0.43, 0.99, 1.00 | 0.02, 0, 0, 0 |
    | effective dimension of covariance | 0.59, 0.88, 1.00, 1.00 | 0.05, 0.03, 0, 0 |
    | modularity Q | 0.12, 0.40, 0.66, 0.86 | 0, 0, 0, 0 |
    | segregation | 0.04, 0.10, 0.29, 0.30 | 0.01, 0, 0, 0 |
    | participation ratio of correlations | 0.14, 0.17, 0.21, 0.22 | 0.02, 0, 0, 0 |
    | Hill alpha | 0.07, 0.18, 0.98, 0.99 | 0, 0, 0.09, 0.17 |

    Of ordinary groups it is then said in 0.05 to 0.58 at 4 in 10, in 0.16 at most at 6, and never beyond: so
    few neighbours tell nothing of that size. (1 - s) D is exact for means; measures of pairs (segregation,
    participation ratio) keep up to twice that, effective dimension and Hill alpha a half to two thirds.

    Args:
        kept: Share of the group that these groups keep on average, 0 to 1.
        kept_by_random: The same of random groups, k / N: an SD of theirs already holds it.

    Returns:
        (1 - kept) / (1 - kept_by_random), at most 1.

    Examples:
        >>> diluted(0.75, 0.0), diluted(0.1, 0.1)
        (0.25, 1.0)
    """
    return min(1.0, (1 - kept) / (1 - kept_by_random)) if kept_by_random < 1 else 1.0


def resolve_margin(
    margin: Margin, null_mean: float | None = None, null_sd: float | None = None, exchanged: float = 1.0
) -> tuple[float, float]:
    """Range of effects that count as equivalent, symmetric around 0.

    Args:
        margin: Raw, a share of the null's mean, or a number of null SDs.
        null_mean: Mean of the null; needed for a ratio, of which the size counts.
        null_sd: SD of random groups; needed for ``null_sd``.
        exchanged: How much of a difference the contrast can show (`diluted`), over 0 to 1.

    Returns:
        (low, high) in the measure's unit, low = -high.

    Raises:
        ValueError: If the number that the margin refers to is missing or not finite.

    Examples:
        >>> resolve_margin(Margin(null_sd=2), null_mean=10.0, null_sd=0.5)
        (-1.0, 1.0)
    """
    if margin.raw is not None:
        return -margin.raw * exchanged, margin.raw * exchanged
    kind, factor, scale = (
        ("ratio", margin.ratio, null_mean)
        if margin.ratio is not None
        else ("null_sd", margin.null_sd, null_sd)
    )
    if factor is None or scale is None or not np.isfinite(scale):
        source = "mean of the null" if kind == "ratio" else "SD of random groups"
        raise ValueError(f"a margin in {kind} needs the {source}, found {scale}")
    half_width = float(factor * abs(scale)) * exchanged
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
