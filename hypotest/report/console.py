"""What a run prints: the table of predictions, the verdict, and progress while it works.

Everything is built from `Text` without markup, so that a title or a name can hold any character.
Meaning never rests on colour alone; piped output is plain text.
"""

from __future__ import annotations

import string
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from hypotest.nulls.registry import NULLS
from hypotest.records.registration import Registration
from hypotest.records.results import PredictionResult, Results, Stance
from hypotest.report.console_table import ConsoleTable
from hypotest.report.margins import sensitivity_lines
from hypotest.report.numbers import UNDEFINED, count_text, duration_text, prediction_text
from hypotest.report.registration import deviation_table, status_text
from hypotest.report.splits import splits_line
from hypotest.report.text import printable, terminal_text

_STANCES: dict[Stance, tuple[str, str]] = {
    "supports": ("+", "green"),
    "contradicts": ("-", "red"),
    "silent": (".", "dim"),
    "open": ("?", "yellow"),
}
_STATUS_STYLES = {"supported": "bold green", "refuted": "bold red"}
_WIDTH_WITHOUT_HYPOTHESES = 82
_NAME_WIDTH = len("head-specificity")
_NARROWEST_WITH_NAMES = 78


class VerdictTable:
    """The predictions of a run as a table that is legible from 80 columns on.

    Each prediction takes two lines, the second for what qualifies the first: under the name what
    it is compared with, under the observed value the null's mean and SD, under the effect its
    interval, under p the adjusted p. Where words fit, each hypothesis has a column of words; else
    of signs with a legend below.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._hypotheses = tuple(dict.fromkeys(name for item in results.predictions for name in item.stances))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render for the width at hand."""
        names = [printable(name) for name in self._hypotheses]
        needed = _WIDTH_WITHOUT_HYPOTHESES + sum(max(len(name), 11) + 2 for name in names)
        wide = options.max_width >= needed
        heads = names if wide else _short_names(names)
        yield self._table(heads, wide, options.max_width)
        yield from _legend(self._results, [] if wide else list(zip(heads, names, strict=True)))

    def _table(self, heads: Sequence[str], wide: bool, width: int) -> ConsoleTable:
        intervals = [item.interval for item in self._results.predictions if item.interval]
        coverage = f"{100 * intervals[0].level:g} % interval" if intervals else "interval"
        # The box itself puts one space between columns; at 80 columns there is room for no more.
        table = ConsoleTable(
            box=box.SIMPLE_HEAD,
            padding=(0, 1 if wide else 0, 0, 0),
            pad_edge=False,
            show_edge=False,
        )
        table.add_column(
            _stacked("prediction", "  compared with"),
            overflow="fold",
            min_width=_NAME_WIDTH if width >= _NARROWEST_WITH_NAMES else None,
        )
        table.add_column(_stacked("observed", "reference (SD)"), justify="right", overflow="fold")
        table.add_column(_stacked("effect", coverage), justify="right", overflow="fold")
        table.add_column(_stacked("p", "adj. p"), justify="right", overflow="fold")
        table.add_column(_stacked("outcome", "role"), overflow="fold")
        for head in heads:
            table.add_column(
                Text(head),
                justify="left" if wide else "center",
                overflow="fold",
                min_width=min(len(head), 11),  # without it a narrow terminal drops the column
            )
        for item in self._results.predictions:
            table.add_row(*_cells(item, wide), *(self._stance(item, name, wide) for name in self._hypotheses))
        return table

    def _stance(self, item: PredictionResult, hypothesis: str, wide: bool) -> Text:
        stance = item.stances.get(hypothesis, "silent")
        sign, style = _STANCES[stance]
        return Text(stance if wide else sign, style=style)


def _warning(results: Results) -> Iterator[Text]:
    """Said before any result: a model that does not predict the text."""
    found = results.cross_entropy
    if found is not None and not found.nats < found.unigram:
        yield Text(
            f"The model does not predict this text: {found.nats:.2f} nats a token, and token counts alone "
            f"give {found.unigram:.2f}",
            style="bold red",
        )


