"""Numbers as a reader wants them: few digits, aligned, never ``0.000`` and never ``-0.00``."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypotest.records.results.prediction_result import Interval, PredictionResult

UNDEFINED = "n/a"
"""What stands where a number is not defined."""
DECLARED_VALUE = "declared value"
"""What a number that the protocol gives is called, as an opponent."""

_MOST_DECIMALS = 6
_LARGEST_PLAIN = 1e7


def fixed(value: float | None, decimals: int) -> str:
    """Write a number with a fixed number of decimals.

    Very large numbers, and numbers that need more than six decimals, are written as ``1.2e-08``.

    Examples:
        >>> fixed(-0.001, 2), fixed(12345.678, 1), fixed(None, 2)
        ('0.00', '12,345.7', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if decimals > _MOST_DECIMALS or abs(value) >= _LARGEST_PLAIN:
        return f"{value:.1e}"
    text = f"{value:,.{max(decimals, 0)}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def significant(value: float | None, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits, in plain notation where that is short.

    Examples:
        >>> significant(0.012345), significant(1234.5), significant(0.0)
        ('0.0123', '1,234', '0')
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if value == 0:
        return "0"
    return fixed(value, max(digits - 1 - math.floor(math.log10(abs(value))), 0))


def decimals_for(uncertainty: float | None, values: tuple[float | None, ...]) -> int:
    """Decimals that show an uncertainty to two significant digits.

    Args:
        uncertainty: Standard deviation or standard error; None where there is none.
        values: Numbers that will share the decimals; without an uncertainty the largest of them
            gets three significant digits. Undefined ones do not count.

    Examples:
        >>> decimals_for(0.49, (30.5,)), decimals_for(None, (0.25, 1.5))
        (2, 2)
    """
    if uncertainty is not None and math.isfinite(uncertainty) and uncertainty > 0:
        return max(1 - math.floor(math.log10(uncertainty)), 0)
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return max(2 - math.floor(math.log10(largest)), 0) if largest > 0 else 2


def p_text(p_value: float | None) -> str:
    """Write a p-value: four decimals below 0.1, so that it can be compared with the level.

    A randomization p-value cannot be smaller than its Monte Carlo floor, 2 / (B + 1), and is
    written as it is; only what is below 0.0001 becomes ``<0.0001``.

    Examples:
        >>> p_text(0.0002), p_text(0.3421), p_text(1e-12), p_text(1.0)
        ('0.0002', '0.342', '<0.0001', '1')
    """
    if p_value is None or not math.isfinite(p_value):
        return UNDEFINED
    if p_value < 1e-4:
        return "<0.0001"
    if p_value >= 0.9995:
        return "1"
    return f"{p_value:.4f}" if p_value < 0.1 else f"{p_value:.3f}"


def count_text(count: int) -> str:
    """Write a count with thousands separated: ``4,096``."""
    return f"{count:,}"


def bytes_text(count: int) -> str:
    """Write a size in memory or on disk.

    Examples:
        >>> bytes_text(1_700_000_000), bytes_text(27_500_000), bytes_text(1_200)
        ('1.7 GB', '28 MB', '1 kB')
    """
    if count >= 9.5e8:
        return f"{count / 1e9:,.1f} GB"
    if count >= 9.5e5:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e3:.0f} kB" if count >= 1e3 else f"{count} bytes"


def duration_text(seconds: float) -> str:
    """Write a duration as a person would say it.

    Examples:
        >>> duration_text(0.42), duration_text(75), duration_text(7260)
        ('0.4 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


@dataclass(frozen=True, slots=True)
class PredictionText:
    """The numbers of one prediction, written with shared decimals."""

    observed: str
    reference: str
    """Mean and SD, ``30.50 (0.49)``, or the bare reference value."""
    effect: str
    interval: str
    """``[low, high]`` of the effect, or ``n/a``."""
    interval_95: str
    reselected_95: str
    """The same if the group is selected again."""
    margin: str
    """Effects that count as equivalent, ``[low, high]``."""
    smallest_effect: str
    p: str
    """Of the test behind the outcome: of equivalence for ``equivalent``, else of the difference."""
    p_adjusted: str
    of_equivalence: bool
    """Whether `p` belongs to the equivalence test."""


def prediction_text(result: PredictionResult) -> PredictionText:
    """Write one prediction's numbers; the console and the report show the same strings."""
    uncertainties = [result.reference_sd]
    if result.interval is not None:
        uncertainties.append(result.interval.standard_error)
    known = [item for item in uncertainties if item is not None and item > 0]
    decimals = decimals_for(
        min(known) if known else None, (result.observed, result.reference_value, result.effect)
    )
    reference = fixed(result.reference_value, decimals)
    if result.reference_sd is not None:
        reference += f" ({fixed(result.reference_sd, decimals)})"
    of_equivalence = result.outcome == "equivalent" and result.p_equivalence is not None
    return PredictionText(
        observed=fixed(result.observed, decimals),
        reference=reference,
        effect=fixed(result.effect, decimals),
        interval=interval_text(result.interval, decimals),
        interval_95=interval_text(result.interval_95, decimals),
        reselected_95=range_text(
            None if result.reselection is None else result.reselection.interval_95, decimals
        ),
        margin=range_text(result.margin, decimals),
        smallest_effect=fixed(result.smallest_effect, decimals),
        p=p_text(result.p_equivalence if of_equivalence else result.p_value),
        p_adjusted=p_text(result.p_equivalence_adjusted if of_equivalence else result.p_adjusted),
        of_equivalence=of_equivalence,
    )


def opponent_text(against: str) -> str:
    """What an observed value is compared with, for readers.

    Args:
        against: As records have it, where a number that the protocol gives is ``value``.

    Examples:
        >>> opponent_text("value"), opponent_text("size_matched")
        ('declared value', 'size_matched')
    """
    return DECLARED_VALUE if against == "value" else against


def interval_text(interval: Interval | None, decimals: int) -> str:
    """Write the bounds of a confidence interval, ``[low, high]``."""
    return range_text(None if interval is None else (interval.low, interval.high), decimals)


def range_text(bounds: tuple[float, float] | None, decimals: int) -> str:
    """Write two bounds, ``[low, high]``."""
    if bounds is None:
        return UNDEFINED
    return f"[{fixed(bounds[0], decimals)}, {fixed(bounds[1], decimals)}]"


def level_text(interval: Interval | None) -> str:
    """Write the coverage of an interval, ``90 %``."""
    return UNDEFINED if interval is None else f"{100 * interval.level:g} %"


def share_text(share: float) -> str:
    """A probability in per cent: never 100 % or 0 % for what is only close to it.

    Examples:
        >>> share_text(0.834), share_text(0.9996), share_text(1.0), share_text(0.0001)
        ('83 %', '>99 %', '100 %', '<1 %')
    """
    if 0.995 <= share < 1:
        return ">99 %"
    if 0 < share < 0.005:
        return "<1 %"
    return f"{100 * share:.0f} %"
