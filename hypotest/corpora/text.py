"""The documents that a protocol names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hypotest.corpora.docstrings import EVALUATION_PACKAGES, package_documents
from hypotest.corpora.files import read_bytes
from hypotest.errors import CorpusError
from hypotest.records.corpus import Document, TextSource
from hypotest.records.files import MAX_BYTES
from hypotest.records.material import Corpus, CorpusFiles


def read_corpus(corpus: Corpus, base: Path) -> tuple[list[Document], list[TextSource]]:
    """Read the documents of a protocol's corpus.

    Args:
        corpus: The protocol's ``corpus:``.
        base: Folder that relative file paths start from (the protocol's own).

    Raises:
        CorpusError: If a file is missing, no regular file, too large together with those before it, no UTF-8
            text, empty, or named twice.
    """
    return read_text(corpus.text, base, "corpus.text.files")


def read_text(
    text: Literal["reference"] | CorpusFiles,
    base: Path,
    key: str,
    packages: Sequence[str] = EVALUATION_PACKAGES,
) -> tuple[list[Document], list[TextSource]]:
    """Read the docstrings of installed packages, or text files.

    Args:
        text: As a protocol names it.
        base: Folder that relative file paths start from.
        key: Of the protocol, for errors.
        packages: Behind ``reference``.

    Raises:
        CorpusError: As `read_corpus`.
    """
    if text == "reference":
        return package_documents(packages)
    documents, sources = [], []
    left = MAX_BYTES
    seen: dict[Path, str] = {}
    for number, name in enumerate(text.files, start=1):
        where, path = f"{key}.#{number} {name!r}", base / name
        content = read_bytes(path, where, left)
        left -= len(content)
        target = path.resolve()
        if target in seen:
            raise CorpusError(
                f"{where}: is the same file as {seen[target]!r}; a document that is there twice may be on "
                "both sides of the split: remove one"
            )
        seen[target] = name
        try:
            decoded = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{where}: is not UTF-8 text (byte {error.start}); convert it first") from None
        if not decoded.strip():
            raise CorpusError(f"{where}: is empty")
        # as in text mode, where every line end is read as \n
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
        documents.append(Document(id=name, text=decoded))
        digest = hashlib.sha256(decoded.encode()).hexdigest()
        sources.append(TextSource(name=name, version="", sha256=digest, n_documents=1))
    return documents, sources
