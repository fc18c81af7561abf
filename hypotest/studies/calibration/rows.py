"""Where the rows of a simulated text lie: document, label and token type of each; drawn, or a text's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.records.protocol.conditions import Conditions
from hypotest.studies.calibration.settings import Layer

NAMES = Conditions("rare", "common")
"""Of the conditions whose text is simulated, where it is no text of a protocol's own."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedRows:
    """The positions of one split."""

    documents: NDArray[np.int64]
    """Of each row, in the order of the text, shape (n_rows,)."""
    rare: NDArray[np.bool_]
    """Which rows are."""
    types: NDArray[np.int64]
    """Token type of each row, shape (n_rows,); a type is rare or common in all of its rows."""
    for_heads: NDArray[np.bool_] | None = None
    """Rows at which heads are ablated; None: all."""
    names: Conditions = NAMES
    """Of the conditions; the first is that of the rows in `rare`."""

    @property
    def n_documents(self) -> int:
        """Documents are numbered below it."""
        return int(self.documents.max()) + 1

    def numbered_from(self, document: int, type_: int) -> SimulatedRows:
        """The same with other numbers, as another text of this shape."""
        return replace(self, documents=self.documents + document, types=self.types + type_)


def draw_rows(layer: Layer, n_documents: int, rng: np.random.Generator) -> SimulatedRows:
    """Draw rows of documents, in the order of the text."""
    documents, rare = _labels(layer, n_documents, rng)
    shares = 1 / np.arange(1, layer.n_types + 1)
    types = rng.choice(layer.n_types, size=rare.size, p=shares / shares.sum()) + layer.n_types * ~rare
    if layer.burst:
        types = _repeated(layer, documents, rare, types, rng)
    return SimulatedRows(documents, rare, types)


def _labels(
    layer: Layer, n_documents: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Document and label of each position."""
    lengths = np.full(n_documents, layer.per_document)
    if layer.unequal:
        # exp(0.8 g - 0.32) has mean 1
        lengths = np.ceil(layer.per_document * np.exp(0.8 * rng.normal(size=n_documents) - 0.32)).astype(int)
    documents = np.repeat(np.arange(n_documents), 2 * lengths)
    place = np.arange(documents.size) - np.repeat(np.cumsum(2 * lengths) - 2 * lengths, 2 * lengths)
    if layer.run:
        first = rng.integers(2, size=n_documents)
        return documents, (place // layer.run + first[documents]) % 2 == 0
    order = np.lexsort((rng.random(documents.size), documents))
    rare = np.empty(documents.size, dtype=bool)
    rare[order] = place % 2 == 0
    return documents, rare


def _repeated(
    layer: Layer,
    documents: NDArray[np.int64],
    rare: NDArray[np.bool_],
    types: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Words come in bursts: some rows take the type of the row before of their document and condition."""
    order = np.lexsort((np.arange(rare.size), rare, documents))
    ordered = types[order].copy()
    keys = 2 * documents[order] + rare[order]
    again = np.r_[False, keys[1:] == keys[:-1]] & (rng.random(rare.size) < layer.burst)
    source = np.maximum.accumulate(np.where(again, 0, np.arange(rare.size)))
    repeated = np.empty_like(types)
    repeated[order] = ordered[source]
    return repeated
