"""Place in the block: how much text the network has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field, create_model, model_validator

from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About, BoolArray, Rows
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.protocol.strict import Strict


class _Range(Strict):
    """A range of places within the block, counted from 0."""

    @model_validator(mode="after")
    def _some(self) -> _Range:
        low, high = bounds(self)
        if low is None and high is None:
            raise ValueError("must have from, below or both")
        if low is not None and high is not None and low >= high:
            raise ValueError("must have a from that lies below its below")
        return self


_KEYS: dict[str, Any] = {
    "from": (int | None, Field(default=None, ge=1, le=65535, description="first place, counted from 0")),
    "below": (int | None, Field(default=None, ge=2, le=65536, description="place behind the last")),
}
Range = create_model("Range", __base__=_Range, __doc__=_Range.__doc__, **_KEYS)  # `from` is a word of Python


def bounds(options: Any) -> tuple[int | None, int | None]:
    """First place and the one behind the last; None where there is no such bound."""
    return getattr(options, "from"), options.below


def bind(options: Any, about: About | None, setting: Setting) -> Bound:
    """Nothing of it depends on the tokenizer."""
    low, high = bounds(options)

    def holds(rows: Rows) -> BoolArray:
        inside = np.ones(len(rows), dtype=bool)
        if low is not None:
            inside &= rows.index >= low
        if high is not None:
            inside &= rows.index < high
        return inside

    # a block up to its first place, within the range, and behind it: what belongs together in running text
    def stretches(rows: Rows) -> IntArray:
        borders = [border for border in (low, high) if border is not None]
        return np.asarray(rows.block * 3 + np.searchsorted(borders, rows.index, side="right"))

    return Bound(holds, stretches=stretches)


def _clause(options: Any, subject: str) -> str:
    low, high = bounds(options)
    parts = [
        f"at {low:,} or later" if low is not None else "",
        f"before {high:,}" if high is not None else "",
    ]
    return f"its place in the block, counted from 0, is {' and '.join(filter(None, parts))}"


PREDICATE = Predicate(
    name="index",
    options=Range,
    words=PredicateWords(
        summary="the place within the block, counted from 0, lies in this range", clause=_clause
    ),
    exchange="span",
    defines=("index",),
    bind=bind,
)
