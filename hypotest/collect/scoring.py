"""What is computed from the logits at each row, so that an ablation that makes it larger hurts.

The loss of the target, -log p(target); by how much the foil's logit exceeds the target's, which is
log p(foil) - log p(target); or the losses of all tokens of the target, summed, each given those before it.
All in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from hypotest.collect.last_block.tiles import HALF, HALF_SMALLEST
from hypotest.records.protocol.examples import Outcome

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """What rows need beside their targets."""

    foil: IntArray | None = None
    """Token id that is compared with the target, shape (n_rows,)."""
    length: IntArray | None = None
    """Tokens of the target whose losses are summed, shape (n_rows,)."""

    @classmethod
    def of(cls, positions: pl.DataFrame, outcome: str) -> Scoring:
        """From rows with their further columns.

        Args:
            positions: Rows.
            outcome: Of the ablation, `hypotest.records.protocol.examples.Outcome`.
        """
        known: dict[str, Outcome] = {"foil": "logit_difference", "length": "sequence"}
        columns = {
            name: positions[name].to_numpy().astype(np.int64)
            for name, needed_by in known.items()
            if outcome == needed_by
        }
        return cls(**columns)

    def part(self, rows: slice | NDArray[np.integer] | NDArray[np.bool_]) -> Scoring:
        """Of some rows."""
        return Scoring(*(None if item is None else item[rows] for item in (self.foil, self.length)))

    def places(self, n_rows: int) -> IntArray:
        """Row of each token whose logits are read, ascending: several where the target has several."""
        lengths = np.ones(n_rows, dtype=np.int64) if self.length is None else self.length
        return np.repeat(np.arange(n_rows), lengths)

    def queries(self, index: IntArray) -> IntArray:
        """Place within its block of each token that is read, in the order of `places`."""
        rows = self.places(index.size)
        starts = np.searchsorted(rows, np.arange(index.size))
        return np.asarray(index[rows] + np.arange(rows.size) - starts[rows])

    def foils(self, n_rows: int) -> Tensor | None:
        """Foil of each token that is read; None without one."""
        return None if self.foil is None else torch.from_numpy(self.foil[self.places(n_rows)])

    def summed(self, values: NDArray[np.generic], n_rows: int) -> NDArray[np.generic]:
        """Values of the tokens that are read, (n_tokens, ...), added up by row; bounds are rounded up."""
        if self.length is None:
            return values
        starts = np.searchsorted(self.places(n_rows), np.arange(n_rows))
        if values.dtype != np.float16:
            return np.asarray(np.add.reduceat(values, starts, axis=0, dtype=values.dtype))
        total = np.add.reduceat(values, starts, axis=0, dtype=np.float64)
        return np.asarray((total * (1 + HALF) + HALF_SMALLEST).astype(np.float16))


LOSS = Scoring()
"""The loss of one token."""


def scores(logits: Tensor, target: Tensor, foil: Tensor | None = None) -> Tensor:
    """What an ablation that hurts makes larger, in nats.

    Args:
        logits: Shape (batch, n_tokens, vocab).
        target: Token ids, shape (n_tokens,).
        foil: The same; None for the loss of the target.

    Returns:
        Shape (batch, n_tokens), of the logits' type.
    """
    target = target.to(logits.device)
    if foil is None:
        log_p = torch.log_softmax(logits, dim=-1)
        return -log_p.gather(2, target[None, :, None].expand(len(logits), -1, 1))[..., 0]
    both = torch.stack([target, foil.to(logits.device)], dim=-1)
    of_both = logits.gather(2, both[None].expand(len(logits), -1, 2))
    return of_both[..., 1] - of_both[..., 0]
