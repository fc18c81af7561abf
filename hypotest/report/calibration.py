"""What calibration prints and writes: rates of false positives, coverage, verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from hypotest.nulls.registry import NULLS
from hypotest.records.calibration import Calibration, Cell, Rate, ScenarioRates
from hypotest.report.console_table import ConsoleTable
from hypotest.report.numbers import count_text
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown, sentence_list

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


class CalibrationTables:
    """A calibration as tables that are legible from 80 columns on. All numbers are per cent."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render one table after the other."""
        found = self._calibration
        for item in found.scenarios:
            if item.cells:
                yield Text(f"{item.name} ({count_text(item.n_simulations)} simulations): {item.what}", "bold")
                yield _rich_table(*_level_table(item, found.level))
                if item.why_hard:
                    yield Text(f"in brackets, no level is claimed: {item.why_hard}", "dim")
                yield Text("")
        if any(item.cells for item in found.scenarios):
            yield Text(f"per cent of simulations with p <= {found.level:g}, and {_confidence(found)}", "dim")
            yield Text(_LEGEND, "dim")
        if any(item.coverage for item in found.scenarios):
            yield Text("\nintervals that hold the truth", "bold")
            yield _rich_table(*_coverage_table(found.scenarios))
        yield Text("\ndecisions", "bold")
        yield _rich_table(*_verdict_table(found.scenarios))
        yield Text(
            "wrong: some hypothesis refuted by an outcome that is not true, premises aside; right verdicts "
            "carry a star; diff.: so many more would be refuted if a mere difference, not one beyond the "
            "margin, contradicted an expected equivalence",
            "dim",
        )
        for item in found.scenarios:
            if item.planted:
                yield Text(f"\n{item.name}: {item.what}", "bold")
                yield _rich_table(*_outcome_table(item))
        yield Text("")
        yield Text(conclusion(found), "bold red" if found.failures else "bold")


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


def calibration_markdown(found: Calibration) -> str:
    """All tables as a page of Markdown."""
    parts = [
        "# Calibration",
        f"The pipeline on simulated layers whose truth is known (hypotest {found.hypotest_version}, code "
        f"`{found.code[:16]}`, seed {found.seed}). Numbers are per cent; in brackets, {_confidence(found)}.",
        f"**{conclusion(found)}**",
        "## Decisions",
        _markdown_table(*_verdict_table(found.scenarios)),
        "*wrong*: some hypothesis is refuted by an outcome that is not true, premises aside. Right "
        "verdicts carry a star. *diff.*: so many more would be refuted if a significant difference alone, "
        "not one beyond the margin, contradicted an expected equivalence.",
    ]
    if any(item.coverage for item in found.scenarios):
        parts += [
            "## Coverage of intervals",
            _markdown_table(*_coverage_table(found.scenarios)),
        ]
    parts += [
        "## False positives",
        f"Simulations with p <= {found.level:g}. {_LEGEND[0].upper()}{_LEGEND[1:]}.",
    ]
    for item in found.scenarios:
        if item.cells:
            parts += [f"### {item.name}", f"{count_text(item.n_simulations)} simulations: {item.what}."]
            if item.why_hard:
                parts.append(f"In italics, no level is claimed: {item.why_hard}.")
            parts.append(_markdown_table(*_level_table(item, found.level, italics=True)))
    planted = [item for item in found.scenarios if item.planted]
    if planted:
        parts.append("## Outcomes where effects are planted")
    for item in planted:
        parts += [f"### {item.name}", f"{item.what}.", _markdown_table(*_outcome_table(item))]
    return "\n\n".join(parts) + "\n"


