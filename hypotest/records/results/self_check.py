"""How the fast ablation was checked; apart from evidence, whose arrays take long to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Agreement of the fast ablation with real interventions in the whole model."""

    n_pairs: int
    """(neuron, block) pairs that were ablated by nnsight."""
    n_values: int
    """Positions compared."""
    largest_difference: float
    """Nats."""
    tolerance: float
    """Nats; a larger difference stops the run."""
