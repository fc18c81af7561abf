"""Positions within brackets that are open in their block; an example of a predicate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About, Rows
from hypotest.records.protocol.strict import Strict


class Bracketed(Strict):
    """Positions within brackets."""

    depth: int = Field(default=1, ge=1, le=100, description="brackets that are open, at least")


def open_brackets(rows: Rows, texts: tuple[str, ...]) -> NDArray[np.int64]:
    """Brackets of the block that are open behind each row's token, shape (n_rows,)."""
    steps = np.array([text.count("(") - text.count(")") for text in texts])
    depth = np.cumsum(steps[rows.blocks.tokens], axis=1)
    return np.asarray(depth[rows.block, rows.index])


def bind(options: Bracketed, about: About | None, setting: Setting) -> Bound:
    """The texts of the tokens say which of them open and close."""
    return Bound(lambda rows: open_brackets(rows, setting.texts()) >= options.depth)


PREDICATE = Predicate(
    name="bracketed",
    interface=1,
    options=Bracketed,
    words=PredicateWords(
        summary="brackets that are open in the block",
        clause=lambda options, subject: f"at least {options.depth} brackets of the block are open",
    ),
    exchange="position",
    bind=bind,
)
