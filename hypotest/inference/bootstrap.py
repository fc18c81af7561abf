"""Confidence intervals over documents, the independent units of text.

Resampling is by weights: a document that was drawn twice counts twice. Statistics that are
functions of per-document sums are then one matrix product for all resamples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hypotest.records.design import MINIMUM_DOCUMENTS
from hypotest.records.evidence import FloatArray
from hypotest.records.results import Interval


def document_weights(n_documents: int, n_resamples: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """How often each document occurs in each bootstrap resample.

    Args:
        n_documents: D, at least 1.
        n_resamples: R.
        rng: Source of the resamples.

    Returns:
        Multinomial counts, shape ``(n_resamples, n_documents)``; each row sums to D.
    """
    share = np.full(n_documents, 1 / n_documents)
    return rng.multinomial(n_documents, share, size=n_resamples).astype(np.int32)


def jackknife_weights(n_documents: int) -> NDArray[np.int32]:
    """Weights that leave out one document at a time, shape ``(n_documents, n_documents)``.

    Examples:
        >>> jackknife_weights(3).tolist()
        [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    return 1 - np.eye(n_documents, dtype=np.int32)


def document_interval(
    estimate: float,
    replicates: FloatArray,
    jackknife: FloatArray,
    n_documents: int,
    level: float,
    extra_variance: float = 0.0,
) -> Interval:
    """Confidence interval of a statistic over documents.

    Centre 2 T - mean(T*), which removes the bias that the bootstrap estimates; half-width t(D - 1)
    times sqrt(max(bootstrap variance, jackknife variance) + extra variance). The jackknife
    variance is (D - 1)/D sum_j (T_(-j) - mean)^2. Statistics with steps, such as an integer
    dimension, make either one too small at times, hence the larger; percentile and BCa intervals
    cover far too rarely there.

    Args:
        estimate: T on all documents.
        replicates: T on bootstrap resamples of documents, shape ``(n_resamples,)``.
        jackknife: T without each document in turn, shape ``(n_documents,)``.
        n_documents: D, at least `MINIMUM_DOCUMENTS`.
        level: Coverage, such as 0.90.
        extra_variance: Added to the variance: what does not come from documents, such as the Monte
            Carlo variance of a null's mean.

    Returns:
        The interval, with the standard error and D - 1 degrees of freedom.

    Raises:
        ValueError: If there are too few documents, a value is not finite, or a size or level is
            wrong.

    References:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 10 (bias) and 11
        (jackknife), doi:10.1201/9780429246593.
    """
    replicates, jackknife = _checked(estimate, replicates, jackknife, n_documents, extra_variance)
    variance = max(_bootstrap_variance(replicates), _jackknife_variance(jackknife))
    centre = 2 * estimate - float(replicates.mean())
    return _t_interval(centre, variance + extra_variance, n_documents, level)


def contrast_interval(
    estimate: float,
    null_mean: float,
    group_replicates: FloatArray,
    group_jackknife: FloatArray,
    control_estimates: FloatArray,
    control_replicates: FloatArray,
    level: float,
    *,
    null_mean_variance: float,
) -> Interval:
    """Confidence interval of T(G) - mean T(null) over documents, for this group and this layer.

    The null's mean mu moves with the documents too, mostly together with T(G). How, is learned
    from C control groups, a random sample of the null, on the first r of the R bootstrap resamples
    of the group. With m_s the mean of the controls on resample s, and b = cov(T(G)*, m) /
    var(T(G)*) over these r:

        V = (1 - b)^2 var_R(T(G)*) + [(1 - rho^2) var_r(m) - MS / C]+

    This is var(T(G) - mu) = var(T(G)) + var(mu) - 2 cov(T(G), mu), with var(T(G)) from all R
    resamples and the relation to mu from r (maximum likelihood for a pair of which one is seen
    less often [1]); it cannot be negative. m is noisier than mu: each control responds to
    documents in its own way, and the mean of C such responses has variance MS / C, where MS is the
    interaction mean square of the C x r table,

        MS = sum_cs (T_cs - T_c. - T_.s + T_..)^2 / ((C - 1)(r - 1)).

    V is multiplied by max(1, jackknife variance / bootstrap variance of T(G)): where the bootstrap
    understates the spread of this measure, it does so for the contrast. To V are added the Monte
    Carlo variance of the null's mean (SD^2 / B over all B draws), and the variance of the mean
    bias below over C controls.

    The centre is T(G) - mean T(null) less the bootstrap's estimate of its bias, that of T(G) less
    that of the controls: most estimators are biased for any group, and that part cancels. The
    spread of the null over draws is not added; it belongs to the p-value.

    Args:
        estimate: T(G) on all documents.
        null_mean: Mean of T over all draws of the null, on all documents.
        group_replicates: T(G) on bootstrap resamples, shape ``(R,)``.
        group_jackknife: T(G) without each document in turn, shape ``(n_documents,)``, at least
            `MINIMUM_DOCUMENTS`.
        control_estimates: T of the control groups on all documents, shape ``(C,)``, C >= 2.
        control_replicates: The same on the first r resamples of the group, shape ``(C, r)``, 3 <=
            r <= R.
        level: Coverage, such as 0.90.
        null_mean_variance: Squared Monte Carlo standard error of ``null_mean``: SD^2 / B.

    Returns:
        The interval, with the standard error and D - 1 degrees of freedom.

    Raises:
        ValueError: If there are too few documents, a value is not finite, or a size or level is
            wrong.

    References:
        [1] Anderson (1957), Journal of the American Statistical Association 52, 200-203.
    """
    n_documents = len(group_jackknife)
    replicates, jackknife = _checked(
        estimate - null_mean, group_replicates, group_jackknife, n_documents, null_mean_variance
    )
    originals = np.asarray(control_estimates, dtype=np.float64)
    controls = np.asarray(control_replicates, dtype=np.float64)
    if controls.ndim != 2 or originals.shape != controls.shape[:1] or controls.shape[0] < 2:
        raise ValueError(
            "control_estimates and control_replicates need shapes (C,) and (C, r) with C >= 2, "
            f"found {originals.shape} and {controls.shape}"
        )
    n_controls, n_shared = controls.shape
    if not 3 <= n_shared <= replicates.size:
        raise ValueError(
            f"controls need 3 to {replicates.size} resamples, those of the group; found {n_shared}"
        )
    if not (np.isfinite(controls).all() and np.isfinite(originals).all()):
        raise ValueError("the controls' values must be finite")

    by_resample = controls.mean(axis=0)
    own_response = controls - by_resample - controls.mean(axis=1, keepdims=True) + controls.mean()
    noise = float((own_response**2).sum()) / ((n_controls - 1) * (n_shared - 1)) / n_controls
    shared = replicates[:n_shared]
    (group_part, covariance), (_, null_part) = np.cov(shared, by_resample)
    slope = covariance / group_part if group_part > 0 else 0.0
    unshared = max(0.0, float(null_part - slope * covariance) - noise)
    bootstrap = _bootstrap_variance(replicates)
    variance = (1 - slope) ** 2 * bootstrap + unshared
    spread = _jackknife_variance(jackknife)
    variance = variance * max(1.0, spread / bootstrap) if bootstrap > 0 else variance + spread

    control_bias = controls.mean(axis=1) - originals
    bias = float(replicates.mean()) - estimate - float(control_bias.mean())
    extra = null_mean_variance + float(control_bias.var(ddof=1)) / n_controls
    return _t_interval(estimate - null_mean - bias, float(variance) + extra, n_documents, level)


def _bootstrap_variance(replicates: NDArray[np.float64]) -> float:
    return float(replicates.var(ddof=1))


def _jackknife_variance(jackknife: NDArray[np.float64]) -> float:
    return (jackknife.size - 1) * float(jackknife.var())


def _t_interval(centre: float, variance: float, n_documents: int, level: float) -> Interval:
    if not 0 < level < 1:
        raise ValueError(f"the level must lie between 0 and 1, found {level}")
    standard_error = float(np.sqrt(variance))
    half_width = float(stats.t.ppf((1 + level) / 2, n_documents - 1)) * standard_error
    return Interval(
        low=centre - half_width,
        high=centre + half_width,
        level=level,
        standard_error=standard_error,
        degrees_of_freedom=n_documents - 1,
    )


def _checked(
    estimate: float,
    replicates: FloatArray,
    jackknife: FloatArray,
    n_documents: int,
    extra_variance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    resampled: NDArray[np.float64] = np.array(replicates, dtype=np.float64)
    left_out: NDArray[np.float64] = np.array(jackknife, dtype=np.float64)
    if n_documents < MINIMUM_DOCUMENTS:
        raise ValueError(f"an interval needs at least {MINIMUM_DOCUMENTS} documents, found {n_documents}")
    if left_out.shape != (n_documents,):
        raise ValueError(
            f"the jackknife needs one value per document, ({n_documents},), found {left_out.shape}"
        )
    if resampled.ndim != 1 or resampled.size < 2:
        raise ValueError(f"replicates must be a vector of 2 or more, found {resampled.shape}")
    undefined = np.count_nonzero(~np.isfinite(resampled)) + np.count_nonzero(~np.isfinite(left_out))
    if undefined or not np.isfinite(estimate):
        raise ValueError(
            f"estimate, replicates and jackknife must be finite; {undefined} replicates are not, "
            f"and the estimate is {estimate}"
        )
    if not 0 <= extra_variance < np.inf:
        raise ValueError(f"a variance must be finite and not negative, found {extra_variance}")
    return resampled, left_out
