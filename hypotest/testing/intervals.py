"""Intervals as results carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hypotest.inference.crossed import Variances
from hypotest.inference.equivalence import t_p_value
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.prediction_result import Interval, SecondaryNumber

UNDEFINED = "undefined without some of the documents or types: no interval"


def all_defined(*replicates: NDArray[np.floating]) -> bool:
    """Whether a measure has a value on every resample."""
    return all(bool(np.isfinite(values).all()) for values in replicates)


def interval_p_value(interval: Interval) -> float:
    """Two-sided p of no effect, by t with the interval's (bias-corrected) centre and standard error."""
    centre = (interval.low + interval.high) / 2
    return t_p_value(centre, interval.standard_error, interval.degrees_of_freedom)


def effective_numbers(
    documents: float, types: Sequence[float], conditions: Conditions, *, shared: bool
) -> dict[str, float]:
    """Documents, and types of each condition or of both, of equal size that would say as much, by name."""
    kinds = ("effective_types",) if shared else tuple(f"effective_{name}_types" for name in conditions)
    return dict(zip(("effective_documents", *kinds), (documents, *types), strict=False))


def effective_behind(variances: Variances, conditions: Conditions) -> dict[str, float]:
    """The same of variances whose every unit is left out."""
    types = [item.units for item in variances.types]
    return effective_numbers(variances.documents.units, types, conditions, shared=variances.shared)


def ends(interval: Interval | None) -> tuple[float, float] | None:
    """Low and high, if there is an interval."""
    return None if interval is None else (interval.low, interval.high)


def secondary(
    numbers: Mapping[str, float | None], **intervals: Interval | None
) -> dict[str, SecondaryNumber]:
    """Numbers that stand beside a test, those named with their 95 % intervals.

    Args:
        numbers: Name -> value.
        intervals: Name -> its interval; None for none.
    """
    return {name: SecondaryNumber(value, ends(intervals.get(name))) for name, value in numbers.items()}
