"""Random-effects meta-analysis: one effect from several models, and how much models differ.

Each effect y_i is measured with a standard error s_i over documents; models differ by tau^2 beyond that:

    y_i ~ N(mu, s_i^2 + tau^2),    w_i = 1 / (s_i^2 + tau^2),    mu = sum w_i y_i / sum w_i

References:
    Paule & Mandel (1982), doi:10.6028/jres.087.022 (tau^2). Hartung & Knapp (2001), doi:10.1002/sim.791
    (interval). Roever, Knapp & Friede (2015), doi:10.1186/s12874-015-0091-1 (few studies). Higgins,
    Thompson & Spiegelhalter (2009), doi:10.1111/j.1467-985X.2008.00552.x (prediction interval).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.results.prediction_result import Interval

_STEPS = 1000
"""Of the iteration for tau^2, which is quadratic near the solution and doubles tau^2 far from it."""


@dataclass(frozen=True, slots=True)
class MetaAnalysis:
    """A random-effects meta-analysis of effects that were measured with known errors."""

    effect: float
    """Pooled: the mean over the models that the tested ones are a sample of."""
    interval_95: Interval
    """On Student's t."""
    n_effects: int
    weights: tuple[float, ...]
    """Of each effect; they sum to 1."""
    tau2: float
    """Variance between models beyond the errors of measurement, by Paule and Mandel."""
    i2: float
    """Share of the variance of the effects that is between models, 0 to 1."""
    q: float
    """Cochran's Q."""
    p_heterogeneity: float | None
    """Of Q on chi-square with n - 1 degrees of freedom; None where some errors are of a fixed group: studies
    of one and the same network differ by more than these."""
    prediction: tuple[float, float] | None
    """Where the effect of another such model is expected with 95 %; None below three effects."""
    shared_errors: bool
    """Whether the errors of measurement were counted as wholly shared, since the runs read the same text."""


def pool_effects(
    effects: FloatArray, standard_errors: FloatArray, *, shared_errors: bool = False
) -> MetaAnalysis:
    """Pool effects over models by random effects, with an interval that holds for few models.

    tau^2 solves sum w_i (y_i - mu)^2 = n - 1 (Paule and Mandel), or is 0. With w_i scaled to sum to 1 the
    variance of mu is that of Hartung and Knapp, V = sum w_i (y_i - mu)^2 / (n - 1), on Student's t with n - 1
    degrees of freedom, but never less than 1 / sum(1 / (s_i^2 + tau^2)): else effects that happen to agree
    would give an interval of no width.

    Runs on the same text share the luck of its documents. Then the spread between models does not contain
    these errors, and more models do not average them out: counted as wholly shared, the variance of mu is at
    most V + (sum w_i s_i)^2.

    Args:
        effects: One per model, on one scale, shape ``(n_effects,)``, at least 2, finite.
        standard_errors: Of the same shape and scale, positive.
        shared_errors: Whether the errors of measurement come from the same documents.

    Returns:
        The pooled effect and the spread between models. The 95 % prediction interval is
        mu +- t(n - 2) sqrt(tau^2 + variance of mu), from three effects on.

    Raises:
        ValueError: If there are fewer than two effects, shapes differ, or a number is not finite or a
            standard error not positive.

    Examples:
        >>> pooled = pool_effects(np.array([1.0, 1.0]), np.array([0.5, 0.5]))
        >>> pooled.effect, pooled.tau2, round(pooled.interval_95.standard_error, 4)  # 0.5 / sqrt(2), not 0
        (1.0, 0.0, 0.3536)
    """
    effects = np.asarray(effects, dtype=np.float64)
    errors = np.asarray(standard_errors, dtype=np.float64)
    if effects.ndim != 1 or effects.shape != errors.shape:
        raise ValueError(
            f"needs as many effects as standard errors, found {effects.shape} and {errors.shape}"
        )
    n = effects.size
    if n < 2:
        raise ValueError(f"needs at least two effects, found {n}")
    if not (np.isfinite(effects).all() and np.isfinite(errors).all() and (errors > 0).all()):
        raise ValueError("effects must be finite and standard errors finite and positive")
    # Nothing depends on the unit; numbers near 1 keep squares from vanishing.
    unit = float(np.exp(np.log(errors).mean()))
    combined = _combine(effects / unit, errors / unit)
    weights = np.asarray(combined.weights_rel_re, dtype=np.float64)
    tau2 = float(combined.tau2)
    variance = max(float(combined.var_hksj_re), float(combined.var_eff_w_re))
    if shared_errors:
        shared = float(weights @ (errors / unit)) ** 2
        variance = max(variance, float(combined.var_hksj_re) + shared)
    q = max(0.0, float(combined.q))
    effect, error = float(combined.mean_effect_re) * unit, np.sqrt(variance) * unit
    return MetaAnalysis(
        effect=effect,
        interval_95=_interval(effect, float(error), n - 1),
        n_effects=n,
        weights=tuple(float(weight) for weight in weights),
        tau2=tau2 * unit**2,
        i2=max(0.0, 1 - (n - 1) / q) if q > 0 else 0.0,
        q=q,
        p_heterogeneity=float(stats.chi2.sf(q, n - 1)),
        prediction=_prediction(effect, float(np.hypot(np.sqrt(tau2) * unit, error)), n),
        shared_errors=shared_errors,
    )


def _combine(effects: FloatArray, errors: FloatArray) -> Any:
    # Imported here: statsmodels takes a second, and most commands never pool.
    from statsmodels.stats.meta_analysis import combine_effects

    # Effects that are equal have Q = 0, of which the library takes the inverse.
    with np.errstate(divide="ignore", invalid="ignore"):
        return combine_effects(effects, errors**2, method_re="iterated", use_t=True, maxiter=_STEPS)


def _interval(effect: float, error: float, degrees_of_freedom: int) -> Interval:
    half = float(stats.t.ppf(0.975, degrees_of_freedom)) * error
    return Interval(effect - half, effect + half, 0.95, error, degrees_of_freedom)


def _prediction(effect: float, spread: float, n: int) -> tuple[float, float] | None:
    if n < 3:
        return None
    half = float(stats.t.ppf(0.975, n - 2)) * spread
    return effect - half, effect + half
