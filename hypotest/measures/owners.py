"""Neurons that own a group's variance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hypotest.records.evidence.arrays import IntArray
    from hypotest.records.evidence.evidence import Evidence

_OWNER_SHARE = 0.2
"""Share of a group's variance from which the neuron that owns it is named."""


def owners_of_variance(evidence: Evidence, group: IntArray) -> Iterator[str]:
    """Neurons that own more than a fifth of the group's variance, which a covariance then speaks of."""
    first = evidence.evaluation.activations[evidence.evaluation.first][:, group]
    variances = first.var(axis=0, dtype=np.float64)
    if not variances.sum() > 0:
        return
    shares = variances / variances.sum()
    loud = [place for place in np.argsort(-shares) if shares[place] > _OWNER_SHARE]
    if loud:
        names = evidence.named(group)
        named = ", ".join(f"{names[place]} ({shares[place]:.0%})" for place in loud)
        yield (
            f"Of the variance of the group's {group.size} activations, more than {_OWNER_SHARE:.0%} belongs "
            f"to {named}. A "
            "dimension of the covariance says how that is shared with few others; `scale: correlation` gives "
            "every neuron the same weight."
        )
