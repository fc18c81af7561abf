"""The documents that a protocol names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypotest.corpora.docstrings import EVALUATION_PACKAGES, package_documents
from hypotest.corpora.files import read_bytes
from hypotest.errors import CorpusError
from hypotest.records.corpus import Document, TextSource
from hypotest.records.files import MAX_BYTES
from hypotest.records.material import Corpus


def read_corpus(corpus: Corpus, base: Path) -> tuple[list[Document], list[TextSource]]:
    """Read the documents of a protocol's corpus.

    Args:
        corpus: The protocol's ``corpus:``.
        base: Folder that relative file paths start from (the protocol's own).

    Raises:
        CorpusError: If a file is missing, no regular file, too large together with those before it, no UTF-8
            text, empty, or named twice.
    """
    if corpus.text == "reference":
        return package_documents(EVALUATION_PACKAGES)
    documents, sources = [], []
    left = MAX_BYTES
    seen: dict[Path, str] = {}
    for number, name in enumerate(corpus.text.files, start=1):
        where, path = f"corpus.text.files.#{number} {name!r}", base / name
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
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{where}: is not UTF-8 text (byte {error.start}); convert it first") from None
        if not text.strip():
            raise CorpusError(f"{where}: is empty")
        # as in text mode, where every line end is read as \n
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        documents.append(Document(id=name, text=text))
        digest = hashlib.sha256(text.encode()).hexdigest()
        sources.append(TextSource(name=name, version="", sha256=digest, n_documents=1))
    return documents, sources
