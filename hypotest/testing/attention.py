"""Attention at query positions of both conditions: how concentrated it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.attention import concentration
from hypotest.records.evidence.split import SplitEvidence


def gini_of_heads(split: SplitEvidence) -> NDArray[np.float64]:
    """Gini coefficient of every head's attention at every position, shape (n_positions, n_heads)."""
    last = split.indices[:, None] + 1
    visible = np.minimum(last, split.head_windows[None, :])
    return concentration.gini(split.attention, visible, first=last - visible)


def document_means(
    split: SplitEvidence, values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Mean over each document's positions of each condition, for documents that have both.

    Returns:
        Means of the first and of the second condition, shape (n_documents,), and the documents.
    """
    documents, owner = np.unique(split.documents, return_inverse=True)
    means = []
    for rows in (split.first, split.second):
        counts = np.bincount(owner[rows], minlength=documents.size)
        sums = np.bincount(owner[rows], weights=values[rows], minlength=documents.size)
        with np.errstate(invalid="ignore"):
            means.append(sums / counts)
    both = np.isfinite(means[0]) & np.isfinite(means[1])
    return means[0][both], means[1][both], documents[both].astype(np.int64)
