"""Labelled spans that come with the text: a column ``spans`` of ``[start, end, label]``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from hypotest.errors import CorpusError
from hypotest.predicates.labels import Span, bound_spans
from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About
from hypotest.records.corpus import CorpusDocument
from hypotest.records.protocol.strict import Strict

COLUMN = "spans"


class Labelled(Strict):
    """Spans with a label."""

    label: str = Field(min_length=1, max_length=200, description="of the spans")


def bind(options: Labelled, about: About | None, setting: Setting) -> Bound:
    """Nothing of it depends on the tokenizer."""
    return bound_spans(lambda rows: spans_of(options.label, rows.documents), COLUMN)


def spans_of(label: str, documents: Sequence[CorpusDocument]) -> dict[str, list[Span]]:
    """Name of each document with such spans -> their characters.

    Raises:
        CorpusError: If the column is missing, holds anything else, or no span has the label.
    """
    spans: dict[str, list[Span]] = {}
    known: set[str] = set()
    if not any(document.fields.get(COLUMN) is not None for document in documents):
        raise CorpusError(f"no document of the text has the column {COLUMN!r}")
    for document in documents:
        for start, end, name in _spans(document):
            known.add(name)
            if name == label:
                spans.setdefault(document.id, []).append((start, end))
    if not spans:
        raise CorpusError(f"no span has the label {label!r}; found {', '.join(sorted(known)[:10]) or 'none'}")
    return spans


def _spans(document: CorpusDocument) -> list[tuple[int, int, str]]:
    content = document.fields.get(COLUMN)
    if content is None:
        return []
    try:
        return [_span(item) for item in json.loads(content)]
    except (ValueError, TypeError, RecursionError):
        raise CorpusError(
            f"the column {COLUMN!r} of document {document.id!r} must hold a list of [start, end, label]; "
            f"found {content!r:.60}"
        ) from None


def _span(item: Any) -> tuple[int, int, str]:
    start, end, name = item
    if type(start) is not int or type(end) is not int or not isinstance(name, str):
        raise ValueError
    return start, end, name


PREDICATE = Predicate(
    name="span",
    options=Labelled,
    words=PredicateWords(
        summary="a character of the next token lies in a labelled span that comes with the text, in a column "
        "`spans` of [start, end, label]",
        clause=lambda options, subject: f"the next token lies in a span labelled {options.label}",
    ),
    exchange="span",
    material=("text",),
    bind=bind,
    fields=lambda options: (COLUMN,),
    reads_text=True,
)
