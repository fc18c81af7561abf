"""The documents of a protocol's files; see `hypotest.corpora.docstrings` and `hypotest.corpora.hub`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypotest.corpora.content import document_hash
from hypotest.corpora.documents import read_documents
from hypotest.errors import CorpusError
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.records.protocol.texts import CorpusFiles
from hypotest.records.stored.files import MAX_BYTES
from hypotest.records.stored.text_files import files_of, is_many, why_none


def read_files(
    text: CorpusFiles, base: Path, key: str, columns: Sequence[str] = ()
) -> tuple[list[CorpusDocument], list[TextSource]]:
    """Read the files that a protocol names.

    A document that was there before is left out, and counted: it may be on both sides of the split. White
    space and letter case make no other document of it (`hypotest.corpora.content.document_hash`).

    Args:
        text: As a protocol names it.
        base: Folder that relative file paths start from.
        key: Of the protocol, such as ``corpus.text``, for errors.
        columns: Beside the text, for `Document.fields`; files that are one document have none.

    Raises:
        CorpusError: If a file is missing, no regular file, too large together with those before it, not what
            its name says, empty, or named twice; if a folder or pattern stands for none.
    """
    documents: list[CorpusDocument] = []
    sources = []
    left = MAX_BYTES
    files: dict[Path, str] = {}
    seen: set[str] = set()
    for where, name, is_one in named_files(text.files, base, key):
        path = base / name
        contents = read_documents(path, where, text.column, left, columns)
        target = path.resolve()
        if target in files and not is_one:
            continue
        if target in files:
            raise CorpusError(
                f"{where}: is the same file as {files[target]!r}; a document that is there twice may be on "
                "both sides of the split: remove one"
            )
        files[target] = name
        digest, before, n_empty, n_copies = hashlib.sha256(), len(documents), 0, 0
        for place, content, own_fields in contents:
            if not content.strip():
                n_empty += 1
                continue
            own = document_hash(content)
            if own in seen:
                n_copies += 1
                continue
            encoded = content.encode()
            seen.add(own)
            left -= len(encoded)
            documents.append(CorpusDocument(f"{name}:{place}" if place else name, content, own_fields))
            digest.update(encoded)
            digest.update(b"\0" if place else b"")
        if is_one and n_empty == len(contents):
            raise CorpusError(f"{where}: is empty")
        sources.append(TextSource(name, "", digest.hexdigest(), len(documents) - before, n_empty, n_copies))
    if not documents:
        raise CorpusError(f"{key}.files: all files are empty")
    return documents, sources


def named_files(files: Sequence[str], base: Path, key: str) -> Iterator[tuple[str, str, bool]]:
    """Where a file is named, its name, and whether it is named itself, not by a folder or pattern."""
    for number, name in enumerate(files, start=1):
        where = f"{key}.files.#{number} {name!r}"
        if not is_many(name, base):
            yield where, name, True
            continue
        obstacle = why_none(name, base)
        if obstacle:
            raise CorpusError(f"{where}: {obstacle}")
        for file in files_of(name, base):
            yield f"{where}: {file!r}", file, False
