"""Lesions: what the loss of whole groups of neurons does, at every row."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.errors import EvidenceError
from hypotest.records.evidence.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Lesions:
    """How the loss changes when all neurons of a group are ablated at once; positive: it hurts.

    Groups are those that an analysis asks for: which, follows from the selection split
    (`hypotest.pipeline.analysis.lesioned.groups_to_lesion`).
    """

    groups: tuple[NDArray[np.int64], ...]
    """Neurons of each, as numbers in the layer, ascending."""
    random: NDArray[np.bool_]
    """Which of them were drawn at random, to stand beside the others, shape (n_groups,)."""
    change: FloatArray
    """In nats, at each row of the split, shape (n_rows, n_groups); NaN where it was not collected."""
    neither: FloatArray
    """The same at rows that belong to neither condition, shape (n_neither, n_groups)."""
    documents: IntArray
    """Document of each of those, shape (n_neither,)."""
    targets: IntArray
    """Token to be predicted at each."""

    def __post_init__(self) -> None:
        number, n_neither = len(self.groups), len(self.neither)
        shapes = {
            "random": (self.random.shape, (number,)),
            "change": (self.change.shape, (len(self.change), number)),
            "neither": (self.neither.shape, (n_neither, number)),
            "documents": (np.shape(self.documents), (n_neither,)),
            "targets": (np.shape(self.targets), (n_neither,)),
        }
        for name, (shape, expected) in shapes.items():
            if shape != expected:
                raise EvidenceError(f"lesions.{name} must have shape {expected}; found {shape}")

    def column(self, group: IntArray) -> int | None:
        """Which column is a group's; None where it was not lesioned.

        Args:
            group: Numbers in the layer, in any order.
        """
        wanted = np.sort(group)
        return next((place for place, own in enumerate(self.groups) if np.array_equal(own, wanted)), None)

    def of_rows(self, rows: NDArray[np.bool_], documents: IntArray) -> Lesions:
        """Of some rows of the split, and of its other rows in some documents."""
        kept = np.isin(self.documents, documents)
        return replace(
            self,
            change=self.change[rows],
            neither=self.neither[kept],
            documents=self.documents[kept],
            targets=self.targets[kept],
        )

    def joined_with(self, *others: Lesions) -> Lesions:
        """Rows of all, these first; NaN where a group was not lesioned."""
        whole = (self, *others)
        known: dict[bytes, int] = {}
        groups: list[NDArray[np.int64]] = []
        random: list[bool] = []
        places = []
        for item in whole:
            own = []
            for group, drawn in zip(item.groups, item.random.tolist(), strict=True):
                column = known.setdefault(np.sort(group).astype(np.int64).tobytes(), len(groups))
                if column == len(groups):
                    groups.append(group)
                    random.append(drawn)
                own.append(column)
            places.append(own)

        def stacked(parts: list[FloatArray]) -> FloatArray:
            joined = np.full((sum(map(len, parts)), len(groups)), np.nan, dtype=np.float32)
            start = 0
            for part, own in zip(parts, places, strict=True):
                joined[start : start + len(part), own] = part
                start += len(part)
            return joined

        return Lesions(
            groups=tuple(groups),
            random=np.array(random, dtype=bool),
            change=stacked([item.change for item in whole]),
            neither=stacked([item.neither for item in whole]),
            documents=np.concatenate([item.documents for item in whole]),
            targets=np.concatenate([item.targets for item in whole]),
        )
