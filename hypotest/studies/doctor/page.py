"""What `hypotest doctor` prints."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.document import Document, Heading, Part, document, table
from hypotest.pages.inline import Inline, Span, Tone, lines, strong
from hypotest.studies.doctor.record import Condition, Diagnosis, Observation

_MARKS: dict[Condition, Span] = {
    "fine": Span("+", tone="good"),
    "note": Span("!", tone="careful"),
    "missing": strong("-", "bad"),
}


def diagnosis_page(diagnosis: Diagnosis) -> Document:
    """Part by part, each observation with what to do about it."""
    return document(_parts(diagnosis))


def _parts(diagnosis: Diagnosis) -> Iterator[Part]:
    for part in dict.fromkeys(item.part for item in diagnosis.observations):
        yield Heading(part)
        yield table(("", "", ""), [_row(item) for item in diagnosis.observations if item.part == part])
    notes = sum(item.condition == "note" for item in diagnosis.observations)
    missing = sum(item.condition == "missing" for item in diagnosis.observations)
    answer: tuple[str, Tone] = ("Ready", "good") if diagnosis.is_well else ("NOT READY", "bad")
    yield (strong(*answer), f": {missing} missing, {notes} {'note' if notes == 1 else 'notes'}.")


def _row(item: Observation) -> tuple[Inline, ...]:
    return (
        _MARKS[item.condition],
        item.name,
        lines(item.observed, item.advice) if item.advice else item.observed,
    )
