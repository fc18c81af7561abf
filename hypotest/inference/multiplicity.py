"""Multiplicity: p-values that hold for all predictions of a protocol together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hypotest.records.protocol.protocol import Correction


def adjust(p_values: Sequence[float], n_tests: int, method: Correction = "bonferroni") -> tuple[float, ...]:
    """Adjusted p-values that control the family-wise error over ``n_tests`` predictions.

    bonferroni: min(1, M p). holm: with L = max(M, number of p-values) and p_(i) the i-th smallest,

        max over j <= i of min(1, min(M, L - j + 1) p_(j)),

    which is Holm's step-down [1] when there are M p-values. A prediction brings up to two: of the
    difference and of equivalence. No effect is both zero and outside the margin, so at most M of
    the 2 M tested hypotheses are true, and M is the largest factor that either method needs
    (Shaffer [2]). **Pass both kinds in one call**: two separate Holm families have a family-wise
    error of up to twice the level.

    Args:
        p_values: Each 0 to 1.
        n_tests: M, the number of predictions that decide; those without a p-value here count as 1.
        method: ``"bonferroni"`` or ``"holm"``.

    Returns:
        Adjusted p-values in the same order.

    Raises:
        ValueError: If a p-value is not within 0 and 1, ``n_tests`` is below 1, or the method is
            unknown.

    References:
        [1] Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
        [2] Shaffer (1986), doi:10.1080/01621459.1986.10478341.

    Examples:
        >>> adjust([0.01, 0.04], 3)
        (0.03, 0.12)
        >>> adjust([0.01, 0.04], 3, "holm")
        (0.03, 0.08)
    """
    p = _valid(p_values)
    if n_tests < 1:
        raise ValueError(f"n_tests must be at least 1, found {n_tests}")
    if method == "bonferroni":
        return tuple(np.minimum(1.0, n_tests * p).tolist())
    if method != "holm":
        raise ValueError(f"method must be 'bonferroni' or 'holm', found {method!r}")
    largest = max(n_tests, p.size)
    factors = np.minimum(n_tests, largest - np.arange(p.size))
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order]))
    return tuple(adjusted.tolist())


def benjamini_yekutieli(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values that control the false discovery rate under any dependence.

    For exploratory families, which never decide.

    Args:
        p_values: Each 0 to 1.

    Returns:
        Adjusted p-values in the same order; empty for none.

    Raises:
        ValueError: If a p-value is not within 0 and 1.

    References:
        Benjamini & Yekutieli (2001), doi:10.1214/aos/1013699998.
    """
    from statsmodels.stats.multitest import multipletests  # takes long to import, and no run needs it

    p = _valid(p_values)
    if p.size == 0:
        return ()
    return tuple(np.asarray(multipletests(p, method="fdr_by")[1]).tolist())


def monte_carlo_floor(n_draws: int) -> float:
    """Smallest two-sided p-value that ``n_draws`` draws can give: 2 / (B + 1), at most 1.

    Args:
        n_draws: B, at least 0.

    Returns:
        The floor; a plan in which it exceeds level / M cannot refute anything.

    Raises:
        ValueError: If ``n_draws`` is negative.

    Examples:
        >>> monte_carlo_floor(1999)
        0.001
    """
    if n_draws < 0:
        raise ValueError(f"the number of draws cannot be negative, found {n_draws}")
    return min(1.0, 2 / (n_draws + 1))


def _valid(p_values: Sequence[float]) -> NDArray[np.float64]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values must lie between 0 and 1, found {list(p_values)}")
    return p
