"""The documents that a protocol names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypotest.corpora.docstrings import EVALUATION_PACKAGES, package_documents
from hypotest.errors import CorpusError
from hypotest.records.corpus import Document, TextSource
from hypotest.records.protocol import Corpus


def read_corpus(corpus: Corpus, base: Path) -> tuple[list[Document], list[TextSource]]:
    """Read the documents of a protocol's corpus.

    Args:
        corpus: The protocol's ``corpus:``.
        base: Folder that relative file paths start from (the protocol's own).

    Raises:
        CorpusError: If a file is missing, no UTF-8 text, or empty.
    """
    if corpus.text == "reference":
        return package_documents(EVALUATION_PACKAGES)
    documents, sources = [], []
    for name in corpus.text.files:
        path = base / name
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"corpus.text.files: {name} is not UTF-8 text (byte {error.start}); convert it first"
            ) from None
        except OSError as error:
            raise CorpusError(f"corpus.text.files: cannot read {name}: {error.strerror}") from None
        if not text.strip():
            raise CorpusError(f"corpus.text.files: {name} is empty")
        documents.append(Document(id=name, text=text))
        digest = hashlib.sha256(text.encode()).hexdigest()
        sources.append(TextSource(name=name, version="", sha256=digest, n_documents=1))
    return documents, sources
