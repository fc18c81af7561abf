"""A trial on the console and in ``trial.md``: what it is, and what each measure gave."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.document import (
    Document,
    Heading,
    Items,
    Note,
    Paragraph,
    Part,
    Table,
    document,
    table,
    together,
)
from hypotest.pages.inline import aside, path, prose, strong
from hypotest.pages.markdown import write_markdown
from hypotest.records.results.trial import TrialPrediction, TrialResult
from hypotest.records.stored.folders import replace_folder
from hypotest.report.numbers import count_text, duration_text, opponent_text, significant
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.reworded import reworded
from hypotest.report.text import nearest_path, rule_text

_HEAD = ("prediction", "compared with", "observed", "reference", "difference")
_NEXT = prose("A run without limit gives a verdict; `hypotest power` says what that run could see.")


def write_trial(result: TrialResult) -> None:
    """Write ``trial.md`` and ``trial.json``, in the place of what an earlier trial left there.

    Raises:
        OutputError: If they cannot be written.
    """
    plain = fields_without(result, "folder")
    with replace_folder(result.folder) as folder:
        (folder / "trial.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        write_markdown(folder / "trial.md", trial_page(result))


def trial_summary(result: TrialResult) -> Document:
    """What `hypotest run --limit` prints when it is done."""
    positions = count_text(result.positions)
    page = document(
        [
            together(
                strong(f"*** TRIAL: {positions} positions per condition. NO VERDICT. ***", "alarm"),
                strong(result.title),
                scope_text(result),
                group_text(result),
            ),
            together(_table(result), *(aside(f"{names}: {note}") for names, note in _notes(result))),
            together(check_text(result), _NEXT, ("Report: ", path(nearest_path(result.folder / "trial.md")))),
        ]
    )
    return reworded(page, result.words)


def trial_page(result: TrialResult) -> Document:
    """The report."""
    return reworded(document(_parts(result)), result.words)


def _parts(result: TrialResult) -> Iterator[Part]:
    yield Heading(f"Trial: {result.title}", 1)
    yield Note("warning", (Paragraph(prose("**TRIAL, no verdict.** {}", scope_text(result))),))
    yield group_text(result)
    yield _table(result)
    if notes := tuple(f"{names}: {note}" for names, note in _notes(result)):
        yield Items(notes)
    yield check_text(result)
    yield _NEXT
    yield prose("Protocol `{}`, SHA-256 of its content `{}`.", result.protocol_id, result.protocol_hash)


def _table(result: TrialResult) -> Table:
    return table(_HEAD, [_cells(item) for item in result.predictions], numeric=(2, 3, 4))


def scope_text(result: TrialResult) -> str:
    """What a trial is, and what it looked at."""
    all_of_it = (
        f" ({count_text(result.asked)} were asked for; the selection split has no more)"
        if result.positions < result.asked
        else ""
    )
    chosen, others = "that are given ", "of its documents"
    if result.is_selected:
        chosen, others = f"selected on {count_text(result.selecting)} of its documents and ", "others"
    return (
        "A trial shows whether everything works, on the selection split alone: "
        f"{count_text(result.positions)} positions per condition{all_of_it}, neurons {chosen}measured on "
        f"{count_text(result.measuring)} {others}. Nothing of the evaluation split "
        f"({count_text(result.untouched)} documents) was run through the model. Each null has at most "
        f"{count_text(result.draws)} draws, and there are no p-values and no outcomes: these numbers say "
        "nothing about the hypotheses."
    )


def group_text(result: TrialResult) -> str:
    """How large the group is, and where."""
    return (
        f"{result.subject}, layer {result.layer}: {count_text(result.group)} of "
        f"{count_text(result.n_neurons)} neurons ({rule_text(result.rule)})"
    )


def check_text(result: TrialResult) -> str:
    """That the ablations agree with the whole model, and how long it all took."""
    check = result.self_check
    if check is None:
        return "Nothing was ablated: the evidence was made elsewhere."
    return (
        f"{count_text(check.n_values)} ablations redone in the whole model differ by at most "
        f"{significant(check.largest_difference, 2)} nats ({significant(check.tolerance, 2)} allowed). "
        f"The trial took {duration_text(sum(result.seconds.values()))}; the run has "
        f"{count_text(result.planned)} positions per condition and all of its draws."
    )


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
        opponent_text(item.reference),
        significant(item.observed, 4),
        significant(item.reference_value, 4),
        significant(item.effect, 3),
    )
