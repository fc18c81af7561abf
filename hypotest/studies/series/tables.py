"""Tables of a series that the console and the report share."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.document import Table, table
from hypotest.report.numbers import UNDEFINED, fixed, p_text, range_text
from hypotest.studies.compare.words import decimals_of
from hypotest.studies.series.record import SeriesResult, TrendResult


def is_grid(series: SeriesResult) -> bool:
    """Whether members are more than places along one line of layers or steps."""
    return series.axis == "model" or len(series.lines) > 1


def members_word(series: SeriesResult) -> str:
    """What a row of a table of members is."""
    return "member" if is_grid(series) else series.axis


def trend_table(series: SeriesResult) -> Table:
    """Trends; where there are several lines, those beneath what they say together."""
    return table(
        ["prediction", "Kendall's tau", "p", "p adjusted", "outcome", "leaves the null"],
        [(item.line or item.prediction, *_trend_cells(series, item)) for item in series.trends],
        numeric=(1, 2, 3),
    )


def tolerances(series: SeriesResult) -> Iterator[str]:
    """How far each significant trend rests on checkpoints that are independent of their neighbours."""
    for item in series.trends:
        if item.tolerates is not None and not item.line:
            yield (
                f"{item.prediction}: significant as long as neighbouring checkpoints' effects correlate at "
                f"most {item.tolerates:.2f} without a trend."
            )


def _trend_cells(series: SeriesResult, item: TrendResult) -> tuple[str, str, str, str, str]:
    adjusted = UNDEFINED if item.p_adjusted is None else p_text(item.p_adjusted)
    tau = UNDEFINED if item.tau is None else f"{item.tau:+.2f}"
    together = not item.line and len(series.lines) > 1
    leaves = UNDEFINED if together else _leaving(item)
    return tau, p_text(item.p_value), adjusted, item.outcome, leaves


def _leaving(item: TrendResult) -> str:
    if item.leaves_at is None:
        return "never"
    if item.stays_from is None:
        return f"at {item.leaves_at:,}, and returns"
    if item.stays_from == item.leaves_at:
        return f"at {item.leaves_at:,}"
    return f"at {item.leaves_at:,}, for good at {item.stays_from:,}"


def pooled_table(series: SeriesResult) -> Table:
    """Effects over models."""
    rows: list[tuple[str, ...]] = []
    for item in series.pooled:
        if item.pooled is not None:
            interval, decimals = item.pooled.interval_95, decimals_of(item)
            shown = range_text((interval.low, interval.high), decimals)
            effect = fixed(item.pooled.effect, decimals)
            unit = "SDs of the null" if item.scale == "SDs of the null" else "of the measure"
            rows.append((item.id, str(item.pooled.n_effects), effect, shown, unit, str(item.outcome)))
    columns = ["pooled over models", "models", "effect", "95 % interval", "unit", "outcome"]
    return table(columns, rows, numeric=(1, 2, 3))


def over_orders(series: SeriesResult) -> str:
    """What tau is of, and its p-value over, as the end of a sentence."""
    if len(series.lines) == 1:
        return "; its two-sided p-value is exact over all orders of the checkpoints"
    return (
        ", the mean over lines; its two-sided p-value is over orders that all layers of a training share and "
        "trainings do not. Beneath stands what each line does alone, which decides nothing"
    )
