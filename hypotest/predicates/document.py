"""Whole documents: by a column that comes with the text, or by the name of their file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, create_model, model_validator

from hypotest.errors import CorpusError
from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About, BoolArray, Rows
from hypotest.records.corpus import CorpusDocument
from hypotest.records.protocol.strict import Strict

NAMED = 10
"""Values that an error names; the rest are counted."""


class _Which(Strict):
    """Documents with a value in a column, or whose file fits a pattern."""

    @model_validator(mode="after")
    def _one(self) -> _Which:
        options: Any = self
        if (options.path is None) == (options.field is None) or (options.field is None) != (
            values(self) == ()
        ):
            raise ValueError("must have path, or field and is")
        return self


def _as_texts(value: Any) -> Any:
    """One value or a list; numbers and truth values as JSON writes them, which is how tables are read."""
    return tuple(map(_as_text, value)) if isinstance(value, list | tuple) else (_as_text(value),)


def _as_text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool | int | float) else value


_Text = Annotated[str, Field(min_length=1, max_length=4096)]
_One = str | int | float | bool
AsTexts = BeforeValidator(_as_texts, json_schema_input_type=_One | tuple[_One, ...])
"""Of values that a column may have."""
_KEYS: dict[str, Any] = {
    "field": (_Text | None, Field(default=None, description="column or key of the text's files")),
    "is": (
        Annotated[tuple[_Text, ...], AsTexts],
        Field(default=(), max_length=1000, description="a value, or a list, one of which it has"),
    ),
    "path": (
        _Text | None,
        Field(default=None, description="pattern of the file's name as the corpus names it: `*/code/*.py`"),
    ),
}
Which = create_model("Which", __base__=_Which, __doc__=_Which.__doc__, **_KEYS)  # `is` is a word of Python


def values(options: Any) -> tuple[str, ...]:
    """Values that the column may have."""
    return tuple(getattr(options, "is"))


def bind(options: Any, about: About | None, setting: Setting) -> Bound:
    """Nothing of it depends on the tokenizer."""

    def holds(rows: Rows) -> BoolArray:
        chosen = chosen_documents(options, rows.documents)
        return np.asarray(chosen[rows.document])

    return Bound(holds)


def chosen_documents(options: Any, documents: Sequence[CorpusDocument]) -> BoolArray:
    """Which documents are meant, shape (n_documents,).

    Raises:
        CorpusError: If no document has the column or a value, all have one value there, or no file fits.
    """
    if options.path is not None:
        fits = np.array([_fits(document.id, options.path) for document in documents], dtype=bool)
        if not fits.any():
            known = ", ".join(repr(document.id) for document in documents[:3])
            raise CorpusError(
                f"no document's file fits {options.path!r}; documents of the text are called {known}"
            )
        return fits
    texts = [document.fields.get(options.field) for document in documents]
    counted = Counter(text for text in texts if text is not None)
    if not counted:
        raise CorpusError(f"no document of the text has the column {options.field!r}")
    if len(counted) == 1:
        raise CorpusError(f"the column {options.field!r} has one value only, {next(iter(counted))!r}")
    chosen = np.array([text in values(options) for text in texts], dtype=bool)
    if not chosen.any():
        named = ", ".join(f"{text!r:.60}" for text, _ in counted.most_common(NAMED))
        more = f" and {len(counted) - NAMED:,} more" if len(counted) > NAMED else ""
        raise CorpusError(f"no document has {' or '.join(values(options))} there; found {named}{more}")
    return chosen


def _fits(name: str, pattern: str) -> bool:
    """Whether the name of a document fits, or that of the file in which it is one of many."""
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition(":")[0], pattern)


def _clause(options: Any, subject: str) -> str:
    if options.path is not None:
        return f"its document's file fits `{options.path}`"
    return f"the column {options.field} of its document is {' or '.join(values(options))}"


PREDICATE = Predicate(
    name="document",
    options=Which,
    words=PredicateWords(
        summary="a column of the text, or the name of its file, says so of the document", clause=_clause
    ),
    exchange="document",
    material=("text",),
    bind=bind,
    fields=lambda options: () if options.field is None else (options.field,),
    reads_text=True,
)