class Summary:
    """Status, title, verdict table, verdict line, deviations, and where the report lies."""

    def __init__(self, results: Results, folder: Path | None = None) -> None:
        self._results = results
        self._folder = folder

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render from the status down to the place of the report."""
        results = self._results
        if results.registration is not None:
            yield status_text(results.registration)
        yield Text(printable(results.title), style="bold")
        yield Text(
            f"{count_text(len(results.group.neurons))} of {count_text(results.group.n_neurons)} "
            f"neurons ({printable(results.group.rule)})"
        )
        yield from _warning(results)
        yield Text()
        yield VerdictTable(results)
        yield Text()
        yield verdict_text(results)
        if spread := splits_line(results):
            yield Text(spread)
        if results.registration is not None and results.registration.deviations:
            yield Text()
            yield deviation_table(results.registration)
            yield Text()
        if self._folder is not None:
            yield Text.assemble(
                "Report: ",
                (terminal_text(nearest_path(self._folder / "report.md")), "underline"),
                overflow="fold",
            )


def verdict_table(results: Results) -> ConsoleRenderable:
    """The predictions of a run as a rich renderable; legible at 80 columns and without colour."""
    return VerdictTable(results)


def summary(results: Results, folder: Path | None = None) -> ConsoleRenderable:
    """What a run prints when it is done.

    Args:
        results: The run.
        folder: Where the report lies; None if it was not written.
    """
    return Summary(results, folder)


def verdict_text(results: Results) -> Text:
    """``Verdict: distributed: supported; modular: refuted``."""
    line = Text("Verdict: ", style="bold")
    for number, item in enumerate(results.verdicts):
        line.append("; " if number else "", style="bold")
        line.append(
            f"{printable(item.hypothesis)}: {item.status}",
            style=_STATUS_STYLES.get(item.status, "bold yellow"),
        )
    return line


def _cells(item: PredictionResult, wide: bool) -> tuple[Text, ...]:
    numbers = prediction_text(item)
    qualifiers: list[str] = [] if item.role == "deciding" else [item.role]
    qualifiers += ["by TOST"] if numbers.of_equivalence else []
    interval = "no interval" if item.interval is None else numbers.interval
    reference = printable(item.against)
    if not wide:  # the report says in which variant a null was drawn
        null = NULLS.get(item.reference)
        reference = printable(item.reference if null is None else null.words.narrow or null.name)
    return (
        Text.assemble(printable(item.id), ("\n  " + reference, "dim")),
        Text.assemble(numbers.observed, ("\n" + numbers.reference, "dim")),
        Text.assemble(numbers.effect, ("\n" + interval, "dim")),
        Text.assemble(_blank(numbers.p), ("\n" + _blank(numbers.p_adjusted), "dim")),
        Text.assemble((item.outcome, "bold"), ("\n" + ", ".join(qualifiers), "dim")),
    )


def _legend(results: Results, short: list[tuple[str, str]]) -> list[Text]:
    lines = []
    if short:
        signs = ", ".join(f"{sign} {stance}" for stance, (sign, _) in _STANCES.items())
        heads = ", ".join(f"{head} = {name}" for head, name in short)
        lines.append(Text(f"{heads}: {signs}", style="dim"))
    if any(prediction_text(item).of_equivalence for item in results.predictions):
        lines.append(Text("by TOST: p is that of the equivalence test", style="dim"))
    in_units: dict[str, list[str]] = {}
    for item in results.predictions:
        if item.unit:
            in_units.setdefault(item.unit, []).append(printable(item.id))
    lines += [
        Text(f"in {unit} of the same size: {', '.join(names)}", style="dim")
        for unit, names in in_units.items()
    ]
    unseen = [
        f"{printable(item.id)} {prediction_text(item).smallest_effect}"
        for item in results.predictions
        if item.outcome == "inconclusive" and item.smallest_effect is not None
    ]
    if unseen:
        start = "inconclusive; the smallest effect that would have been seen: "
        lines.append(Text(start + ", ".join(unseen), style="dim"))
    lines += [Text(line, style="dim") for line in sensitivity_lines(results)]
    lines += [
        Text(f"{printable(item.id)} is undefined: {printable(item.notes[0])}", style="dim")
        for item in results.predictions
        if item.outcome == "undefined" and item.notes
    ]
    return lines


def _short_names(names: Sequence[str]) -> list[str]:
    short = [name[:3] for name in names]
    if len(set(short)) == len(short) and len(names) <= 2:
        return short
    return list(string.ascii_uppercase[: len(names)]) if len(names) <= 26 else list(names)


def _stacked(first: str, second: str) -> Text:
    return Text.assemble(first, ("\n" + second, "dim"))


def _blank(text: str) -> str:
    return "" if text == UNDEFINED else text


def nearest_path(path: Path) -> str:
    """A path as short as it can be written: from the current folder, where it lies within."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class _CountColumn(ProgressColumn):
    """``3 of 7``: which step, of how many."""

    def render(self, task: Task) -> Text:
        if task.total is None or task.total <= 1:
            return Text()
        return Text(f"{task.completed:,.0f} of {task.total:,.0f}")


