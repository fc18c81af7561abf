"""The tested neurons of a language model: what they are computed from, and what they read and write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

from hypotest.records.evidence.partition import Partition
from hypotest.subjects.anatomy.modules import by_input

Read = Literal["down_projection", "experts"]
"""Module of the anatomy that is given what neurons are computed from, as its first argument."""


class Neurons(Protocol):
    """The neurons of one block, as columns of a matrix."""

    @property
    def read(self) -> Read:
        """Where to look in a forward pass."""

    @property
    def output_vectors(self) -> Tensor:
        """What each adds to the residual stream per unit of activation, shape (n_neurons, d_model)."""

    @property
    def input_vectors(self) -> Tensor:
        """Weights by which each is read in, shape (n_neurons, d_model)."""

    @property
    def partition(self) -> Partition | None:
        """A division that the architecture declares."""

    def activations(self, given: Tensor) -> Tensor:
        """From what the module was given, (..., n_features), to (..., n_neurons)."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseNeurons:
    """Of an MLP: inputs of its down-projection."""

    up: Any
    down: Any
    fused_gate: bool
    """Whether the first half of what the up-projection gives is the gate's."""
    read: Read = "down_projection"
    partition: None = None

    @property
    def output_vectors(self) -> Tensor:
        """Rows of the down-projection, by input."""
        return by_input(self.down)

    @property
    def input_vectors(self) -> Tensor:
        """Rows of the up-projection, by output."""
        rows = by_input(self.up).T
        return rows[len(rows) // 2 :] if self.fused_gate else rows

    def activations(self, given: Tensor) -> Tensor:
        """They are given."""
        return given
