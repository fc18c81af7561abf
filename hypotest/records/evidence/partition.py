"""A declared division of the neurons: experts, branches, modalities, frequencies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.records.evidence.arrays import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Which part each neuron belongs to, by declaration: it is read off no activation."""

    names: tuple[str, ...]
    """Of the parts."""
    parts: NDArray[np.int64]
    """Of each neuron, a place in `names`, shape (n_neurons,)."""
    numbers: NDArray[np.int64] | None = None
    """Of each neuron, its number within its part, where it is called by that (expert 3, neuron 17)."""

    def __post_init__(self) -> None:
        if self.parts.ndim != 1 or not np.issubdtype(self.parts.dtype, np.integer):
            given = f"{self.parts.dtype} of shape {self.parts.shape}"
            raise EvidenceError(f"partition.parts must be one whole number for each neuron; found {given}")
        if self.parts.size and not (self.parts.min() >= 0 and self.parts.max() < len(self.names)):
            raise EvidenceError(
                f"partition.parts must be places among the {len(self.names)} names of parts; found "
                f"{self.parts.min()} to {self.parts.max()}"
            )

    @classmethod
    def of(cls, labels: object) -> Partition:
        """From one label for each neuron, of any kind.

        Examples:
            >>> Partition.of(["audio", "text", "audio"]).names
            ('audio', 'text')
        """
        names, parts = np.unique(np.asarray(labels), return_inverse=True)
        return cls(tuple(map(str, names.tolist())), np.asarray(parts, dtype=np.int64))

    def of_neurons(self, neurons: IntArray) -> Partition:
        """Of some of the neurons, in the order given."""
        numbers = None if self.numbers is None else self.numbers[neurons]
        return Partition(self.names, self.parts[neurons], numbers)

    def called(self, neurons: IntArray) -> tuple[str, ...]:
        """Names of some of the neurons; none where they are called by their number in the layer.

        Examples:
            >>> Partition(("expert 0", "expert 1"), np.array([0, 1, 1]), np.array([0, 0, 1])).called([2])
            ('expert 1, neuron 1',)
        """
        if self.numbers is None:
            return ()
        chosen = np.asarray(neurons, dtype=np.int64)
        pairs = zip(self.parts[chosen].tolist(), self.numbers[chosen].tolist(), strict=True)
        return tuple(f"{self.names[part]}, neuron {number}" for part, number in pairs)
