"""What an ablated neuron is set to: its mean, zero, or its activation at another position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.evidence import AblationMethod
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.choices import AblationKind


@dataclass(frozen=True, slots=True, eq=False)
class Replacement:
    """Replacement activations for every position of every block.

    Under ``resample`` each position of each block has a donor, drawn once for all neurons: another of the
    collected positions of the selection split. Groups of neurons take their activations from the same donor.
    """

    kind: AblationKind
    values: NDArray[np.float32]
    """One row for all positions (mean, zero), or one per possible donor, shape (n_rows, n_neurons); of units
    that are several numbers each, all of these (`hypotest.subjects.units.kind`)."""
    donor_block: NDArray[np.int64]
    """Block of each possible donor, shape (n_rows,); unused where there is one row."""
    donor_index: NDArray[np.int64]
    """Position of each possible donor within its block, shape (n_rows,)."""
    seed: int
    """Of the donors."""

    @classmethod
    def of(
        cls,
        kind: AblationKind,
        activations: NDArray[np.float32],
        block: NDArray[np.int64],
        index: NDArray[np.int64],
        seed: int,
    ) -> Replacement:
        """From the collected activations of the selection split.

        Args:
            kind: ``mean``, ``zero`` or ``resample``.
            activations: Shape (n_positions, n_neurons).
            block: Block of each position, shape (n_positions,).
            index: Position within the block, shape (n_positions,).
            seed: Of the donors.
        """
        if kind not in ("mean", "zero", "resample"):
            raise ValueError(f"replacement must be 'mean', 'zero' or 'resample', got {kind!r}")
        if kind != "zero" and len(activations) < 2:
            raise ValueError(f"{kind} ablation needs other positions to set a neuron to; got a single one")
        if kind == "mean":
            values = activations.mean(axis=0, dtype=np.float64)[None].astype(np.float32)
        else:
            values = activations if kind == "resample" else np.zeros_like(activations[:1])
        return cls(kind, values, block, index, seed)

    @classmethod
    def behind(cls, ablation: AblationMethod, selection: SplitEvidence) -> Replacement:
        """What the evidence was collected with."""
        return cls.of(
            cast(AblationKind, ablation.replacement),
            np.asarray(selection.coordinates, dtype=np.float32),
            selection.blocks,
            selection.indices,
            ablation.seed,
        )

    def within(self, block: int, context: int) -> NDArray[np.float32]:
        """Replacements at every position of a block, shape (1 or context, n_neurons)."""
        if self.kind != "resample":
            return self.values
        return np.asarray(self.values[self._donors(block, context)])

    def at(self, block: NDArray[np.int64], index: NDArray[np.int64], context: int) -> NDArray[np.float32]:
        """Replacements at some positions, shape (n_neurons,) or (n_positions, n_neurons)."""
        if self.kind != "resample":
            return np.asarray(self.values[0])
        donors = {number: self._donors(number, context) for number in np.unique(block).tolist()}
        return np.asarray(
            self.values[[donors[b][i] for b, i in zip(block.tolist(), index.tolist(), strict=True)]]
        )

    def _donors(self, block: int, context: int) -> NDArray[np.int64]:
        """Row of each position's donor: the same whichever positions are asked for together."""
        rows = np.random.default_rng([self.seed, block]).integers(len(self.values), size=context)
        itself = (self.donor_block[rows] == block) & (self.donor_index[rows] == np.arange(context))
        return np.asarray(np.where(itself, (rows + 1) % len(self.values), rows))
