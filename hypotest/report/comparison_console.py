"""What ``hypotest compare`` prints; legible from 80 columns on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.text import Text

from hypotest.records.comparison import ComparedPrediction, ComparedRun, Comparison
from hypotest.report.comparison import (
    count_line,
    decimals_of,
    interval_of,
    measured_text,
    model_text,
    reason_lines,
    unpooled_lines,
    weight_text,
)
from hypotest.report.console_table import ConsoleTable
from hypotest.report.numbers import fixed, range_text
from hypotest.report.text import printable

_NAME_WIDTH = 24
_LAST_WIDTH = 10
"""Of ``disagrees*``, whose star would else be on a line of its own."""


class ComparisonSummary:
    """Runs, warnings, claims and pooled effects."""

    def __init__(self, found: Comparison) -> None:
        self._found = found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render from the runs down to the place of the report."""
        found = self._found
        for run in found.runs:
            yield Text(f"{run.label}  {printable(model_text(run))}, layer {run.layer} ({run.protocol_id})")
            verdict = "; ".join(f"{name}: {status}" for name, status in run.statuses.items())
            yield Text(f"   {printable(verdict)}")
        for warning in found.warnings:
            yield Text.assemble(("note: ", "bold"), printable(warning))
        if found.checks:
            yield Text()
            yield Text(
                f"Claims of {printable(found.claims_source)}: {printable(found.claims_title)}", style="bold"
            )
            for run in found.runs:
                yield from _claims(found, run)
            yield Text(count_line(found.checks))
            for line in reason_lines(found.checks):
                yield Text(f"- {printable(line)}", style="dim")
        if found.predictions:
            yield Text()
            yield _predictions(found)
            for line in unpooled_lines(found):
                yield Text(f"- {printable(line)}", style="dim")
        yield Text.assemble("Report: ", (printable(found.folder / "comparison.md"), "underline"))


def comparison_summary(found: Comparison) -> ConsoleRenderable:
    """What ``hypotest compare`` prints when it is done."""
    return ComparisonSummary(found)


def _table(columns: dict[str, str], first: int) -> ConsoleTable:
    """A table whose first column holds names of up to `first` characters on one line."""
    rows = ConsoleTable(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 0), pad_edge=False, show_edge=False)
    widths = {0: min(first, _NAME_WIDTH), len(columns) - 1: _LAST_WIDTH}
    for place, (name, justify) in enumerate(columns.items()):
        rows.add_column(
            Text(name),
            justify="right" if justify == "right" else "left",
            overflow="fold",
            min_width=widths.get(place),
        )
    return rows


def _claims(found: Comparison, run: ComparedRun) -> Iterator[ConsoleRenderable]:
    """The claims beside one run, which is named where there are several."""
    if len(found.runs) > 1:
        yield Text(f"{run.label}  {printable(model_text(run))}")
    names = ("claim", "claimed", "measured", "95 % interval", "agrees?")
    columns = {name: "right" if name in names[2:4] else "left" for name in names}
    rows = _table(columns, max(len(item.claim) for item in found.checks))
    for item in found.checks:
        if item.run == run.label:
            star = "" if item.same_model else "*"
            rows.add_row(
                Text.assemble(item.claim, "\n", (f"  {printable(item.where)}", "dim")),
                Text(printable(item.claimed).replace(" or ", " or\n")),
                Text(measured_text(item).replace(" (", "\n(")),
                Text(interval_of(item)),
                Text(
                    item.agreement.replace(" ", "\n") + star,
                    style="bold" if item.agreement == "disagrees" else "",
                ),
            )
    yield rows


def _predictions(found: Comparison) -> ConsoleTable:
    columns = ("prediction", "run", "effect", "95 % interval", "weight", "outcome")
    justified = {name: "right" if name in columns[2:5] else "left" for name in columns}
    rows = _table(justified, max(len(item.id) for item in found.predictions))
    for item in found.predictions:
        decimals = decimals_of(item)
        lines = [
            (
                effect.run,
                fixed(effect.effect, decimals),
                range_text(effect.interval, decimals) if effect.interval else "no interval",
                weight_text(effect.weight) or "-",
                str(effect.outcome),
            )
            for effect in item.runs
        ]
        if item.pooled is not None:
            interval = item.pooled.interval_95
            bounds = range_text((interval.low, interval.high), decimals)
            lines.append(("all", fixed(item.pooled.effect, decimals), bounds, "", str(item.outcome)))
        heads = _heads(item, len(lines))
        for place, cells in enumerate(lines):
            style = "bold" if cells[0] == "all" else ""
            head = Text(heads[place], style="dim" if place else "")
            rows.add_row(head, *(Text(cell, style=style) for cell in cells))
    return rows


def _heads(item: ComparedPrediction, n_rows: int) -> list[str]:
    """Id, scale and reference for the first column, one line per row; what is left over in the last row."""
    words = [f"against {item.against}", f"in {item.scale}"]
    lines = [printable(item.id)]
    for text in words:
        lines += [f"  {line}" for line in textwrap.wrap(printable(text), _NAME_WIDTH - 2)]
    return [*lines[: n_rows - 1], "\n".join(lines[n_rows - 1 :]), *[""] * (n_rows - len(lines))]
