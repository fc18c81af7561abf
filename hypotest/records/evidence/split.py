"""What was collected at the rows of one split: a frame of rows, and a mapping from channel to array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.heads import HeadAblation
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.evidence.rows import Positioned

_OF_NEURONS = frozenset({Channel.ACTIVATIONS, Channel.INFLUENCE, Channel.ERROR_BOUND})
"""Their second axis is the layer's neurons."""
_OF_HEADS = ("base", "single", "layer")
"""Arrays of `HeadAblation` whose last axis is the layer's neurons."""


@dataclass(frozen=True, slots=True, eq=False)
class SplitEvidence(Positioned):
    """A frame of rows and, by channel, an array whose first axis is these rows."""

    positions: pl.DataFrame
    """Columns document, block, index (within its block), target (token id), condition (an Enum of both names,
    the first condition's first), split (selection, evaluation)."""
    channels: Mapping[Channel, NDArray[Any]]
    """What there is; see `Channel` for shapes and units. NaN at rows and neurons that were not collected."""
    heads: HeadAblation | None = None
    """None where no heads were ablated."""
    windows: IntArray | None = None
    """Keys that a query of each head sees at most, itself included, shape (n_heads,); None: all before it."""
    lesions: Lesions | None = None
    """None where no groups were lesioned."""

    def __getitem__(self, channel: Channel) -> NDArray[Any]:
        """The array of a channel.

        Raises:
            EvidenceError: If this evidence has none.
        """
        if channel not in self.channels:
            raise missing(channel, tuple(self.channels))
        return self.channels[channel]

    @property
    def activations(self) -> FloatArray:
        """`Channel.ACTIVATIONS`, shape (n_positions, n_neurons)."""
        return self[Channel.ACTIVATIONS]

    @property
    def coordinates(self) -> FloatArray:
        """`Channel.COORDINATES`; the activations themselves where a unit is one number."""
        return self.channels.get(Channel.COORDINATES, self.activations)

    @property
    def delta_loss(self) -> FloatArray:
        """`Channel.INFLUENCE`, signed, shape (n_positions, n_neurons)."""
        return self[Channel.INFLUENCE]

    @property
    def loss(self) -> FloatArray:
        """`Channel.LOSS`, shape (n_positions,)."""
        return self[Channel.LOSS]

    @property
    def error_bound(self) -> FloatArray:
        """`Channel.ERROR_BOUND`, shape (n_positions, n_neurons)."""
        return self[Channel.ERROR_BOUND]

    @property
    def n_exact(self) -> IntArray:
        """`Channel.N_EXACT`, shape (n_positions,)."""
        return self[Channel.N_EXACT]

    @property
    def residual(self) -> FloatArray:
        """`Channel.RESIDUAL`, shape (n_positions, d_model)."""
        return self[Channel.RESIDUAL]

    @property
    def attention(self) -> FloatArray:
        """`Channel.ATTENTION`, shape (n_positions, n_heads, context)."""
        return self[Channel.ATTENTION]

    @property
    def head_ablation(self) -> HeadAblation:
        """`Channel.HEADS`.

        Raises:
            EvidenceError: If no heads were ablated.
        """
        if self.heads is None:
            raise missing(Channel.HEADS, tuple(self.channels))
        return self.heads

    @property
    def group_lesions(self) -> Lesions:
        """`Channel.LESIONS`.

        Raises:
            EvidenceError: If no groups were lesioned.
        """
        if self.lesions is None:
            raise missing(Channel.LESIONS, tuple(self.channels))
        return self.lesions

    @property
    def head_windows(self) -> NDArray[np.int64]:
        """`windows`, the context where all keys before the query are seen."""
        n_heads, context = self.attention.shape[1:]
        windows = np.full(n_heads, context) if self.windows is None else np.asarray(self.windows)
        return np.asarray(np.minimum(windows, context), dtype=np.int64)

    def with_channels(self, **arrays: NDArray[Any]) -> SplitEvidence:
        """The same rows with other arrays, or further ones, by the names of their channels."""
        return replace(self, channels={**self.channels, **{Channel(name): arrays[name] for name in arrays}})

    def of_documents(self, documents: IntArray) -> SplitEvidence:
        """The part that belongs to some documents, in the same order."""
        return self._of(np.isin(self.documents, documents), documents)

    def of_rows(self, rows: NDArray[np.bool_]) -> SplitEvidence:
        """Some of the positions, in the same order; head ablation of the documents that are left, whole.

        Args:
            rows: Which to keep, shape (n_positions,).
        """
        return self._of(rows, self.documents[rows])

    def _of(self, rows: NDArray[np.bool_], documents: IntArray) -> SplitEvidence:
        heads = None
        if self.heads is not None:
            mine = np.isin(self.heads.documents, documents)
            heads = HeadAblation(*(getattr(self.heads, item.name)[mine] for item in fields(self.heads)))
        return replace(
            self,
            positions=self.positions.filter(pl.Series(rows)),
            channels={name: array[rows] for name, array in self.channels.items()},
            heads=heads,
            lesions=None if self.lesions is None else self.lesions.of_rows(rows, documents),
        )

    def joined_with(self, *others: SplitEvidence) -> SplitEvidence:
        """The rows of all, these first; the channels that all have."""
        whole = (self, *others)
        heads = None
        of_heads = [item.heads for item in whole if item.heads is not None]
        if len(of_heads) == len(whole):
            names = [item.name for item in fields(HeadAblation)]
            heads = HeadAblation(
                *(np.concatenate([getattr(one, name) for one in of_heads]) for name in names)
            )
        channels = {
            name: np.concatenate([item.channels[name] for item in whole])
            for name in self.channels
            if all(name in item.channels for item in others)
        }
        lesions = None
        of_lesions = [item.lesions for item in whole if item.lesions is not None]
        if len(of_lesions) == len(whole):
            lesions = of_lesions[0].joined_with(*of_lesions[1:])
        return replace(
            self,
            positions=pl.concat([item.positions for item in whole]),
            channels=channels,
            heads=heads,
            lesions=lesions,
        )

    def of_neurons(self, neurons: IntArray) -> SplitEvidence:
        """The same rows with some of the layer's neurons only, in the order given."""
        channels = {
            name: array[:, neurons] if name in _OF_NEURONS else array for name, array in self.channels.items()
        }
        if Channel.COORDINATES in channels:
            rows, n_units = self.activations.shape
            whole = channels[Channel.COORDINATES].reshape(rows, n_units, -1)
            channels[Channel.COORDINATES] = whole[:, neurons].reshape(rows, -1)
        heads = self.heads
        if heads is not None:
            heads = replace(heads, **{name: getattr(heads, name)[..., neurons] for name in _OF_HEADS})
        return replace(self, channels=channels, heads=heads)

    def named(self, split: str) -> SplitEvidence:
        """The same rows as another split."""
        return replace(self, positions=self.positions.with_columns(pl.lit(split).alias("split")))


def missing(channel: Channel, there: tuple[Channel, ...]) -> EvidenceError:
    """What to say where evidence lacks a channel."""
    names = ", ".join(there) or "nothing"
    return EvidenceError(f"this evidence has no channel {channel}; found {names}")
