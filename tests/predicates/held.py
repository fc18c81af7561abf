"""Which rows of a table made by hand a predicate takes, and where what is wrong with it is said to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from hypotest.predicates.combine import bound_condition
from hypotest.predicates.rows import Rows
from hypotest.records.protocol.conditions import Condition, condition_model
from tests.predicates.made import rows, setting

# token by place; row i of a block is the query at i, its target stands at i + 1, and place 0 is no row
TOKENS = [[0, 1, 2, 1, 6, 2], [4, 5, 6, 5, 3, 4], [0, 1, 1, 7, 0, 5]]
DOCUMENT = [0, 0, 1]
EVERY = [(block, index) for block in range(3) for index in range(1, 5)]


def condition(data: object) -> Condition:
    """As a protocol has it."""
    return condition_model().model_validate_json(json.dumps(data), strict=True)


def table(**more: object) -> Rows:
    """The blocks above: two of one document, one of another."""
    return rows(TOKENS, DOCUMENT, **more)


def taken(
    data: object, made: Rows | None = None, base: Path = Path(), **known: object
) -> list[tuple[int, int]]:
    """Block and place of the rows for which it holds."""
    made = table() if made is None else made
    mask = bound_condition("one", condition(data), setting(base, **known)).holds(made)
    return list(zip(made.block[mask].tolist(), made.index[mask].tolist(), strict=True))


def remarks(data: object, base: Path = Path()) -> tuple[str, ...]:
    """What tying it to a tokenizer found out."""
    return bound_condition("one", condition(data), setting(base)).remarks


def require_refused(data: dict, *place: str | int) -> str:
    """What is wrong is said of this place in the condition; returns what."""
    with pytest.raises(ValidationError) as caught:
        condition(data)
    places = [error["loc"] for error in caught.value.errors()]
    assert all(loc[: len(place)] == place for loc in places), places
    return str(caught.value)
