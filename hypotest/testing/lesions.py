"""What the lesion of a group does, on the rows that a measure reads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.regimes import influence
from hypotest.inference.crossed import crossed_interval
from hypotest.inference.crossed_means import MeanContrast, mean_contrast
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.results.prediction_result import Interval
from hypotest.testing.group_measure import MeasuredRows
from hypotest.testing.task import Task
from hypotest.testing.undefined import Undefined


def selected_on(task: Task, condition: str) -> tuple[str, IntArray]:
    """The condition, the first one if it is empty, and the group that was selected on it."""
    names = task.evidence.evaluation.conditions
    if condition in ("", names.first):
        return names.first, task.selection.group
    return names.second, task.selection.second


def most_selective(split: SplitEvidence, own: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """The neurons whose influence belongs most to some rows, (own - other) / (own + other), one at a time.

    Their lesion shows how far a layer can dissociate the conditions at all: a rule that selects by influence
    may pass by the neurons that prefer its condition.

    Args:
        split: The selection split.
        own: Its rows of one condition, shape (n_rows,); the others are the other's.
        size: How many.

    Returns:
        Columns of the evidence, ascending.
    """
    mine, other = (influence(split.delta_loss, rows).astype(np.float64) for rows in (own, ~own))
    together = mine + other
    preference = np.divide(mine - other, together, out=np.full(mine.shape, -1.0), where=together > 0)
    return np.sort(np.argsort(-preference, kind="stable")[:size])


@dataclass(frozen=True, slots=True, eq=False)
class Lesion:
    """The lesion of one group on the evaluation split."""

    lesions: Lesions
    column: int
    change: FloatArray
    """Change of the loss at each row, or its size, shape (n_rows,)."""
    rows: MeasuredRows
    """Documents and types of these."""

    @classmethod
    def of(cls, evidence: Evidence, group: IntArray, *, size: bool = False) -> Lesion:
        """Of a group, as columns of the evidence; if `size`, the size of every change.

        Raises:
            EvidenceError: If no group was lesioned.
            Undefined: If this one was not, or not at all rows.
        """
        lesions = evidence.evaluation.group_lesions
        column = lesions.column(evidence.layer_numbers(group))
        if column is None:
            raise Undefined(f"this group of {len(group)} neurons was not lesioned; others were")
        change = lesions.change[:, column].astype(np.float64)
        if not np.isfinite(change).all():
            raise Undefined(f"this group of {len(group)} neurons was lesioned at some of the rows only")
        if size:
            lesions = replace(lesions, change=np.abs(lesions.change), neither=np.abs(lesions.neither))
            change = np.abs(change)
        return cls(lesions, column, change, MeasuredRows.of(evidence.evaluation, both=True))

    def on(self, rows: NDArray[np.bool_], values: FloatArray | None = None) -> MeanContrast:
        """Mean change over some rows, or of other values there, with its variances.

        Raises:
            Undefined: If there are too few documents or types for a mean without one of them.
        """
        types = None if self.rows.types is None else np.asarray(self.rows.types)[rows]
        return mean_over(
            (self.change if values is None else values)[rows], np.asarray(self.rows.documents)[rows], types
        )

    def off_target(self) -> tuple[float, Interval | None] | None:
        """Mean change over rows of neither condition and its 95 % interval; None where there are none."""
        values = self.lesions.neither[:, self.column].astype(np.float64)
        if not values.size or not np.isfinite(values).all():
            return None
        documents, targets = np.asarray(self.lesions.documents), np.asarray(self.lesions.targets)
        try:
            mean = mean_over(values, documents, None if self.rows.types is None else targets)
        except Undefined:
            return float(values.mean()), None
        return mean.estimate, interval_of(mean)

    def of_other(self, group: IntArray) -> FloatArray | None:
        """Changes under the lesion of another group, shape (n_rows, 1); None where it was not lesioned.

        Args:
            group: Numbers in the layer.
        """
        column = self.lesions.column(group)
        return None if column is None else self.lesions.change[:, [column]].astype(np.float64)

    def of_random(self, size: int) -> FloatArray:
        """Changes under the lesions of random groups of a size, shape (n_rows, n_groups)."""
        sizes = np.array([len(group) for group in self.lesions.groups])
        return self.lesions.change[:, self.lesions.random & (sizes == size)].astype(np.float64)


def mean_over(values: FloatArray, documents: IntArray, types: IntArray | None) -> MeanContrast:
    """Mean of rows with its variances over documents and types.

    Raises:
        Undefined: If there is none without one of them.
    """
    try:
        return mean_contrast(values, np.ones(len(values), dtype=bool), documents, types)
    except ValueError as error:
        raise Undefined(str(error)) from error


def interval_of(contrast: MeanContrast, level: float = 0.95, reference: float = 0.0) -> Interval | None:
    """Of what was found less a number; None where there are too few units."""
    if contrast.variances.too_few():
        return None
    return crossed_interval(contrast.estimate - reference, contrast.variances, level)
