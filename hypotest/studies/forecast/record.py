"""What the runs of a protocol will take: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapreplace

from hypotest.records.results.shown import Shown


@dataclass(frozen=True, slots=True)
class RunsAlike:
    """Runs of one model that take about as long: all checkpoints, at layers that are ablated in one way."""

    model: str
    layers: tuple[int, ...]
    """Empty for a network, which has its units where it has them."""
    n_checkpoints: int
    engine: str
    """``identity``, or ``interventions``: whole forward passes, which earlier layers need."""
    collecting: float
    """Seconds that the evidence of one run takes from nothing, untrained networks included."""
    testing: float
    """Seconds that its tests take; 0 where too little was collected to time them."""
    evidence_bytes: int
    """Of one run, on the cache's disk."""
    model_bytes: int
    """Parameters in memory."""
    notes: tuple[str, ...]
    """What is not included."""

    @property
    def n_runs(self) -> int:
        """At each checkpoint one a layer."""
        return max(1, len(self.layers)) * self.n_checkpoints

    @property
    def seconds(self) -> float:
        """Of one run."""
        return self.collecting + self.testing


@dataclass(frozen=True, slots=True)
class Forecast(Shown):
    """Runs, hours and gigabytes of a protocol, from pieces that were timed on this machine."""

    protocol_id: str
    title: str
    kinds: tuple[RunsAlike, ...]
    free_bytes: int
    """On the disk of the cache."""
    timed_at: str
    """What of each kind was done here."""
    workers: int = 1
    """Runs at a time."""
    missing: tuple[str, ...] = ()
    """Models and checkpoints that cannot be had, and why; their runs are not among those of the kinds."""

    @property
    def n_runs(self) -> int:
        """Of all kinds."""
        return sum(item.n_runs for item in self.kinds)

    @property
    def seconds(self) -> float:
        """Of all runs, one after another."""
        return sum(item.n_runs * item.seconds for item in self.kinds)

    @property
    def side_by_side(self) -> float:
        """Seconds of all runs over the workers, each run whole and as fast as one that is alone."""
        runs = sorted((item.seconds for item in self.kinds for _ in range(item.n_runs)), reverse=True)
        busy = [0.0] * self.workers
        for seconds in runs:  # the longest first, each to who is free first
            heapreplace(busy, busy[0] + seconds)
        return max(busy)

    @property
    def evidence_bytes(self) -> int:
        """Of all runs."""
        return sum(item.n_runs * item.evidence_bytes for item in self.kinds)
