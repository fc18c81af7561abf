"""Dead neurons: those that never vary where the group is selected.

A neuron whose activation is the same at every position of the selection split has no influence under mean
ablation, and could not have been selected. It must not stand in any pool that the group is compared with:
with 60 of 96 neurons dead, random groups of a ReLU layer were mostly dead themselves, and the effective
dimension of a group that differs from none of the live ones went from p = 0.48 to p = 0.01.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.evidence.evidence import Evidence

ROUNDING = 1e-6
"""Times its largest |activation|: a neuron whose activations differ by no more is constant. float32 rounds to
6e-8, and a sum of many terms in another order to some ten times that."""
FEWEST = 2
"""Live neurons without which there is nothing to choose from."""
_COLUMNS_AT_ONCE = 1024


def live_neurons(activations: FloatArray) -> NDArray[np.bool_]:
    """Which neurons vary over positions.

    Args:
        activations: Of the selection split, shape (n_positions, n_neurons).

    Returns:
        Shape (n_neurons,).

    Examples:
        >>> live_neurons(np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 3.0]])).tolist()
        [False, False, True]
    """
    values = np.asarray(activations)
    live = np.empty(values.shape[1], dtype=bool)
    for start in range(0, values.shape[1], _COLUMNS_AT_ONCE):
        block = values[:, start : start + _COLUMNS_AT_ONCE]
        low, high = block.min(axis=0), block.max(axis=0)
        live[start : start + _COLUMNS_AT_ONCE] = high - low > ROUNDING * np.maximum(np.abs(low), np.abs(high))
    return live


def without_dead(evidence: Evidence) -> Evidence:
    """Evidence of the neurons that could have been selected; the same object where all of them could.

    Shares of the layer, pools of random groups and ranks refer to these neurons alone, so that dead neurons
    added to a layer change nothing but their count (`Evidence.n_left_out`).

    Raises:
        EvidenceError: If fewer than two neurons vary.
    """
    live = live_neurons(evidence.selection.activations)
    if live.all():
        return evidence
    if np.count_nonzero(live) < FEWEST:
        raise EvidenceError(
            f"{np.count_nonzero(live)} of {live.size} units vary on the selection split: there is no group "
            "to select; is this the right layer, and has the model its trained weights?"
        )
    return evidence.of_neurons(np.flatnonzero(live))
