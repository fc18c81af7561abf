"""The documents of a protocol's files; see `hypotest.corpora.docstrings` and `hypotest.corpora.hub`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypotest.corpora.documents import read_documents
from hypotest.errors import CorpusError
from hypotest.records.corpus import Document, TextSource
from hypotest.records.files import MAX_BYTES
from hypotest.records.material import CorpusFiles


def read_files(text: CorpusFiles, base: Path, key: str) -> tuple[list[Document], list[TextSource]]:
    """Read the files that a protocol names.

    Of files that hold many documents, one that was there before, to the letter, is left out: it may be
    on both sides of the split.

    Args:
        text: As a protocol names it.
        base: Folder that relative file paths start from.
        key: Of the protocol, such as ``corpus.text``, for errors.

    Raises:
        CorpusError: If a file is missing, no regular file, too large together with those before it, not what
            its name says, empty, or named twice.
    """
    documents: list[Document] = []
    sources = []
    left = MAX_BYTES
    files: dict[Path, str] = {}
    seen: set[bytes] = set()
    for number, name in enumerate(text.files, start=1):
        where, path = f"{key}.files.#{number} {name!r}", base / name
        found = read_documents(path, where, text.column, left)
        target = path.resolve()
        if target in files:
            raise CorpusError(
                f"{where}: is the same file as {files[target]!r}; a document that is there twice may be on "
                "both sides of the split: remove one"
            )
        files[target] = name
        digest, before = hashlib.sha256(), len(documents)
        for place, content in found:
            encoded = content.encode()
            own = hashlib.sha256(encoded).digest()
            if (place and own in seen) or not content.strip():
                continue
            seen.add(own)
            left -= len(encoded)
            documents.append(Document(id=f"{name}:{place}" if place else name, text=content))
            digest.update(encoded)
            digest.update(b"\0" if place else b"")
        if len(documents) == before:
            again = ", or all of it stands in the files before" if found else ""
            raise CorpusError(f"{where}: is empty{again}")
        sources.append(
            TextSource(name=name, version="", sha256=digest.hexdigest(), n_documents=len(documents) - before)
        )
    return documents, sources
