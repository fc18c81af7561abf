"""One contrast with everything that its outcome depends on, whatever the measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hypotest.records.results.figure_data import RegimeFit
from hypotest.records.results.prediction_result import Interval, NullComparison, OwnIntervals, SecondaryNumber
from hypotest.records.results.reselection import Reselection
from hypotest.testing.intervals import interval_p_value

Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredContrast:
    """One contrast with everything that its outcome depends on."""

    observed: float | None
    reference: str
    """A null's name, ``condition``, or ``value``."""
    reference_value: float | None
    p_value: float | None
    p_error: float | None = None
    reference_sd: float | None = None
    standardized: float | None = None
    percentile: float | None = None
    """Of the observed value among the deciding draws, which gives the direction; None where p is by t."""
    interval: Interval | None = None
    interval_95: Interval | None = None
    sd_draws: Draws | None = None
    """Draws to whose SD `null_sd` margins refer."""
    deciding_draws: Draws | None = None
    """Draws of the deciding null, from which the smallest visible effect follows."""
    exchanged: float = 1.0
    """How much of a difference the deciding null's groups can show, as a share of what random groups can:
    less where they keep members of the group. Margins are as much narrower
    (`hypotest.inference.equivalence`)."""
    undefined: str | None = None
    """Why there is no outcome: the measure, its null or its test has no value on this evidence."""
    blocked: str | None = None
    """Why nothing can be concluded from this contrast, whatever its p-value."""
    variant: str = ""
    """Of the null, where it is drawn in several ways."""
    reselection: Reselection | None = None
    """Its errors if the group is selected again, where the protocol asks for them."""
    own_intervals: OwnIntervals = field(default_factory=OwnIntervals)
    secondary: Mapping[str, SecondaryNumber] = field(default_factory=dict)
    ladder: tuple[NullComparison, ...] = ()
    arms: tuple[NullComparison, ...] = ()
    draws: Mapping[str, Draws] = field(default_factory=dict)
    """Id of a comparison with a null -> every draw, for nulls.parquet."""
    notes: tuple[str, ...] = ()
    communities: tuple[tuple[int, ...], ...] = ()
    """Of the group: the neurons of each, as numbers in the layer; empty where none are looked for."""
    regimes: tuple[RegimeFit, ...] = ()
    """Of the rank-influence curves, if it is about them."""


def against_declared(
    observed: float,
    reference: float,
    intervals: tuple[Interval | None, Interval | None],
    secondary: Mapping[str, SecondaryNumber],
    reason: str = "",
) -> MeasuredContrast:
    """A value against a declared number; p is that of the interval's t.

    Args:
        observed: The value.
        reference: The number.
        intervals: Of their difference: at the level of equivalence, and at 95 %.
        secondary: Numbers that stand beside it.
        reason: Why there is no interval; empty where there is one.
    """
    interval, at_95 = intervals
    return MeasuredContrast(
        observed=observed,
        reference="value",
        reference_value=reference,
        p_value=None if interval is None else interval_p_value(interval),
        interval=interval,
        interval_95=at_95,
        secondary=secondary,
        notes=(reason,) if reason else (),
    )
