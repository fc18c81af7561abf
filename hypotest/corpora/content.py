"""What a document says, as a hash: by it a text is known again under another name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from hypotest.records.corpus import CorpusDocument

DIGITS = 16
"""Of a document's hash: two of a million documents share one with a chance of 3 in 10^8."""


def document_hash(text: str) -> str:
    """Hash of a document's words: its name, white space and letter case do not count.

    Anything else does: a text with another word in it is another text here.

    Examples:
        >>> document_hash("One text.") == document_hash("  one   text. ")
        True
        >>> document_hash("One text.") == document_hash("One text!")
        False
    """
    words = " ".join(text.split()).casefold()
    return hashlib.sha256(words.encode("utf-8", errors="replace")).hexdigest()[:DIGITS]


def document_hashes(documents: Iterable[CorpusDocument]) -> tuple[str, ...]:
    """The hash of each document, in their order."""
    return tuple(document_hash(document.text) for document in documents)
