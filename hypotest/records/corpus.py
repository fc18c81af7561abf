"""The text under study: where it comes from, its documents, its sampled positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """One source text: a file, an article. The independent unit of text."""

    id: str
    """Stable name, unique in its corpus."""
    text: str
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Columns that come with it and were asked for, as text; lists as JSON. Absent where it has no value."""


@dataclass(frozen=True, slots=True)
class TextSource:
    """One part of a corpus, with what is needed to know it again."""

    name: str
    """Distribution, file, or data set with its configuration and split."""
    version: str
    """Installed version of a distribution, commit of a data set; empty for files and folders."""
    sha256: str
    """Hash of its documents after cleaning."""
    n_documents: int
    n_empty: int = 0
    """Files, lines or rows without text, which were left out."""
    n_copies: int = 0
    """Those left out because the same document was there before."""

    def __str__(self) -> str:
        """Name and version, where there is one."""
        return f"{self.name} {self.version}".strip()
