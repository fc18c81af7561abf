"""Examples by a column of their table: the number of a noun, the kind of a fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from hypotest.errors import CorpusError
from hypotest.predicates.document import NAMED, AsTexts
from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About, BoolArray, Rows

_Text = Annotated[str, Field(min_length=1, max_length=4096)]


_Values = Annotated[tuple[_Text, ...], AsTexts, Field(min_length=1, max_length=1000)]
Columns = Annotated[dict[_Text, _Values], Field(min_length=1, max_length=20)]
"""Column -> values, one of which it must have."""


def bind(options: Mapping[str, tuple[str, ...]], about: About | None, setting: Setting) -> Bound:
    """Nothing of it depends on the tokenizer."""

    def holds(rows: Rows) -> BoolArray:
        both = np.ones(len(rows), dtype=bool)
        for column, wanted in options.items():
            both &= _has(rows, column, wanted)
        return both

    return Bound(holds)


def _has(rows: Rows, column: str, wanted: tuple[str, ...]) -> BoolArray:
    """Which rows have one of the values in a column.

    Raises:
        CorpusError: If no row has the column or one of the values there, or all have one value.
    """
    texts = [rows.fields[number].get(column) for number in rows.block.tolist()]
    counted = Counter(text for text in texts if text is not None)
    if not counted:
        known = ", ".join(dict.fromkeys(name for fields in rows.fields for name in fields))
        raise CorpusError(f"no row has the column {column!r}; found {known or 'none'}")
    if len(counted) == 1:
        raise CorpusError(f"the column {column!r} has one value only, {next(iter(counted))!r}")
    missing = [text for text in wanted if text not in counted]
    if missing:
        named = ", ".join(f"{text!r:.60}" for text, _ in counted.most_common(NAMED))
        more = f" and {len(counted) - NAMED:,} more" if len(counted) > NAMED else ""
        raise CorpusError(f"no row has {' or '.join(missing)} in the column {column!r}; found {named}{more}")
    return np.array([text in wanted for text in texts], dtype=bool)


def _overlaps(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> str:
    if one.keys() == other.keys() and all(set(values) & set(other[name]) for name, values in one.items()):
        name = next(iter(one))
        shared = next(text for text in one[name] if text in other[name])
        return f"both have {shared!r} in the column {name!r}"
    return ""


def _clause(options: Mapping[str, tuple[str, ...]], subject: str) -> str:
    return " and ".join(f"the column {name} is {' or '.join(values)}" for name, values in options.items())


PREDICATE = Predicate(
    name="field",
    options=Columns,
    words=PredicateWords(
        summary="columns of the table have these values: `{number: singular}`, or a list of values of each",
        clause=_clause,
    ),
    exchange="cluster",
    material=("examples", "rows"),
    bind=bind,
    overlaps=_overlaps,
    fields=lambda options: tuple(options),
)
