"""What a run prints: the table of predictions and the verdict. Meaning never rests on colour alone."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypotest.nulls.registry import NULLS
from hypotest.pages.document import Column, ColumnKind, Document, Part, Table, Together, document, together
from hypotest.pages.inline import Inline, Span, aside, lines, path, strong
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.prediction_result import PredictionResult, Stance
from hypotest.records.results.results import Results
from hypotest.registration.titles import as_asked
from hypotest.report.numbers import UNDEFINED, count_text, opponent_text, prediction_text, significant
from hypotest.report.results_file import REPORT
from hypotest.report.reworded import reworded
from hypotest.report.sections.margins import sensitivity_lines
from hypotest.report.sections.material import implausible_alert
from hypotest.report.sections.placebos import placebo_line
from hypotest.report.sections.registration import deviations_summary, status_alert
from hypotest.report.sections.row_balance import LEGEND, row_balance_table
from hypotest.report.sections.splits import splits_line
from hypotest.report.text import nearest_path, rule_text
from hypotest.report.verdict_words import stances_in_words, verdict_line

_SIGNS: dict[Stance, Span] = {
    "supports": Span("+", tone="good"),
    "contradicts": Span("-", tone="bad"),
    "silent": aside("."),
    "open": Span("?", tone="careful"),
}
_NAME_WIDTH = len("head-specificity")
_HYPOTHESIS_WIDTH = len("contradicts")


def run_summary(results: Results, folder: Path | None = None) -> Document:
    """What a run prints when it is done.

    Args:
        results: The run.
        folder: Where the report lies; None if it was not written.
    """
    return reworded(document(_parts(results, folder)), results.corpus.words)


def _parts(results: Results, folder: Path | None) -> Iterator[Part]:
    registration, group = results.registration, results.group
    yield together(
        "" if registration is None else status_alert(registration),
        strong(as_asked(results.title)),
        f"{count_text(len(group.neurons))} of {count_text(group.n_neurons)} neurons "
        f"({rule_text(group.rule)})",
        implausible_alert(results),
    )
    yield verdict_table(results)
    names = Conditions(*results.corpus.conditions)
    yield together(row_balance_table(results.corpus.balance, names), aside(LEGEND))
    last: list[Part] = [_verdict(results), splits_line(results), placebo_line(results)]
    if registration is not None and registration.deviations:
        yield together(*last)
        yield deviations_summary(registration)
        last = []
    if folder is not None:
        last.append(("Report: ", path(nearest_path(folder / REPORT))))
    yield together(*last)


def verdict_table(results: Results) -> Together:
    """The predictions of a run; legible at 80 columns and without colour.

    Each takes two lines, the second for what qualifies the first: under the name what it is compared with,
    under the observed value the null's mean and SD, under the effect its interval, under p the adjusted p.
    Where words fit, each hypothesis has a column of words; else of signs with a legend below.
    """
    names = tuple(dict.fromkeys(name for item in results.predictions for name in item.stances))
    heads = _short_names(names)
    signs = ", ".join(f"{sign.text} {stance}" for stance, sign in _SIGNS.items())
    key = f"{', '.join(f'{head} = {name}' for head, name in zip(heads, names, strict=True))}: {signs}"
    narrow = Table(_columns(results, heads, "sign"), _rows(results, names, wide=False))
    whole = Table(
        _columns(results, names, "text"),
        _rows(results, names, wide=True),
        together(narrow, aside(key) if names else ""),
    )
    return together(whole, *map(aside, filter(None, (stances_in_words(results), *_legend(results)))))


def _columns(results: Results, heads: Sequence[str], kind: ColumnKind) -> tuple[Column, ...]:
    intervals = [item.interval for item in results.predictions if item.interval]
    coverage = f"{100 * intervals[0].level:g} % interval" if intervals else "interval"
    return (
        Column(lines("prediction", "compared with", indented=True), whole=_NAME_WIDTH),
        Column(lines("observed", "reference (SD)"), "number"),
        Column(lines("effect", coverage), "number"),
        Column(lines("p", "adj. p"), "number"),
        Column(lines("outcome", "role")),
        *(Column(head, kind, whole=_HYPOTHESIS_WIDTH) for head in heads),
    )


def _rows(results: Results, hypotheses: Sequence[str], wide: bool) -> tuple[tuple[Inline, ...], ...]:
    return tuple(
        (*_cells(item, wide), *(_stance(item.stances.get(name, "silent"), wide) for name in hypotheses))
        for item in results.predictions
    )


def _stance(stance: Stance, wide: bool) -> Span:
    sign = _SIGNS[stance]
    return Span(stance, sign.kind, sign.tone) if wide else sign


def _verdict(results: Results) -> Inline:
    """``Verdict: distributed: supported; modular: refuted``."""
    return (strong("Verdict: "), verdict_line(results))


def _cells(item: PredictionResult, wide: bool) -> tuple[Inline, ...]:
    numbers = prediction_text(item)
    qualifiers: list[str] = [] if item.role == "deciding" else [item.role]
    qualifiers += ["by TOST"] if numbers.of_equivalence else []
    reference = opponent_text(item.against)
    if not wide:  # the report says in which variant a null was drawn
        null = NULLS.get(item.reference)
        reference = reference if null is None else null.words.narrow or null.name
    return (
        lines(item.id, reference, indented=True),
        lines(numbers.observed, numbers.reference),
        lines(numbers.effect, "no interval" if item.interval is None else numbers.interval),
        lines(_blank(numbers.p), _blank(numbers.p_adjusted)),
        lines(strong(item.outcome), ", ".join(qualifiers)),
    )


def _legend(results: Results) -> Iterator[str]:
    if any(prediction_text(item).of_equivalence for item in results.predictions):
        yield "by TOST: p is that of two one-sided tests, which ask whether the effect lies inside its margin"
    unseen = [
        f"{item.id} {prediction_text(item).smallest_effect}"
        for item in results.predictions
        if item.outcome == "inconclusive" and item.smallest_effect is not None
    ]
    if unseen:
        yield f"inconclusive; the smallest effect that would have been seen: {', '.join(unseen)}"
    again = [
        f"{item.id} {significant(item.reselection.standard_error, 2)}"
        for item in results.predictions
        if item.reselection is not None and item.reselection.standard_error is not None
    ]
    if again:
        yield f"standard error of another study, which selects its own group: {', '.join(again)}"
    yield from sensitivity_lines(results)
    for item in results.predictions:
        if item.outcome == "undefined" and item.notes:
            yield f"{item.id} is undefined: {item.notes[0]}"


def _short_names(names: Sequence[str]) -> list[str]:
    short = [name[:3] for name in names]
    if len(set(short)) == len(short) and len(names) <= 2:
        return short
    return list(string.ascii_uppercase[: len(names)]) if len(names) <= 26 else list(names)


def _blank(text: str) -> str:
    return "" if text == UNDEFINED else text
