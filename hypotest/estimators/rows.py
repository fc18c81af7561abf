"""Rows of activations, and the documents they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import FloatArray, IntArray


def document_columns(
    documents: IntArray, weights: FloatArray | IntArray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Match each row to its column of the resampling weights.

    Args:
        documents: Document of each row, any integers, shape (n,).
        weights: How often each document was drawn, shape (n_resamples, n_documents); column d
            belongs to the d-th of ``np.unique(documents)``.

    Returns:
        Column of each row, shape (n,), and the weights as float64.

    Raises:
        ValueError: If the shapes do not fit, or a weight is negative or not finite.

    Examples:
        >>> document_columns(np.array([7, 7, 3]), np.array([[2, 0]]))[0].tolist()
        [1, 1, 0]
    """
    unique, columns = np.unique(np.asarray(documents), return_inverse=True)
    array = np.asarray(weights, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != unique.size:
        raise ValueError(
            f"weights must have shape (n_resamples, {unique.size}), one column per document, "
            f"got {array.shape}"
        )
    if not np.all(np.isfinite(array)) or np.any(array < 0):
        raise ValueError("weights must be finite and not negative")
    return columns.astype(np.int64), array


def finite_activations(activations: FloatArray) -> NDArray[np.float64]:
    """Activations as float64.

    Args:
        activations: Shape (n_positions, n_neurons).

    Returns:
        The same as float64.

    Raises:
        ValueError: If the shape is another, there are fewer than two positions, or a value is not
            finite.
    """
    values = activation_rows(activations).astype(np.float64, copy=False)
    if not np.all(np.isfinite(values)):
        raise ValueError("activations must be finite")
    return values


def activation_rows(activations: FloatArray) -> NDArray[Any]:
    """Activations as they are, of which only the shape is checked: a layer's would fill the memory again.

    Args:
        activations: Shape (n_positions, n_neurons).

    Raises:
        ValueError: If the shape is another, or there are fewer than two positions.
    """
    values = np.asarray(activations)
    if values.ndim != 2 or values.shape[0] < 2:
        raise ValueError(
            "activations must have shape (n_positions, n_neurons) with at least two positions, "
            f"got {values.shape}"
        )
    return values
