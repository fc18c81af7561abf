"""What `hypotest doctor` prints."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderResult
from rich.text import Text

from hypotest.records.doctor import Condition, Diagnosis, Observation
from hypotest.report.console_table import ConsoleTable
from hypotest.report.text import printable

_MARKS: dict[Condition, tuple[str, str]] = {
    "fine": ("+", "green"),
    "note": ("!", "yellow"),
    "missing": ("-", "bold red"),
}


class DiagnosisTable:
    """Part by part, each observation with what to do about it; legible from 80 columns on."""

    def __init__(self, found: Diagnosis) -> None:
        self._found = found

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render from the software down to the answer."""
        for part in dict.fromkeys(item.part for item in self._found.observations):
            yield Text(part, style="bold")
            table = ConsoleTable(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
            table.add_column(width=1)
            table.add_column(overflow="fold", max_width=26)
            table.add_column(overflow="fold", ratio=1)
            for item in self._found.observations:
                if item.part == part:
                    mark, style = _MARKS[item.condition]
                    table.add_row(Text(mark, style=style), Text(printable(item.name)), _finding(item))
            yield table
            yield Text()
        notes = sum(item.condition == "note" for item in self._found.observations)
        missing = sum(item.condition == "missing" for item in self._found.observations)
        word, style = ("Ready", "bold green") if self._found.is_well else ("NOT READY", "bold red")
        count = f"{missing} missing, {notes} {'note' if notes == 1 else 'notes'}"
        yield Text.assemble((word, style), f": {count}.")


def diagnosis_table(found: Diagnosis) -> ConsoleRenderable:
    """What `hypotest doctor` prints when it is done."""
    return DiagnosisTable(found)


def _finding(item: Observation) -> ConsoleRenderable:
    lines = [Text(printable(item.found))]
    if item.advice:
        lines.append(Text(printable(item.advice), style="dim"))
    return Group(*lines)
