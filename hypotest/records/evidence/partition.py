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
        return Partition(self.names, self.parts[neurons])
