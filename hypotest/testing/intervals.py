"""Intervals over documents, at the two levels that results carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.streams import Streams
from hypotest.inference.bootstrap import document_interval, document_weights, jackknife_weights
from hypotest.inference.equivalence import t_p_value
from hypotest.records.design import MINIMUM_DOCUMENTS
from hypotest.records.prediction_result import Interval, SecondaryNumber
from hypotest.records.protocol import Protocol

TOO_FEW = f"fewer than {MINIMUM_DOCUMENTS} documents: no interval"
UNDEFINED = "undefined without some of the documents or types: no interval"


def contrast_intervals(
    effect: float,
    resampled: Callable[[NDArray[np.int32]], NDArray[np.float64]],
    n_documents: int,
    protocol: Protocol,
    streams: Streams,
) -> tuple[Interval | None, Interval | None, tuple[str, ...]]:
    """The effect's interval at the level of the equivalence test and at 95 %, or why there is none.

    Args:
        effect: On all documents.
        resampled: Weights (R, D) to the effect with documents weighted (R,).
        n_documents: D; below 20 there is no interval, nor where the effect is undefined on some resample:
            those that are left would be a selection.
        protocol: Its level a (the equivalence test uses the 1 - 2 a interval) and number of resamples.
        streams: Random numbers.
    """
    if n_documents < MINIMUM_DOCUMENTS:
        return None, None, (TOO_FEW,)
    weights = document_weights(
        n_documents, protocol.intervals.resamples, streams("documents", str(n_documents))
    )
    replicates, jackknife = resampled(weights), resampled(jackknife_weights(n_documents))
    if not all_defined(replicates, jackknife):
        return None, None, (UNDEFINED,)
    at_level, at_95 = (
        document_interval(effect, replicates, jackknife, n_documents, level)
        for level in (1 - 2 * protocol.decision.level, 0.95)
    )
    return at_level, at_95, ()


def all_defined(*replicates: NDArray[np.float64]) -> bool:
    """Whether a measure has a value on every resample."""
    return all(bool(np.isfinite(values).all()) for values in replicates)


def interval_p_value(interval: Interval) -> float:
    """Two-sided p of no effect, by t with the interval's (bias-corrected) centre and standard error."""
    centre = (interval.low + interval.high) / 2
    return t_p_value(centre, interval.standard_error, interval.degrees_of_freedom)


def around(interval: Interval, value: float) -> Interval:
    """An interval of the same width around a number as others report it, its bias and all.

    Maximised Q, effective dimensions and correlations depend on the amount of text; published ones are not
    corrected for that. It covers the number's mean over texts of this size.
    """
    half = (interval.high - interval.low) / 2
    return replace(interval, low=value - half, high=value + half)


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
