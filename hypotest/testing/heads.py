"""Which heads belong together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.evidence import Evidence


def head_layers(evidence: Evidence) -> NDArray[np.int64]:
    """For each head, the row of its layer in `HeadAblation.layer`."""
    order = list(dict.fromkeys(head.layer for head in evidence.heads))
    return np.array([order.index(head.layer) for head in evidence.heads])
