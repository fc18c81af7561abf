"""What a measure is tested with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.groups.nulls import RANDOM_GROUPS, random_groups
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.selection import Selection


@dataclass(frozen=True, slots=True)
class Missing:
    """A null that this evidence does not have."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Evidence, the group in it, and what it is compared with; the same for all measures of an analysis."""

    protocol: Protocol
    """The nulls and the level."""
    evidence: Evidence
    selection: Selection
    """The group."""
    session: Session
    """What it computes with."""
    drawn: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Null -> what its `prepare` gave, or `Missing`."""
    networks: Sequence[Mapping[str, float]] = ()
    """Of each other network, prediction -> the measure of the group that is selected in it."""
    reselected: Any = None
    """`hypotest.ladder.selected_again.Reselected`, where the protocol asks for it."""

    @property
    def streams(self) -> Streams:
        """All randomness of the analysis."""
        return self.session.streams

    def random_groups(self, n_groups: int) -> IntArray:
        """The first groups of as many random neurons, the same wherever drawn; shape (n_groups, k)."""
        size = self.selection.group.size
        rng = self.streams(RANDOM_GROUPS, str(size))
        return random_groups(self.evidence.n_neurons, size, n_groups, rng)


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """One prediction's measure of the group, before it is compared."""

    prediction: Prediction
    measure: BoundMeasure
    observed: float
    """T(G)."""
    task: Task
    decided_by_labels: bool
    """Whether shuffled labels can decide this measure."""

    @property
    def group(self) -> IntArray:
        """Neurons, ascending, shape (k,)."""
        return self.task.selection.group

    def is_contrast_with(self, null: str) -> bool:
        """Whether its prediction is a contrast with that null."""
        return self.prediction.contrast.null == null
