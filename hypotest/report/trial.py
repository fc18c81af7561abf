"""A trial on the console and in ``trial.md``: what it is, and what each measure gave."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.text import Text

from hypotest.records.folders import replace_folder
from hypotest.records.trial import TrialPrediction, TrialResult
from hypotest.report.console import nearest_path
from hypotest.report.console_table import ConsoleTable
from hypotest.report.numbers import count_text, duration_text, significant
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.tables import table
from hypotest.report.text import escape_markdown, printable, terminal_text

_HEAD = ("prediction", "compared with", "observed", "reference", "difference")
_NEXT = "A run without limit gives a verdict; `hypotest power` says what that run could see."


def write_trial(result: TrialResult) -> None:
    """Write ``trial.md`` and ``trial.json``, in the place of what an earlier trial left there.

    Raises:
        OutputError: If they cannot be written.
    """
    plain = fields_without(result, "folder")
    with replace_folder(result.folder) as folder:
        (folder / "trial.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        (folder / "trial.md").write_text(render_trial(result), encoding="utf-8", newline="\n")


def render_trial(result: TrialResult) -> str:
    """The report as Markdown."""
    return "\n\n".join(filter(None, _parts(result))) + "\n"


def trial_summary(result: TrialResult) -> ConsoleRenderable:
    """What `hypotest run --limit` prints when it is done."""
    return TrialSummary(result)


class TrialSummary:
    """That it is a trial, what it is made of, and the numbers."""

    def __init__(self, result: TrialResult) -> None:
        self._result = result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render from the warning down to the place of the report."""
        result = self._result
        yield Text(
            f"*** TRIAL: {count_text(result.positions)} positions per condition. NO VERDICT. ***",
            style="bold reverse red",
        )
        yield Text(printable(result.title), style="bold")
        yield Text(scope_text(result))
        yield Text(group_text(result))
        yield Text()
        rows = ConsoleTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
        for number, name in enumerate(_HEAD):
            rows.add_column(Text(name), justify="left" if number < 2 else "right", overflow="fold")
        for item in result.predictions:
            rows.add_row(*(Text(printable(cell)) for cell in _cells(item)))
        yield rows
        for names, note in _notes(result):
            yield Text(f"{printable(names)}: {printable(note)}", style="dim")
        yield Text()
        yield Text(check_text(result))
        yield Text(_NEXT)
        yield Text.assemble(
            "Report: ",
            (terminal_text(nearest_path(result.folder / "trial.md")), "underline"),
            overflow="fold",
        )


def scope_text(result: TrialResult) -> str:
    """What a trial is, and what it looked at."""
    all_of_it = (
        f" ({count_text(result.asked)} were asked for; the selection split has no more)"
        if result.positions < result.asked
        else ""
    )
    return (
        "A trial shows whether everything works, on the selection split alone: "
        f"{count_text(result.positions)} positions per condition{all_of_it}, neurons selected on "
        f"{count_text(result.selecting)} of its documents and measured on {count_text(result.measuring)} "
        f"others. Nothing of the evaluation split ({count_text(result.untouched)} documents) was run "
        f"through the model. Each null has at most {count_text(result.draws)} draws, and there are no "
        "p-values and no outcomes: these numbers say nothing about the hypotheses."
    )


def group_text(result: TrialResult) -> str:
    """How large the group is, and where."""
    return (
        f"{printable(result.subject)}, layer {result.layer}: {count_text(result.group)} of "
        f"{count_text(result.n_neurons)} neurons ({printable(result.rule)})"
    )


def check_text(result: TrialResult) -> str:
    """That the ablations agree with the whole model, and how long it all took."""
    check = result.self_check
    return (
        f"{count_text(check.n_values)} ablations redone in the whole model differ by at most "
        f"{significant(check.largest_difference, 2)} nats ({significant(check.tolerance, 2)} allowed). "
        f"The trial took {duration_text(sum(result.seconds.values()))}; the run has "
        f"{count_text(result.planned)} positions per condition and all of its draws."
    )


def _parts(result: TrialResult) -> Iterator[str]:
    yield f"# Trial: {escape_markdown(result.title)}"
    yield f"> [!WARNING]\n> **TRIAL, no verdict.** {escape_markdown(scope_text(result))}"
    yield escape_markdown(group_text(result))
    yield table(
        list(_HEAD),
        [list(map(escape_markdown, _cells(item))) for item in result.predictions],
        numeric=(2, 3, 4),
    )
    yield "\n".join(f"- {escape_markdown(names)}: {escape_markdown(note)}" for names, note in _notes(result))
    yield escape_markdown(check_text(result))
    yield _NEXT
    yield f"Protocol `{result.protocol_id}`, SHA-256 of its content `{result.protocol_hash}`."


def _notes(result: TrialResult) -> Iterator[tuple[str, str]]:
    """Each note once, behind the predictions that it is about."""
    by_note: dict[str, list[str]] = {}
    for item in result.predictions:
        if item.note:
            by_note.setdefault(item.note, []).append(item.id)
    for note, names in by_note.items():
        yield ", ".join(names), note


def _cells(item: TrialPrediction) -> tuple[str, ...]:
    return (
        item.id,
        item.reference,
        significant(item.observed, 4),
        significant(item.reference_value, 4),
        significant(item.effect, 3),
    )
