"""Tokens that a file names, one word on each line."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hypotest.corpora.files import read_bytes
from hypotest.errors import CorpusError
from hypotest.predicates.listed import of_words
from hypotest.predicates.predicate import Bound, Predicate, PredicateWords, Setting
from hypotest.predicates.rows import About

LARGEST = 2**24
"""Bytes of a file of words."""
Name = Annotated[str, Field(min_length=1, max_length=4096)]


def bind(options: str, about: About | None, setting: Setting) -> Bound:
    """Read the words.

    Raises:
        CorpusError: If it cannot be read, is no UTF-8 text, or holds no word that is a token.
    """
    content = read_bytes(setting.base / options, repr(options), LARGEST)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{options!r} is not UTF-8 text (byte {error.start}); convert it first") from None
    words = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not words:
        raise CorpusError(f"{options!r} holds no words: write one on each line")
    return of_words(words, about, setting)


PREDICATE = Predicate(
    name="in_file",
    about=("target", "token"),
    options=Name,
    words=PredicateWords(
        summary="the token's text is one of the words of a text file, one on each line, with or without a "
        "space before it",
        clause=lambda options, subject: f"{subject} is one of the words in {options}",
    ),
    files=lambda options: (options,),
    bind=bind,
)
