"""Matrices of a whole layer, computed once for all predictions and analyses of the same evidence."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.covariances import covariance, stacked_correlations
from hypotest.estimators.graphs.information import binned_information, gaussian_copula_information
from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.evidence.evidence import Evidence

KEPT = 4
"""Matrices of one evidence that are kept, the last used ones: at 8,192 neurons half a gigabyte each."""
_of: WeakKeyDictionary[Evidence, dict[Hashable, NDArray[np.float64]]] = WeakKeyDictionary()
_lock = Lock()


def layer_statistic(
    evidence: Evidence, name: Hashable, compute: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """A matrix of the layer, kept as long as its evidence is.

    Predictions on different measures need the same one, as do the analyses of `power` and of a multiverse.

    Args:
        evidence: Arrays, which nobody changes.
        name: What is computed of them, with the options on which it depends.
        compute: Computes it.

    Returns:
        Shape (n_neurons, n_neurons); not to be written to.
    """
    with _lock:
        kept = _of.setdefault(evidence, {})
        values = kept.pop(name, None)
        if values is None:
            while len(kept) >= KEPT:
                kept.pop(next(iter(kept)))
            values = compute()
            values.flags.writeable = False
        kept[name] = values  # the last used one stands last
        return values


def first_rows(evidence: Evidence) -> FloatArray:
    """Activations at the first condition's positions of the evaluation split, shape (n_rows, n_neurons)."""
    return evidence.evaluation.activations[evidence.evaluation.first]


def second_moments(evidence: Evidence, scale: str) -> NDArray[np.float64]:
    """Covariance or correlation of the layer at the first condition's positions, shape (n, n)."""
    layer = layer_statistic(evidence, "covariance", lambda: covariance(first_rows(evidence)))
    if scale == "covariance":
        return layer
    return layer_statistic(evidence, "correlation", lambda: stacked_correlations(layer[None])[0])


def information_of(options: Mapping[str, Any], evidence: Evidence) -> tuple[NDArray[np.float64], FloatArray]:
    """Mutual information of the layer's activations at the first condition's positions, and `first_rows`.

    Args:
        options: ``estimator`` and ``bins``; the Gaussian copula without.
        evidence: Its evaluation split.
    """
    activations = first_rows(evidence)
    estimator, bins = options.get("estimator", "gaussian_copula"), int(options.get("bins", 0))
    binned = estimator == "binned"
    information = layer_statistic(
        evidence,
        (estimator, bins) if binned else estimator,
        lambda: binned_information(activations, bins) if binned else gaussian_copula_information(activations),
    )
    return information, activations
