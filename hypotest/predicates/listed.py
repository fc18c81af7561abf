"""Tokens that a list in the protocol names."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from hypotest.errors import CorpusError
from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting, count_words, of_types
from hypotest.predicates.rows import About, BoolArray

MOST = 10_000
"""Words of a list in the protocol; more belong into a file."""
NAMED = 5
"""Words that an error names; the rest are counted."""
Listed = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=MOST)
]


def of_words(words: tuple[str, ...], about: About | None, setting: Setting) -> Bound:
    """Tokens whose text is one of some words, with or without the space before it.

    Raises:
        CorpusError: If none is a single token.
    """
    mask, missing = single_tokens(words, setting.texts())
    if not mask.any():
        raise CorpusError(
            f"none of the {len(words):,} words is a single token of this tokenizer: name whole tokens, or "
            "match pieces by `matches`"
        )
    remark = f"{count_words(mask, 'tokens of the vocabulary')}"
    if missing:
        more = f" and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
        remark += f"; no single tokens: {', '.join(missing[:NAMED])}{more}"
    return of_types(mask, about, remark)


def single_tokens(words: tuple[str, ...], texts: tuple[str, ...]) -> tuple[BoolArray, list[str]]:
    """Tokens whose text is a word, alone or behind one space; and the words that no token is."""
    wanted = {form for word in words for form in (word, f" {word}")}
    mask = np.fromiter((text in wanted for text in texts), dtype=bool, count=len(texts))
    there = {text for text, holds in zip(texts, mask, strict=True) if holds}
    return mask, [word for word in words if word not in there and f" {word}" not in there]


PREDICATE = Predicate(
    name="in",
    about=("target", "token"),
    options=Listed,
    words=PredicateWords(
        summary="the token's text is one of these words, with or without a space before it",
        clause=lambda options, subject: (
            f"{subject} is one of {', '.join(map(repr, options[:NAMED]))}"
            + (f" and {len(options) - NAMED:,} more" if len(options) > NAMED else "")
        ),
    ),
    bind=lambda options, about, setting: of_words(options, about, setting),
)