def calibration_summary(found: Calibration) -> str:
    """One row per scenario, as Markdown, for the README."""
    rows = []
    for item in found.scenarios:
        claimed = [cell for cell in item.cells if cell.claimed]
        hard = [cell for cell in item.cells if not cell.claimed]
        covered = [row.of_90 for row in item.coverage]
        rows.append(
            [
                item.name,
                _worst(claimed),
                _worst(hard),
                f"{_percent(min(rate.value for rate in covered))} to "
                f"{_percent(max(rate.value for rate in covered))}"
                if covered
                else "",
                _with_bounds(item.family_wise_error),
                ", ".join(
                    f"{row.hypothesis}: {_percent(_total(row.counts, row.right) / item.n_simulations)}"
                    for row in item.verdicts
                ),
            ]
        )
    head = [
        "scenario",
        "highest claimed rate",
        "highest rate in a hard case",
        "90 % intervals cover",
        "wrong decisions",
        "right verdicts",
    ]
    fewest = min(item.n_simulations for item in found.scenarios)
    least_covered = min((row.of_90.n for item in found.scenarios for row in item.coverage), default=0)
    number = f"{fewest:,} simulations of each kind of layer; coverage from {least_covered:,} of them."
    return f"{number}\n\n{table(head, rows)}\n\n{conclusion(found)}"


Head = Sequence[str]
Rows = list[list[str]]


def _level_table(item: ScenarioRates, level: float, italics: bool = False) -> tuple[Head, Rows]:
    nulls = [null for null in _NULLS if any(cell.null == null for cell in item.cells)]
    by_place = {(cell.prediction, cell.null): cell for cell in item.cells}
    rows = []
    for prediction in dict.fromkeys(cell.prediction for cell in item.cells):
        cells = [by_place.get((prediction, null)) for null in nulls]
        rows.append([prediction, *(_level_cell(cell, level, italics) for cell in cells)])
    return ["prediction", *(_NULLS[null] for null in nulls)], rows


def _level_cell(cell: Cell | None, level: float, italics: bool) -> str:
    if cell is None:
        return ""
    rate = _percent(cell.rejected.value) + ("!" if cell.is_high(level) else "")
    if not cell.claimed:
        rate = f"*{rate}*" if italics else f"({rate})"
    return f"{rate}\n{_bounds(cell.rejected)}"


def _coverage_table(scenarios: Sequence[ScenarioRates]) -> tuple[Head, Rows]:
    rows = []
    for item in scenarios:
        for number, row in enumerate(item.coverage):
            first = "" if number else item.name
            rows.append([first, row.prediction, _with_bounds(row.of_90), _with_bounds(row.of_95)])
    return ["scenario", "prediction", "90 % intervals", "95 % intervals"], rows


def _verdict_table(scenarios: Sequence[ScenarioRates]) -> tuple[Head, Rows]:
    rows = []
    for item in scenarios:
        for number, row in enumerate(item.verdicts):
            shares = [
                _percent(row.counts.get(status, 0) / item.n_simulations)
                + ("*" if status in row.right else "")
                for status in _STATUSES
            ]
            by_difference = _percent(row.refuted_by_difference / item.n_simulations)
            first = ["", ""] if number else [item.name, _with_bounds(item.family_wise_error)]
            rows.append([*first, row.hypothesis, *shares, by_difference])
    return ["scenario", "wrong", "hypothesis", "sup.", "ref.", "und.", "n/a", "diff."], rows


def _outcome_table(item: ScenarioRates) -> tuple[Head, Rows]:
    rows = []
    for row in item.outcomes:
        right = _total(row.counts, row.right) / item.n_simulations
        found = ", ".join(f"{name} {_percent(n / item.n_simulations)}" for name, n in row.counts.items())
        ceiling = "" if row.ceiling is None else _percent(row.ceiling)
        rows.append([row.prediction, " or ".join(row.right), _percent(right), ceiling, found])
    return ["prediction", "true", "right", "ceiling", "outcomes"], rows


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


def _rich_table(head: Head, rows: Rows) -> ConsoleTable:
    drawn = ConsoleTable(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 0), pad_edge=False, show_edge=False)
    for number, name in enumerate(head):
        drawn.add_column(name, justify="left" if number == 0 else "right", no_wrap=number == 0)
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def _markdown_table(head: Head, rows: Rows) -> str:
    def cell(text: str) -> str:
        return text.replace("|", r"\|").replace("\n", "<br>")

    return table([escape_markdown(name) for name in head], [[cell(text) for text in row] for row in rows])
