"""Spans of text that a table labels: from any annotator, one row for each.

A table (CSV, TSV, JSON lines, parquet) with the columns document, start, end, label: the document as the
corpus names it (``a.txt``, or ``texts.jsonl:3`` for its third line), characters from 0, `end` behind the
last. It holds where a character of the token to be predicted lies in such a span.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from hypotest.errors import CorpusError
from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About, Rows
from hypotest.records.corpus import CorpusDocument
from hypotest.records.protocol.strict import Strict
from hypotest.records.stored.text_files import WITH_COLUMNS

COLUMNS = ("document", "start", "end", "label")
LARGEST = 2**28
"""Bytes of a table."""
NAMED = 10
"""Labels that an error names."""
Span = tuple[int, int]
_WHOLE = re.compile("[0-9]{1,12}")


class LabelTable(Strict):
    """A table of labelled spans."""

    file: str = Field(
        min_length=1,
        max_length=4096,
        description=f".csv, .tsv, .jsonl or .parquet with the columns {', '.join(COLUMNS)}",
    )
    label: str | None = Field(
        default=None, min_length=1, max_length=200, description="which of its labels; all if not given"
    )


def _as_table(value: Any) -> Any:
    return {"file": value} if isinstance(value, str) else value


def check(options: LabelTable) -> Iterator[str]:
    """What is wrong with the name of the file."""
    if not WITH_COLUMNS.search(options.file):
        yield "must be .jsonl, .csv, .tsv or .parquet, with a span in each row"


def bind(options: LabelTable, about: About | None, setting: Setting) -> Bound:
    """Read the table.

    Raises:
        CorpusError: If it is no such table, or has no row with the label.
    """
    table = read_table(setting.base / options.file, repr(options.file))
    known = dict.fromkeys(label for _, _, label in table)
    if options.label is not None and options.label not in known:
        raise CorpusError(
            f"no row of {options.file!r} has the label {options.label!r}; found {sorted(known)[:NAMED]}"
        )
    spans: dict[str, list[Span]] = {}
    for document, span, label in table:
        if options.label in (None, label):
            spans.setdefault(document, []).append(span)
    n_spans = sum(map(len, spans.values()))
    remark = f"{n_spans:,} spans in {len(spans):,} documents"
    return bound_spans(lambda rows: spans, options.file, remark)


def read_table(path: Path, where: str) -> list[tuple[str, Span, str]]:
    """Document, characters and label of each row of a table of labels.

    Raises:
        CorpusError: If the file is no table, lacks a column, has no rows, or one without characters.
    """
    from hypotest.corpora.documents import read_documents  # takes long to import

    document, *more = COLUMNS
    table = []
    for number, name, fields in read_documents(path, where, document, LARGEST, more):
        start, end, label = (fields.get(column, "") for column in more)
        if not (
            name and label and _WHOLE.fullmatch(start) and _WHOLE.fullmatch(end) and int(start) < int(end)
        ):
            raise CorpusError(
                f"{where}, row {number}: needs a document, a label, and whole numbers start and end "
                f"with 0 <= start < end; found {', '.join(map(repr, (name, start, end, label))):.200}"
            )
        table.append((name, (int(start), int(end)), label))
    if not table:
        raise CorpusError(f"{where} holds no spans: write one in each row")
    return table


def bound_spans(spans: Callable[[Rows], Mapping[str, Sequence[Span]]], where: str, remark: str = "") -> Bound:
    """A predicate that holds in spans, each of which, and the text between two, is a stretch of text.

    Args:
        spans: From rows, the spans; see `span_numbers`.
        where: What an error calls their source.
        remark: As in `Bound`.
    """
    return Bound(
        lambda rows: span_numbers(rows, spans(rows), where) % 2 == 1,
        remark,
        stretches=lambda rows: span_numbers(rows, spans(rows), where),
    )


def span_numbers(rows: Rows, spans: Mapping[str, Sequence[Span]], where: str) -> NDArray[np.int64]:
    """Which span of its document a character of each row's target lies in, shape (n_rows,).

    Returns:
        2 i + 1 in the i-th span of a document, counted from 0; 2 i in the text before it, behind the one
        before.

    Args:
        rows: With documents.
        spans: Name of a document -> characters, from and up to.
        where: What an error calls their source.

    Raises:
        CorpusError: If a span names no document, reaches beyond its text, or overlaps another one.
    """
    numbers = {document.id: number for number, document in enumerate(rows.documents)}
    if unknown := [name for name in spans if name not in numbers]:
        known = ", ".join(map(repr, list(numbers)[:3]))
        raise CorpusError(
            f"{where}: {len(unknown):,} of {len(spans):,} documents are none of the text, such as "
            f"{unknown[0]!r}; documents of the text are called {known} (empty ones and copies are left out)"
        )
    numbered = np.zeros(len(rows), dtype=np.int64)
    for name, own in spans.items():
        _require_disjoint(own, rows.documents[numbers[name]], where)
    places, starts, ends = rows.characters([numbers[name] for name in spans])
    owners = rows.document[places]
    for name, own in spans.items():
        mine = np.flatnonzero(owners == numbers[name]) if len(spans) == 1 else _slice(owners, numbers[name])
        first = np.array(sorted(own), dtype=np.int64).reshape(-1, 2)
        # spans are disjoint and sorted: the last one that begins before a target's end is the only candidate
        at = np.searchsorted(first[:, 0], ends[mine], side="left") - 1
        held = (at >= 0) & (first[np.maximum(at, 0), 1] > starts[mine])
        numbered[places[mine]] = 2 * (at + 1) - held
    return numbered


def _slice(owners: Any, number: int) -> Any:
    """Rows of a document; rows are sorted by block, and a document's blocks follow each other."""
    low, high = np.searchsorted(owners, [number, number + 1])
    return np.arange(low, high)


def _require_disjoint(spans: Sequence[Span], document: CorpusDocument, where: str) -> None:
    ordered = sorted(spans)
    for start, end in ordered:
        if start < 0 or end <= start or end > len(document.text):
            raise CorpusError(
                f"{where}: the span {start} to {end} lies outside document {document.id!r}, which has "
                f"{len(document.text):,} characters"
            )
    for (start, end), (after, last) in pairwise(ordered):
        if after < end:
            raise CorpusError(
                f"{where}: spans of document {document.id!r} overlap: {start} to {end} and {after} to "
                f"{last}; "
                "name one label, or give each character one"
            )


PREDICATE = Predicate(
    name="labels",
    options=Annotated[LabelTable, BeforeValidator(_as_table, json_schema_input_type=str | LabelTable)],
    words=PredicateWords(
        summary="a character of the next token lies in a span that a table labels",
        clause=lambda options, subject: (
            "the next token lies in a span "
            + (f"labelled {options.label} " if options.label else "")
            + f"of {options.file}"
        ),
    ),
    check=check,
    exchange="span",
    files=lambda options: (options.file,),
    material=("text",),
    bind=bind,
    reads_text=True,
)
