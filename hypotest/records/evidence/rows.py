"""Rows: the positions at which something was collected."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import IntArray
from hypotest.records.protocol.conditions import Conditions

CLUSTER = "cluster"
"""Column that positions of examples have: their number as that of documents."""
EXTRA = (CLUSTER, "pair", "foil", "length", "token", "span")
"""Columns that positions may have: of examples their cluster, the number of the minimal pair, token id of the
foil, tokens of the target where all of them count; where labels belong to them, the current token, or the
number of the stretch of text within its document."""


def extra_columns(positions: pl.DataFrame) -> tuple[str, ...]:
    """Those of `EXTRA` that there are."""
    return tuple(name for name in EXTRA if name in positions.columns)


def condition_type(names: Conditions) -> pl.Enum:
    """Of the column condition: two names, of which the first is the first condition's."""
    return pl.Enum(list(names))


def conditions_of(positions: pl.DataFrame) -> Conditions:
    """The names of both conditions, from the column condition."""
    kind = positions.schema["condition"]
    if not isinstance(kind, pl.Enum) or len(kind.categories) != 2:
        raise ValueError(f"the column condition must be an Enum of two names; found {kind}")
    return Conditions(*kind.categories)


def effective_number(units: IntArray | NDArray[Any]) -> float:
    """How many units of equal size say as much: 1 / sum p^2, with p the units' shares of the rows.

    Args:
        units: Unit of each row, any integers, shape ``(n_rows,)``.

    Raises:
        ValueError: If there is no row.

    Examples:
        >>> effective_number(np.array([7, 7, 3, 3])), effective_number(np.array([7, 7, 7, 3]))
        (2.0, 1.6)
    """
    _, counts = np.unique(np.asarray(units), return_counts=True)
    if counts.size == 0:
        raise ValueError("no rows, so no units")
    return float(counts.sum() ** 2 / np.square(counts, dtype=np.float64).sum())


def effective_of(units: IntArray, first: NDArray[np.bool_] | None = None) -> float:
    """Effective number of units of which both conditions need enough.

    Args:
        units: Unit of each row.
        first: Which rows are of the first condition; None where there is one condition.

    Returns:
        That of all rows if most units have rows of both conditions, so that they are compared with
        themselves; else the smaller one of the conditions'.
    """
    if first is None or first.all() or not first.any():
        return effective_number(units)
    own, other = units[first], units[~first]
    if 2 * np.intersect1d(own, other).size > np.unique(units).size:
        return effective_number(units)
    return min(effective_number(own), effective_number(other))


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

    @property
    def samples_types(self) -> bool:
        """Whether target types are a sample, as documents are; those of examples belong to their design."""
        return CLUSTER not in self.positions.columns

    @property
    def types(self) -> NDArray[np.int64] | None:
        """Target type of each position; None where types are no sample."""
        return self.targets if self.samples_types else None

    @property
    def conditions(self) -> Conditions:
        """The names of both conditions."""
        return conditions_of(self.positions)

    @property
    def first(self) -> NDArray[np.bool_]:
        """Whether a position belongs to the first condition."""
        return self.mask(self.conditions.first)

    @property
    def second(self) -> NDArray[np.bool_]:
        """Whether a position belongs to the second condition."""
        return self.mask(self.conditions.second)

    def mask(self, condition: str) -> NDArray[np.bool_]:
        """Whether a position belongs to a condition of this name."""
        return np.asarray(self.positions["condition"].cast(pl.String).to_numpy() == condition)

    def _column(self, name: str) -> NDArray[np.int64]:
        return self.positions[name].to_numpy().astype(np.int64)  # writable, as torch wants it
