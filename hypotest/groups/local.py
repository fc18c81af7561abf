"""The local_matched null: is the group a random subset of neurons that are like it in all but condition one?

Neurons are ranked by the odds of membership given how loud they are and how influential they are on the
*second* condition. Within bins of consecutive ranks, among neurons alike in both, membership is dealt out
anew. If selection by the first condition has nothing to do with a property of the group, those that it chose
in a bin are a random subset of it as far as that property goes, and the test is exact up to what still
differs within a bin.

What it cannot tell: whether a property follows influence on the first condition, or follows influence as such
while the second condition adds influence of its own (such layers rejected in 0.08 to 0.23 of simulations, the
more, the more it adds). That takes a third condition. What blurs the match is error in the influence on the
second condition: at a reliability of 0.77 a property that follows influence as such rejected in 0.13 (0.04).

Two simulations by others than the author of this file (their layers, their code; effective dimension of
covariance and correlation, Q, Hill alpha; N 512 and 2,048, k 20 and 41, some 1,300 layers) had 0.02 to 0.07
where the group is a random subset of its neighbours, where random groups of the same layers rejected up to 1.
Power for coordinated specialists at N 2,048: 1.0 by correlation, 0.9 for Q of communities, 0.2 to 0.4 for
Hill alpha, and 0.03 by covariance, which belongs to a few loud neurons. Bins of 20 or 40, squares of the
covariates in the odds (0.13 to 0.20), and blocks on both covariates (0.09 to 0.10) were worse.

A third one (``tests/benchmarks/local_matched.py``: real specialists for rare targets, and a property that is
unrelated, follows loudness, or follows influence as such) has every measure of groups. With bins of 10 in
layers of 160 neurons and groups of 16, 480 layers: 0.04 to 0.06 for each measure over all kinds, 0.01 to 0.09
in a kind of 120, where random groups rejected up to 0.99. Bins of 20 there: 0.17 for the participation ratio
of correlations and 0.14 for segregation where the property follows influence; so larger bins than 10 cannot
be declared. Of 512 neurons, groups of 20 and 82, 124 layers each: 0.01 to 0.11. Highest of some 80 rates of
62 layers, and not tried with fresh seeds: 0.16 for the participation ratio of correlations of groups of 82
where the property follows loudness or influence.

Matched on influence on both conditions together, the null would contain what it is to be compared with
(power 0.05 in simulation); matched on loudness alone, or in a few broad strata, it rejects where the property
follows influence as such.

References:
    Rosenbaum & Rubin (1984), doi:10.1080/01621459.1984.10478078 (subclassification on the score).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import FloatArray, IntArray


def local_bins(scores: FloatArray, size: int = 10) -> NDArray[np.int64]:
    """Bins of consecutive ranks, counted from the neurons most like the group.

    The last bin, of the neurons least like the group, takes what is left over.

    Args:
        scores: Odds of membership, larger for neurons more like the group, shape (n_neurons,), finite.
        size: Neurons in a bin, at least 2.

    Returns:
        Bin of each neuron, 0 for the largest scores, shape (n_neurons,).

    Raises:
        ValueError: If the scores are not a finite vector, or a bin would hold fewer than two.

    Examples:
        >>> local_bins(np.array([0.0, 5.0, 1.0, 4.0, 2.0]), size=2).tolist()
        [1, 0, 1, 0, 1]
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"scores must be a finite vector, got shape {values.shape}")
    if size < 2:
        raise ValueError(f"a bin needs at least 2 neurons, got {size}")
    ranks = np.empty(values.size, dtype=np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(values.size)
    return np.minimum(ranks // size, max(0, values.size // size - 1))


def movable_members(bins: IntArray, group: IntArray) -> int:
    """Members of the group whose bin also holds neurons outside it.

    Args:
        bins: From `local_bins`, shape (n_neurons,).
        group: Neurons, shape (k,).

    Examples:
        >>> movable_members(np.array([0, 0, 1, 1]), np.array([0, 1, 2]))
        1
    """
    labels = np.asarray(bins)
    members = np.bincount(labels[np.asarray(group)], minlength=int(labels.max()) + 1)
    free = members < np.bincount(labels)
    return int(members[free].sum())


def shared_members(bins: IntArray, group: IntArray) -> float:
    """Share of the group that a local_matched group is expected to keep.

    With m members in a bin of n neurons: the sum of m^2 / n over bins, divided by k.

    Where it is large, draws differ little from the group and from each other, and so does every property of
    them: a margin made for ordinary random groups is then wide.

    Examples:
        >>> shared_members(np.array([0, 0, 1, 1]), np.array([0, 1, 2]))
        0.8333333333333334
    """
    labels = np.asarray(bins)
    members = np.bincount(labels[np.asarray(group)], minlength=int(labels.max()) + 1)
    return float((members**2 / np.bincount(labels)).sum() / len(group))
