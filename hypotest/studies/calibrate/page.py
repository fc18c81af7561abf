"""What calibration prints and writes: rates of false positives, coverage, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hypotest.nulls.registry import NULLS
from hypotest.pages.document import Document, Heading, Part, Table, document, table
from hypotest.pages.inline import BREAK, Inline, prose, strong
from hypotest.records.sentences import sentence_list
from hypotest.report.numbers import count_text
from hypotest.studies.calibrate.record import Calibration, Cell, Rate, ScenarioRates

_NULLS = {
    **{
        f"{name} ({variant})" if variant else name: null.words.short_of(variant)
        for name, null in NULLS.items()
        if null.words.short
        for variant in (("",) if isinstance(null.words.short, str) else null.words.short)
    },
    "swapped within documents": "swaps",
    "value": "value",
}
"""Null -> head of its column."""
_LEGEND = "; ".join(
    [
        *(
            item.legend if not isinstance(item.short, str) else f"{item.short}: {item.legend}"
            for item in (null.words for null in NULLS.values())
            if item.legend
        ),
        "swaps: labels swapped within documents",
        "value: t against the declared number",
    ]
)
_STATUSES = ("supported", "refuted", "undecided", "not applicable")


def conclusion(found: Calibration) -> str:
    """Whether every claimed level is kept, beyond what chance does among so many rates."""
    n_claimed, n_high = len(found.claimed), sum(cell.is_high(found.level) for _, cell in found.claimed)
    expected = n_claimed * (1 - found.confidence) / 2
    above = (
        f"Of {count_text(n_claimed)} claimed rates {n_high} lie above {100 * found.level:g} % by their own "
        f"interval, where chance alone would put up to {expected:.1f}"
    )
    if found.failures:
        places = [f"{name}: {cell.prediction} against {cell.null}" for name, cell in found.failures]
        return f"LEVEL EXCEEDED in {sentence_list(places)}. {above}."
    return f"No claimed level is exceeded, all rates taken together. {above}."


def calibration_page(found: Calibration) -> Document:
    """All tables, for a file and for the console; legible from 80 columns on."""
    return document(_parts(found))


def _parts(found: Calibration) -> Iterator[Part]:
    yield Heading("Calibration", 1)
    yield prose(
        "The pipeline on simulated layers whose truth is known (hypotest {}, code `{}`, seed {}). Numbers "
        "are per cent, each with {}.",
        found.hypotest_version,
        found.code[:16],
        str(found.seed),
        _confidence(found),
    )
    yield strong(conclusion(found), "bad" if found.failures else None)
    yield Heading("Decisions")
    yield _verdict_table(found.scenarios)
    yield prose(
        "*wrong*: some hypothesis is refuted by an outcome that is not true, premises aside. Right verdicts "
        "carry a star. *diff.*: so many more would be refuted if a significant difference alone, not one "
        "beyond the margin, contradicted an expected equivalence."
    )
    if any(item.coverage for item in found.scenarios):
        yield Heading("Coverage of intervals")
        yield _coverage_table(found.scenarios)
    yield Heading("False positives")
    yield f"Simulations with p <= {found.level:g}. {_LEGEND[0].upper()}{_LEGEND[1:]}."
    for item in found.scenarios:
        if item.cells:
            yield Heading(item.name, 3)
            yield f"{count_text(item.n_simulations)} simulations: {item.what}."
            if item.why_hard:
                yield f"In brackets, no level is claimed: {item.why_hard}."
            yield _level_table(item, found.level)
    planted = [item for item in found.scenarios if item.planted]
    if planted:
        yield Heading("Outcomes where effects are planted")
    for item in planted:
        yield Heading(item.name, 3)
        yield f"{item.what}."
        yield _outcome_table(item)


def calibration_summary(found: Calibration) -> Document:
    """One row per scenario, for the README."""
    rows = []
    for item in found.scenarios:
        claimed = [cell for cell in item.cells if cell.claimed]
        hard = [cell for cell in item.cells if not cell.claimed]
        covered = [row.of_90.value for row in item.coverage]
        right = [
            f"{row.hypothesis}: {_percent(_total(row.counts, row.right) / item.n_simulations)}"
            for row in item.verdicts
        ]
        rows.append(
            (
                item.name,
                _worst(claimed),
                _worst(hard),
                f"{_percent(min(covered))} to {_percent(max(covered))}" if covered else "",
                _with_bounds(item.family_wise_error),
                ", ".join(right),
            )
        )
    head = (
        "scenario",
        "highest claimed rate",
        "highest rate in a hard case",
        "90 % intervals cover",
        "wrong decisions",
        "right verdicts",
    )
    fewest = min(item.n_simulations for item in found.scenarios)
    least_covered = min((row.of_90.n for item in found.scenarios for row in item.coverage), default=0)
    number = f"{fewest:,} simulations of each kind of layer; coverage from {least_covered:,} of them."
    return document([number, table(head, rows), conclusion(found)])


def _level_table(item: ScenarioRates, level: float) -> Table:
    nulls = [null for null in _NULLS if any(cell.null == null for cell in item.cells)]
    by_place = {(cell.prediction, cell.null): cell for cell in item.cells}
    rows = []
    for prediction in dict.fromkeys(cell.prediction for cell in item.cells):
        cells = [by_place.get((prediction, null)) for null in nulls]
        rows.append((prediction, *(_level_cell(cell, level) for cell in cells)))
    return _table(["prediction", *(_NULLS[null] for null in nulls)], rows)


def _level_cell(cell: Cell | None, level: float) -> Inline:
    if cell is None:
        return ""
    rate = _percent(cell.rejected.value) + ("!" if cell.is_high(level) else "")
    return (rate if cell.claimed else f"({rate})", BREAK, _bounds(cell.rejected))


def _coverage_table(scenarios: Sequence[ScenarioRates]) -> Table:
    rows = []
    for item in scenarios:
        for number, row in enumerate(item.coverage):
            first = "" if number else item.name
            rows.append((first, row.prediction, _with_bounds(row.of_90), _with_bounds(row.of_95)))
    return _table(["scenario", "prediction", "90 % intervals", "95 % intervals"], rows)


def _verdict_table(scenarios: Sequence[ScenarioRates]) -> Table:
    rows = []
    for item in scenarios:
        for number, row in enumerate(item.verdicts):
            shares = [
                _percent(row.counts.get(status, 0) / item.n_simulations)
                + ("*" if status in row.right else "")
                for status in _STATUSES
            ]
            by_difference = _percent(row.refuted_by_difference / item.n_simulations)
            first = ("", "") if number else (item.name, _with_bounds(item.family_wise_error))
            rows.append((*first, row.hypothesis, *shares, by_difference))
    return _table(["scenario", "wrong", "hypothesis", "sup.", "ref.", "und.", "n/a", "diff."], rows)


def _outcome_table(item: ScenarioRates) -> Table:
    rows = []
    for row in item.outcomes:
        right = _total(row.counts, row.right) / item.n_simulations
        found = ", ".join(f"{name} {_percent(n / item.n_simulations)}" for name, n in row.counts.items())
        ceiling = "" if row.ceiling is None else _percent(row.ceiling)
        rows.append((row.prediction, " or ".join(row.right), _percent(right), ceiling, found))
    return _table(["prediction", "true", "right", "ceiling", "outcomes"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[Inline]]) -> Table:
    return table(head, rows, numeric=range(1, len(head)))


def _total(counts: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(counts.get(name, 0) for name in names)


def _worst(cells: Sequence[Cell]) -> str:
    if not cells:
        return ""
    worst = max(cells, key=lambda cell: cell.rejected.value)
    return f"{_with_bounds(worst.rejected)}: {worst.prediction}, {worst.null}"


def _confidence(found: Calibration) -> str:
    return f"its {100 * found.confidence:g} % Clopper-Pearson interval"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _bounds(rate: Rate) -> str:
    return f"{_percent(rate.low)}-{_percent(rate.high)}"


def _with_bounds(rate: Rate) -> str:
    return f"{_percent(rate.value)} ({_bounds(rate)})"
