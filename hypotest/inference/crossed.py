"""Errors of statistics whose documents and target types are both samples: two crossed random factors.

Rarity is a property of types, so that another study of the same question has other documents *and* other
types. Resampling documents alone treats the types as fixed [1]: with effects that differ by type, a 5 % test
between conditions rejects far more often. Here the variance is put together from delete-one jackknives over
documents, over types and over their cells [2], and referred to t with degrees of freedom from the effective
numbers of both [3]. Where the conditions are properties of types, each type belongs to one of them, and
V_types is the sum over conditions. Where they are properties of documents, of spans or of places, types occur
in both: they are left out of both at once, as documents are, so that what a type does to both cancels as it
does in the difference. (Taken apart by condition, standard errors were 2 to 5 times too large in simulations,
``tests/reference/exchange.py``; over documents alone 0.2 to 0.4 times as large as they should be where the
conditions say whether a token was seen before.)

One formula, and the statistic as it is for centre, serve every measure but routing, linear or not. In
simulations (``tests/benchmarks/crossed.py``) 90 % intervals over new documents and types covered 0.85 to 1.00
in all but two cases, V_d + V_t 0.90 to 1.00 with standard errors up to 1.5 times as large. The two are biases
that more text removes and no variance covers: the effective dimension of correlations of a group that is
coordinated, and routing where profiles differ, which takes V_d + V_t. The jackknife's estimate of bias is not
taken off: where the biases of a group and of its controls cancel it is noise, and coverage falls (routing: to
0.4). The pigeonhole bootstrap
[4] counts what only cells vary three times over.

References:
    [1] Clark (1973), doi:10.1016/S0022-5371(73)80014-3.
    [2] Cameron, Gelbach & Miller (2011), doi:10.1198/jbes.2010.07136.
    [3] Satterthwaite (1946), doi:10.2307/3002019; effective numbers as in Carter, Schnepel & Steigerwald
        (2017), doi:10.1162/REST_a_00639.
    [4] Owen (2007), doi:10.1214/07-AOAS122.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.protocol.design import MINIMUM_UNITS
from hypotest.records.results.prediction_result import Interval


@dataclass(frozen=True, slots=True)
class Component:
    """Variance of a statistic over the units of one factor."""

    variance: float
    """By the jackknife, not negative."""
    units: float
    """Behind it: the effective number (`effective_of`), or of groups of units left out in turn, whichever is
    less."""


@dataclass(frozen=True, slots=True)
class Variances:
    """How a statistic varies over documents, over types, and over what both have in common."""

    documents: Component
    types: tuple[Component, ...]
    """One for each condition on which the statistic is computed, or one for both; none: they are fixed."""
    cells: float = 0.0
    """Variance over pairs of a document and a type, summed over conditions as types are."""
    shared: bool = False
    """Whether types belong to both conditions: one component, of a statistic without them in both."""

    @property
    def over_types(self) -> float:
        """Summed over conditions where their types are different ones."""
        return sum(component.variance for component in self.types)

    @property
    def total(self) -> float:
        """Variance over documents and types together: max(V_d, V_t, V_d + V_t - V_c).

        The difference is unbiased for a linear statistic of one condition; the floor keeps it from falling
        below
        the variance over one factor by chance. Between conditions that share documents, V_t and V_c hold the
        documents' effects that the pairing removes, V_d does not, and the floor is what counts: conservative
        (with documents' effects alone, covering 0.97 of 0.90), where without it intervals cover 0.83.
        """
        by_document, by_type = self.documents.variance, self.over_types
        if not self.types:
            return by_document
        return max(by_document, by_type, by_document + by_type - self.cells)

    @property
    def degrees_of_freedom(self) -> int:
        """min(n_d - 1, (sum V_c)^2 / sum(V_c^2 / (n_c - 1))), rounded down, with n the components' units.

        The second term is Satterthwaite's for a sum of variances over the types of each condition.
        """
        least = self.documents.units - 1
        if self.types:
            total = self.over_types
            weights = [item.variance / total if total > 0 else 1 / len(self.types) for item in self.types]
            shares = sum(
                weight**2 / (item.units - 1) for weight, item in zip(weights, self.types, strict=True)
            )
            least = min(least, 1 / shares)
        return int(np.floor(least + 1e-9))  # 19 effective units less rounding are 19

    def too_few(self, names: tuple[str, ...] = ("first", "second")) -> str:
        """Why there is no interval; empty where there are units enough of both factors.

        Args:
            names: Of the conditions, in the order of `types`.
        """
        counts = [(self.documents.units, "documents")]
        kinds = ("types",) if self.shared else tuple(f"{name} types" for name in names)
        counts += [(item.units, name) for item, name in zip(self.types, kinds, strict=False)]
        short = [f"{count:.0f} {what}" for count, what in counts if count < MINIMUM_UNITS - 1e-9]
        if not short:
            return ""
        return (
            f"effectively only {' and '.join(short)}, and an interval needs {MINIMUM_UNITS} of each: "
            "no interval. A few of them hold most positions; more text, or a smaller max_per_type, may help"
        )


def jackknife_variance(left_out: FloatArray) -> float:
    """(G - 1)/G sum_g (T_(-g) - mean)^2.

    Args:
        left_out: The statistic without each of G units, or groups of units, in turn, shape ``(G,)``.

    Raises:
        ValueError: If there are fewer than two, or one is not finite.

    References:
        Efron & Tibshirani (1993), chapter 11, doi:10.1201/9780429246593.
    """
    values = _values(left_out)
    return float((values.size - 1) * values.var())


def jackknife_bias(estimate: float, left_out: FloatArray) -> float:
    """(G - 1)(mean T_(-g) - T): the part of a statistic's bias that is in proportion to 1/G.

    Args:
        estimate: T of all units.
        left_out: As in `jackknife_variance`.

    Raises:
        ValueError: As in `jackknife_variance`.
    """
    values = _values(left_out)
    return float((values.size - 1) * (values.mean() - estimate))


def crossed_interval(
    centre: float,
    variances: Variances,
    level: float,
    *,
    extra_variance: float = 0.0,
) -> Interval:
    """Confidence interval of a statistic over documents and types.

    Two-sided p (`hypotest.inference.equivalence.t_p_value` of its centre), the equivalence test and the sign
    of an effect come from the same t: p <= a exactly where the 1 - a interval leaves out zero.

    Args:
        centre: The statistic, as it is.
        variances: Over both factors.
        level: Coverage, such as 0.90.
        extra_variance: Added: what comes of neither, such as the Monte Carlo variance of a null's mean.

    Raises:
        ValueError: If there are too few units of a factor (`Variances.too_few` says which), or a number is
            not finite or out of range.
    """
    reason = variances.too_few()
    if reason:
        raise ValueError(reason)
    total = variances.total + extra_variance
    if not (np.isfinite(centre) and 0 <= extra_variance < np.inf and np.isfinite(total)):
        raise ValueError(
            f"centre and variances must be finite, and none negative; found {centre}, {variances} and "
            f"{extra_variance} more"
        )
    if not 0 < level < 1:
        raise ValueError(f"the level must lie between 0 and 1, found {level}")
    freedom, error = variances.degrees_of_freedom, float(np.sqrt(total))
    half = float(stdtrit(freedom, (1 + level) / 2)) * error
    return Interval(centre - half, centre + half, level, error, freedom)


def _values(left_out: FloatArray) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.asarray(left_out, dtype=np.float64)
    if values.ndim != 1 or values.size < 2 or not np.isfinite(values).all():
        raise ValueError(
            "a jackknife needs a finite value without each of two or more units, "
            f"found shape {values.shape} with {np.count_nonzero(~np.isfinite(values))} undefined"
        )
    return values
