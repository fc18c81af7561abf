"""What a measure is tested with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence import Evidence
from hypotest.records.protocol import Protocol
from hypotest.testing.controls import Controls
from hypotest.testing.parallel import Workers
from hypotest.testing.randomness import Streams
from hypotest.testing.selection import Selection


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Evidence, the group in it, and what it is compared with; the same for all measures of an analysis."""

    protocol: Protocol
    """The nulls and the level."""
    evidence: Evidence
    selection: Selection
    """The group, and its versions under shuffled labels."""
    controls: Controls
    """Random groups."""
    streams: Streams
    workers: Workers = field(default_factory=Workers)
    untrained: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """The measure of the group selected in each untrained network, shape (n_networks,)."""
