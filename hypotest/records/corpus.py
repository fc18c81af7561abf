"""The text under study: where it comes from, its documents, its sampled positions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """One source text: a file, an article. The independent unit of text."""

    id: str
    """Stable name, unique in its corpus."""
    text: str


@dataclass(frozen=True, slots=True)
class TextSource:
    """One part of a corpus, with what is needed to know it again."""

    name: str
    """Distribution or file."""
    version: str
    """Installed version; empty for files."""
    sha256: str
    """Hash of its documents after cleaning."""
    n_documents: int
