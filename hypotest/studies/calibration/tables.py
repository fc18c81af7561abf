"""The tables of a calibration: false positives, coverage, verdicts, outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hypotest.nulls.registry import NULLS
from hypotest.pages.document import Table, table
from hypotest.pages.inline import BREAK, Inline, Span
from hypotest.records.protocol.design import PERMUTED
from hypotest.records.rate import Rate
from hypotest.studies.calibration.record import BY_T, Calibration, Cell, ScenarioRates

_BESIDE = {
    PERMUTED: ("types p.", "labels of token types permuted"),
    BY_T: (BY_T, "t against the other condition or a declared number, over documents and types"),
}
"""Comparison with something else than a null of the protocol -> head and legend of its column."""


def _columns(cells: Iterable[Cell]) -> dict[str, str]:
    """Comparison -> head of its column, in the order of the ladder; every one that was counted has one."""
    heads = {
        name: null.words.short_of(variant) or variant or null.words.narrow or name
        for null in NULLS.values()
        for name, variant in null.ids()
    }
    heads |= {name: head for name, (head, _) in _BESIDE.items()}
    counted = dict.fromkeys(cell.null for cell in cells)
    return {name: heads[name] for name in heads if name in counted} | {
        name: name for name in counted if name not in heads
    }


def legend(calibration: Calibration) -> str:
    """What the heads of columns mean, of those that are there."""
    counted = {cell.null for item in calibration.scenarios for cell in item.cells}
    parts = []
    for null in NULLS.values():
        if null.words.legend and any(name in counted for name, _ in null.ids()):
            by_variant = not isinstance(null.words.short, str)
            parts.append(null.words.legend if by_variant else f"{null.words.short}: {null.words.legend}")
    parts += [f"{head}: {what}" for name, (head, what) in _BESIDE.items() if name in counted]
    return "; ".join(parts)


_STATUSES = ("supported", "refuted", "undecided", "not applicable")


def level_tables(item: ScenarioRates, level: float) -> Iterator[Table]:
    """One for nulls of the protocol, and one for what else stands beside a test: legible at 80 columns."""
    columns = _columns(item.cells)
    by_place = {(cell.prediction, cell.null): cell for cell in item.cells}
    for chosen in ([name for name in columns if name not in _BESIDE], [*_BESIDE]):
        shown = [name for name in chosen if name in columns]
        rows = []
        for prediction in dict.fromkeys(cell.prediction for cell in item.cells if cell.null in shown):
            cells = [by_place.get((prediction, null)) for null in shown]
            rows.append((prediction, *(_level_cell(cell, level) for cell in cells)))
        if rows:
            yield _table(["prediction", *(columns[name] for name in shown)], rows)


def _level_cell(cell: Cell | None, level: float) -> Inline:
    if cell is None:
        return ""
    rate = percent(cell.rejected.value) + ("!" if cell.is_high(level) else "")
    shown = rate if cell.claimed else f"({rate})"
    return (Span(shown, "strong") if cell.decides else shown, BREAK, _bounds(cell.rejected))


def coverage_table(scenarios: Sequence[ScenarioRates]) -> Table:
    """How often intervals hold the truth."""
    rows = []
    for item in scenarios:
        for number, row in enumerate(item.coverage):
            first = "" if number else item.name
            mark = {"": "", "narrow": "!", "biased": "!", "wide": "+"}[row.miss]
            rows.append(
                (
                    first,
                    row.prediction,
                    (percent(row.of_90.value) + mark, BREAK, _bounds(row.of_90)),
                    *(
                        "" if rate is None else (percent(rate.value), BREAK, _bounds(rate))
                        for rate in (row.of_95, row.here_90, row.here_95, row.at_margin)
                    ),
                )
            )
    return _table(["scenario", "prediction", "90 %", "95 %", "90 % here", "95 % here", "TOST"], rows)


def verdict_table(scenarios: Sequence[ScenarioRates]) -> Table:
    """How hypotheses were judged."""
    rows = []
    for item in scenarios:
        for number, row in enumerate(item.verdicts):
            shares = [
                percent(row.counts.get(status, 0) / item.n_whole) + ("*" if status in row.right else "")
                for status in _STATUSES
            ]
            by_difference = percent(row.refuted_by_difference / item.n_whole)
            first = ("", "") if number else (item.name, with_bounds(item.family_wise_error))
            rows.append((*first, row.hypothesis, *shares, by_difference))
    return _table(["scenario", "wrong", "hypothesis", "sup.", "ref.", "und.", "n/a", "diff."], rows)


def outcome_table(item: ScenarioRates) -> Table:
    """How predictions came out."""
    rows = []
    for row in item.outcomes:
        right = total(row.counts, row.right) / item.n_whole
        shares = ", ".join(f"{name} {percent(n / item.n_whole)}" for name, n in row.counts.items())
        ceiling = "" if row.ceiling is None else percent(row.ceiling)
        rows.append((row.prediction, " or ".join(row.right), percent(right), ceiling, shares))
    return _table(["prediction", "true", "right", "ceiling", "outcomes"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[Inline]]) -> Table:
    return table(head, rows, numeric=range(1, len(head)))


def total(counts: Mapping[str, int], names: Sequence[str]) -> int:
    """Of some of the counts."""
    return sum(counts.get(name, 0) for name in names)


def percent(share: float) -> str:
    """Without the sign: ``5.0``."""
    return f"{100 * share:.1f}"


def _bounds(rate: Rate) -> str:
    return f"{percent(rate.low)}-{percent(rate.high)}"


def with_bounds(rate: Rate) -> str:
    """With its interval: ``5.0 (3.8-6.3)``."""
    return f"{percent(rate.value)} ({_bounds(rate)})"
