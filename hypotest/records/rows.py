"""Rows: the positions at which something was collected."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.records.arrays import IntArray


class Positioned:
    """What has a frame of positions: its columns as arrays, shape (n_positions,)."""

    __slots__ = ()
    positions: pl.DataFrame

    @property
    def documents(self) -> IntArray:
        """Document of each position."""
        return np.asarray(self.positions["document"].to_numpy())

    @property
    def blocks(self) -> NDArray[np.int64]:
        """Block of text."""
        return self._column("block")

    @property
    def indices(self) -> NDArray[np.int64]:
        """Place within the block."""
        return self._column("index")

    @property
    def targets(self) -> NDArray[np.int64]:
        """Token that is to be predicted."""
        return self._column("target")

    def mask(self, condition: str) -> NDArray[np.bool_]:
        """Whether a position belongs to a condition, ``rare`` or ``common``."""
        return np.asarray(self.positions["condition"].to_numpy() == condition)

    def _column(self, name: str) -> NDArray[np.int64]:
        return self.positions[name].to_numpy().astype(np.int64)  # writable, as torch wants it
