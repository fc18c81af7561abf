"""Attention heads, and what their ablation did to the tested layer."""

from __future__ import annotations

from dataclasses import dataclass

from hypotest.records.evidence.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """An attention head whose output can reach the tested MLP."""

    layer: int
    """Block, counted from 0."""
    head: int
    """Head within the block, counted from 0."""

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True, slots=True, eq=False)
class HeadAblation:
    """How the layer's activations change when attention heads are ablated.

    Each head's slice of the input of the attention output projection is set to zero (eq. 8 of
    arXiv:2509.21163), at a sample of the first condition's positions.
    """

    documents: IntArray
    """Document of each of these positions, shape (n_positions,)."""
    targets: IntArray
    """Token to be predicted at each."""
    base: FloatArray
    """Squared activations, shape (n_positions, n_neurons)."""
    single: FloatArray
    """Squared changes with one head ablated, shape (n_positions, n_heads, n_neurons)."""
    layer: FloatArray
    """The same with all heads of a layer ablated at once, shape (n_positions, n_layers, n_neurons);
    layers in the order in which they first occur in `Evidence.heads`."""
