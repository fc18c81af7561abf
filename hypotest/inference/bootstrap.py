"""Confidence intervals over documents, the independent units of text.

Resampling is by weights: a document that was drawn twice counts twice. Statistics that are
functions of per-document sums are then one matrix product for all resamples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hypotest.records.arrays import FloatArray
from hypotest.records.design import MINIMUM_DOCUMENTS
from hypotest.records.prediction_result import Interval


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
