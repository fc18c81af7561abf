"""Rows that are left out in turn, and what follows for an effect against a declared value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypotest.engine.streams import Streams
from hypotest.inference.crossed import Variances, crossed_interval
from hypotest.inference.left_out import (
    CrossedLeftOut,
    crossed_errors,
    crossed_left_out,
    unit_counts,
)
from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.prediction_result import Interval
from hypotest.testing.group_measure import MeasuredRows
from hypotest.testing.intervals import UNDEFINED, all_defined, effective_numbers


def left_out_of(rows: MeasuredRows, streams: Streams) -> CrossedLeftOut:
    """Groups of documents, types and cells; all measures that read the same rows share one set.

    Raises:
        ValueError: If there are fewer than two documents, or types of a condition.
    """
    return crossed_left_out(rows.documents, rows.types, rows.second, streams("rows left out"))


def effective_units(left: CrossedLeftOut, conditions: Conditions) -> dict[str, float]:
    """Documents, and types of each condition, of equal size that would say as much, by name."""
    types = [item.number for item in left.types]
    return effective_numbers(left.documents.number, types, conditions, shared=left.shared)


@dataclass(frozen=True, slots=True)
class ReferenceErrors:
    """How a value varies over documents and types, or why that is not known."""

    variances: Variances | None = None
    effective: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    """Why there is no interval."""

    def interval(self, effect: float, level: float) -> Interval | None:
        """Of the value's difference from what was declared; None where there is none."""
        return None if self.variances is None else crossed_interval(effect, self.variances, level)


def reference_errors(
    values: Sequence[FloatArray], left: CrossedLeftOut, conditions: Conditions
) -> ReferenceErrors:
    """Errors of a value that is compared with no group.

    Args:
        values: For each item of ``left.each()``, the value with all rows and without each of its groups,
            shape (1 + G,).
        left: From `left_out_of`.
        conditions: Their names.
    """
    effective = effective_units(left, conditions)
    if reason := unit_counts(left).too_few(conditions):
        return ReferenceErrors(effective=effective, reason=reason)
    if not all_defined(*values):
        return ReferenceErrors(effective=effective, reason=UNDEFINED)
    return ReferenceErrors(crossed_errors(values, left).variances, effective)
