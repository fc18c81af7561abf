"""A regular expression that a token's text matches, in an engine whose time is linear in the text.

The engine is that of polars (Rust's ``regex``): it has no lookaround and no back-references, so that no
expression takes for ever. A token is matched as it stands within a text: most begin with their space.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting, count_words, of_types
from hypotest.predicates.rows import About

LONGEST = 1000
"""Characters of an expression."""
Pattern = Annotated[str, Field(min_length=1, max_length=LONGEST)]


def check(options: str) -> Iterator[str]:
    """What is wrong with the expression."""
    import polars as pl  # takes long to import

    try:
        pl.Series([""]).str.contains(options)
    except (pl.exceptions.ComputeError, pl.exceptions.PolarsError) as error:
        yield f"must be a regular expression of polars (Rust's regex); {_reason(str(error))}"


def bind(options: str, about: About | None, setting: Setting) -> Bound:
    """Match every token of the vocabulary."""
    import polars as pl

    mask = pl.Series(list(setting.texts())).str.contains(options).to_numpy()
    return of_types(mask, about, f"matches {count_words(mask, 'tokens of the vocabulary')}")


def _reason(message: str) -> str:
    """The engine's own words, in one line."""
    if "look-around" in message:
        return "lookahead and lookbehind are refused, since their time has no bound: write it without"
    if "backreferences" in message:
        return "back-references are refused, since their time has no bound: write it without"
    if "size limit" in message:
        return "this one is too large when it is compiled: write it shorter"
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or ["it cannot be read"])[-1]


PREDICATE = Predicate(
    name="matches",
    about=("target", "token"),
    options=Pattern,
    words=PredicateWords(
        summary="this regular expression is found in the token's text, such as `'^ ?[0-9]+$'`; no lookaround",
        clause=lambda options, subject: f"{subject} matches `{options}`",
    ),
    check=check,
    bind=bind,
)
