"""The index of runs: one sortable table that leads to their reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from hypotest.pages.document import Document, Heading, Part, document, table
from hypotest.pages.inline import Inline, Span, aside, joined, lines, link
from hypotest.registration.titles import as_asked
from hypotest.report.glossary import WORDS
from hypotest.report.verdict_words import TONES
from hypotest.studies.view.record import RunEntry

_EXPLAINED = ("confirmatory", "exploratory", "supported", "refuted", "undecided")


def index_page(entries: Sequence[RunEntry]) -> Document:
    """A page that lies above the runs' folders.

    Args:
        entries: The latest first.
    """
    return document(_parts(entries), {name: WORDS[name] for name in _EXPLAINED})


def _parts(entries: Sequence[RunEntry]) -> Iterator[Part]:
    number = len(entries)
    yield Heading("One run" if number == 1 else f"{number:,} runs", 1)
    yield table(
        ["question", "protocol", "subject", "verdict", "status", "started (UTC)"],
        [_row(item) for item in entries],
        sorts=True,
    )


def _row(item: RunEntry) -> tuple[Inline, ...]:
    address = f"{quote(item.place)}/{item.report}" if item.report else ""
    title = as_asked(item.title) if item.title else item.place
    named = link(title, f"./{address}") if address else title
    if item.problem:
        return (lines(named, item.problem), "", "", "cannot be read", "", "")
    verdict = joined(
        "; ",
        (
            (f"{hypothesis}: ", Span(status, tone=TONES.get(status, "careful")))
            for hypothesis, status in item.verdicts
        ),
    )
    return (named, item.protocol, item.subject, verdict or aside("none"), item.status, item.started)
