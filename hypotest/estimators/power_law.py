"""Power law against lognormal, by likelihood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import erfc, erfcx

from hypotest.records.evidence.arrays import FloatArray

SMALLEST_CURVATURE = 1e-6
"""Below it (per squared mean log excess) a truncated lognormal is a power law for all practical
ends."""


class LikelihoodRatio(NamedTuple):
    """Vuong's comparison of a power law with a lognormal."""

    ratio: float
    """Summed log-likelihood ratio over its standard error; negative favours the lognormal."""
    p_value: float
    """Two-sided; large: the data cannot tell the two apart."""
    exponent: float
    """Of the density of the power law, 1 + n / sum of log(x / x_min)."""
    n_tail: int
    """Values in the tail."""


def lognormal_ratio(influence: FloatArray) -> LikelihoodRatio:
    """Likelihood-ratio test of power law against lognormal for the tail from the median on.

    With z = log(x / x_min) a power law is exp(-a z) and a lognormal exp(-a z - b z^2), b > 0, both
    normalised over z >= 0 and fitted by maximum likelihood. The power law is the limit b -> 0, so
    the ratio is never positive beyond rounding: the comparison can speak against a power law or be
    silent, and never proves one.

    Args:
        influence: Positive values, shape (n,); others are dropped.

    Returns:
        The ratio, with its p-value; ratio 0 and p 1 where the best lognormal is the power law
        itself; NaN when fewer than 10 values or no distinct ones make up the tail.

    References:
        Clauset, Shalizi & Newman (2009), doi:10.1137/070710111, section 5. Vuong (1989),
        doi:10.2307/1912557.
    """
    values = np.asarray(influence, dtype=np.float64).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    tail = values[values >= np.median(values)] if values.size else values
    if tail.size < 10 or not tail.max() > tail.min():
        return LikelihoodRatio(np.nan, np.nan, np.nan, int(tail.size))
    excess = np.log(tail / tail.min())
    mean = excess.mean()
    exponent = float(1.0 + 1.0 / mean)
    z = excess / mean
    slope, curvature = _truncated_lognormal(z)
    if curvature <= SMALLEST_CURVATURE:
        return LikelihoodRatio(0.0, 1.0, exponent, int(tail.size))
    lognormal = -slope * z - curvature * z**2 - _log_normaliser(slope, curvature)
    difference = -z - lognormal
    ratio = float(difference.sum() / (np.sqrt(tail.size) * difference.std()))
    return LikelihoodRatio(ratio, float(erfc(abs(ratio) / np.sqrt(2.0))), exponent, int(tail.size))


def _log_normaliser(slope: float, curvature: float) -> float:
    """Log of the integral of exp(-a z - b z^2) over z >= 0."""
    t = slope / (2.0 * np.sqrt(curvature))
    # erfcx overflows far on the left, where erfc itself is harmless.
    log_erfcx = np.log(erfcx(t)) if t > 0 else t**2 + np.log(erfc(t))
    return float(0.5 * np.log(np.pi / curvature) - np.log(2.0) + log_erfcx)


def _truncated_lognormal(z: NDArray[np.float64]) -> tuple[float, float]:
    """Maximum-likelihood a and b for values of mean 1: an exponential family, so one maximum."""
    first, second = float(z.mean()), float(np.mean(z**2))

    # At b = 0 the likelihood rises with b only if the second moment is below an exponential's.
    if second >= 2.0:
        return 1.0, 0.0

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, curvature = float(parameters[0]), float(parameters[1])
        t = slope / (2.0 * np.sqrt(curvature))
        inverse = np.exp(-(t**2)) / erfc(t) if t < 0 else 1.0 / erfcx(t)
        derivative = 2.0 * t - 2.0 / np.sqrt(np.pi) * inverse
        value = slope * first + curvature * second + _log_normaliser(slope, curvature)
        gradient = [
            first + derivative / (2.0 * np.sqrt(curvature)),
            second - (0.5 + derivative * t / 2.0) / curvature,
        ]
        return value, np.array(gradient)

    optimum = minimize(
        loss,
        np.array([0.9, 0.05]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), (SMALLEST_CURVATURE, None)],
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000},
    )
    return float(optimum.x[0]), float(optimum.x[1])