_SECONDS_BETWEEN_LINES = 10.0


class StageProgress(Progress):
    """Bars on a terminal; elsewhere a plain line when a stage starts, now and then, and when it is done.

    In a notebook there are bars where ipywidgets is installed, which rich draws them with.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            _CountColumn(),
            TimeElapsedColumn(),
            TextColumn("left", style="dim"),
            TimeRemainingColumn(),
            console=console,
            disable=not (console.is_terminal or (console.is_jupyter and find_spec("ipywidgets"))),
            expand=True,
        )
        self._started: dict[TaskID, float] = {}
        self._said = time.monotonic()

    def start_stage(self, stage: str, n_steps: int) -> Callable[[], None]:
        """Show a stage; what is returned is called after each of its steps."""
        task = self.add_task(stage, total=n_steps)
        return lambda: self.advance(task)

    def say_status(self, registration: Registration) -> None:
        """Say what the run will be, before it takes its time."""
        self.console.print(status_text(registration), soft_wrap=True)

    def add_task(
        self,
        description: str,
        start: bool = True,
        total: float | None = 100.0,
        completed: int = 0,
        visible: bool = True,
        **fields: Any,
    ) -> TaskID:
        """Begin a stage."""
        task = super().add_task(printable(description), start, total, completed, visible, **fields)
        if self.disable:
            self._started[task] = time.monotonic()
            self._say(f"{printable(description)} ...")
            self._report_finished(task)
        return task

    def update(
        self,
        task_id: TaskID,
        *,
        total: float | None = None,
        completed: float | None = None,
        advance: float | None = None,
        description: str | None = None,
        visible: bool | None = None,
        refresh: bool = False,
        **fields: Any,
    ) -> None:
        """Move a stage on, or change what is shown of it."""
        super().update(
            task_id,
            total=total,
            completed=completed,
            advance=advance,
            description=None if description is None else printable(description),
            visible=visible,
            refresh=refresh,
            **fields,
        )
        self._report_finished(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Move a stage on by some steps."""
        super().advance(task_id, advance)
        self._report_finished(task_id)

    def _report_finished(self, task: TaskID) -> None:
        if task not in self._started:
            return
        now, stage = time.monotonic(), self._tasks[task]
        if stage.finished:
            self._say(f"{stage.description} done in {duration_text(now - self._started.pop(task))}")
        elif stage.completed and stage.total and now - self._said >= _SECONDS_BETWEEN_LINES:
            self._say(f"{stage.description}: {stage.completed:,.0f} of {stage.total:,.0f}")

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        self.console.print(Text(line), soft_wrap=True)


def progress(console: Console | None = None) -> StageProgress:
    """A progress display with bar, time elapsed and time left, for terminals and notebooks.

    For instance::

        with hypotest.progress() as shown:
            run = hypotest.run("protocol.yaml", start_stage=shown.start_stage)

    Args:
        console: Where to show it; standard error by default, so that standard output stays clean.
    """
    return StageProgress(console or Console(stderr=True))
