"""Where in the text the tested neurons are most active, and where their loss matters most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """One row of the evaluation split in its text."""

    block: int
    index: int
    """Place in the block."""
    condition: str
    before: str
    """Text up to the target, of the same block."""
    target: str
    after: str
    loss: float
    """Outcome of the network as it is, in nats."""


@dataclass(frozen=True, slots=True)
class ContextOfNeuron:
    """What one neuron has to do with one context."""

    context: int
    """Place among the contexts."""
    activation: float
    change: float
    """Of the outcome with the neuron ablated; positive: it hurts."""


@dataclass(frozen=True, slots=True)
class NeuronContexts:
    """Contexts of one neuron, at most one of a document."""

    neuron: int
    """Number in the layer."""
    activating: tuple[ContextOfNeuron, ...]
    """Where it is most active, most first."""
    affected: tuple[ContextOfNeuron, ...]
    """Where ablating it changes the outcome most, whichever way, most first."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """Contexts of the first members of the group."""

    contexts: tuple[Context, ...]
    neurons: tuple[NeuronContexts, ...]
    """In the order of the group's ranking."""
