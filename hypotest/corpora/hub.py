"""Documents of a data set, streamed through the `datasets` library (an extra of hypotest)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from hypotest.corpora.content import document_hash
from hypotest.corpora.documents import TEXT_COLUMN, as_text, whole_characters
from hypotest.errors import CorpusError
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.records.protocol.texts import CorpusHub
from hypotest.records.stored.files import MAX_BYTES
from hypotest.records.stored.hub import is_hub_name

EXTRA = "pip install 'hypotest-nn[datasets]'"
"""What installs the library."""
Row = tuple[int, str, Mapping[str, str]]
"""Number of a document in its split, from 1, its text, and further columns as text."""
Kind = Literal["document", "empty", "copy"]
"""What a row was; the last two are left out."""
_NAMED = 20
"""Configurations, splits or columns that an error names; the rest are counted."""


def can_stream() -> bool:
    """Whether the `datasets` library is installed."""
    return find_spec("datasets") is not None


def data_folder(text: CorpusHub, base: Path, where: str) -> Path | None:
    """The folder that `hub` names, or None if it names a data set of the Hub.

    Args:
        text: As a protocol names it.
        base: Folder that relative paths start from.
        where: How an error begins: the key and the name in the protocol.

    Raises:
        CorpusError: If it can be neither, or if a folder is given with a revision.
    """
    folder = base / text.hub
    if os.path.isdir(folder):  # which answers also for names that no file can have
        if text.revision is not None:
            raise CorpusError(f"{where}: is a folder, which has no revision: remove it")
        return folder
    if not is_hub_name(text.hub):
        raise CorpusError(
            f"{where}: there is no folder {str(folder)!r}, and it is no name of the Hugging Face Hub "
            "(OWNER/NAME)"
        )
    return None


def stream_rows(
    text: CorpusHub,
    where: str,
    *,
    folder: Path | None = None,
    commit: str | None = None,
    columns: Sequence[str] = (),
    on_row: Callable[[Kind], None] = lambda kind: None,
) -> Iterator[Row]:
    """Stream the first documents of a split, in its order.

    Nothing of a data set is executed: the library reads tables and lines of text. Empty documents, and
    those that were there before to the letter, are left out, so that none is on both sides of the split.

    Args:
        text: What to read, and how many documents.
        where: How an error begins: the key and the name in the protocol.
        folder: To read instead of the Hub.
        commit: Of the Hub's data set.
        columns: Beside the text, which conditions read.
        on_row: Called after each document that was read, with what it was.

    Raises:
        CorpusError: If the library is missing; if the data set, its configuration, split or column is not
            there or cannot be read; if the documents have more than `MAX_BYTES` together.
    """
    if not can_stream():
        raise CorpusError(f"{where}: is read with the package datasets, which is missing: {EXTRA}")
    column = text.column or TEXT_COLUMN
    left = MAX_BYTES
    seen: set[str] = set()
    for number, row in enumerate(
        _rows(text, where, str(folder.resolve()) if folder else text.hub, commit), 1
    ):
        content = _content(row, column, where, number)
        for name in columns:
            if name not in row:
                raise CorpusError(
                    f"{where}: has no column {name!r}, which conditions read; it has {_listed(row)}"
                )
        encoded = content.encode()
        own = document_hash(content)
        kind: Kind = "empty" if not content.strip() else "copy" if own in seen else "document"
        if kind == "document":
            seen.add(own)
            left -= len(encoded)
            if left < 0:
                raise CorpusError(
                    f"{where}: must have at most {MAX_BYTES / 2**20:,.0f} MiB of text, which document "
                    f"{number:,} exceeds: lower documents"
                )
            fields = {name: as_text(row[name]) for name in columns if row[name] is not None}
            yield number, content, fields
        on_row(kind)


def hub_source(
    text: CorpusHub, commit: str | None, rows: list[Row], n_empty: int = 0, n_copies: int = 0
) -> tuple[list[CorpusDocument], TextSource]:
    """The documents of a data set, and what is needed to know them again.

    Args:
        text: As the protocol names it.
        commit: Of the Hub's data set; None for a folder.
        rows: From `stream_rows`.
        n_empty: Rows without text that were left out.
        n_copies: Copies that were left out.
    """
    name = " ".join(filter(None, [text.hub, text.config, text.split]))
    digest = hashlib.sha256()
    for _, content, fields in rows:
        digest.update(content.encode())
        digest.update(b"\0")
        if fields:
            digest.update(json.dumps(fields, sort_keys=True).encode())
    documents = [
        CorpusDocument(id=f"{name}:{number}", text=content, fields=fields) for number, content, fields in rows
    ]
    return documents, TextSource(name, commit or "", digest.hexdigest(), len(documents), n_empty, n_copies)


def _rows(text: CorpusHub, where: str, source: str, commit: str | None) -> Iterator[dict[str, Any]]:
    """The first rows of the split; whatever the library raises becomes one error."""
    import datasets  # an extra, which takes a second to import

    with _quiet(datasets):
        try:
            splits = datasets.load_dataset(source, name=text.config, revision=commit, streaming=True)
        except Exception as error:
            raise CorpusError(f"{where}: {_obstacle(error, text, source, commit)}") from None
        if text.split not in splits:
            raise CorpusError(f"{where}: has no split {text.split!r}; it has {_listed(splits)}")
        try:
            yield from islice(splits[text.split], text.documents)
        except Exception as error:  # damaged files, and networks that fail half-way
            raise CorpusError(f"{where}: cannot be read to the end: {_first_line(error)}") from None


def _obstacle(error: Exception, text: CorpusHub, source: str, commit: str | None) -> str:
    """Why a data set cannot be loaded, and what to do."""
    import datasets

    if isinstance(error, RuntimeError) and "scripts" in str(error):
        return (
            "consists of a script, and hypotest runs no code of a data set; look for a copy of it in files "
            "(.parquet, .jsonl)"
        )
    if isinstance(error, ValueError):
        try:
            known = datasets.get_dataset_config_names(source, revision=commit)
        except Exception:
            known = []
        if text.config is None and len(known) > 1:
            return f"has several configurations: choose one with config; it has {_listed(known)}"
        if text.config is not None and known and text.config not in known:
            return f"has no configuration {text.config!r}; it has {_listed(known)}"
    if isinstance(error, datasets.exceptions.DataFilesNotFoundError | datasets.data_files.EmptyDatasetError):
        return "holds no files that the datasets library reads (.parquet, .jsonl, .csv, .txt and packed ones)"
    return f"cannot be loaded: {_first_line(error)}"


def _content(row: dict[str, Any], column: str, where: str, number: int) -> str:
    if column not in row:
        raise CorpusError(f"{where}: has no column {column!r}; it has {_listed(row)}: choose one with column")
    value = row[column]
    if value is not None and not isinstance(value, str):
        raise CorpusError(
            f"{where}, document {number:,}: the column {column!r} must hold text; found {value!r:.60}"
        )
    return whole_characters(value or "")


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(f"{str(name)!r:.60}" for name in names[:_NAMED]) + more


def _first_line(error: Exception) -> str:
    return f"{(str(error).strip().splitlines() or [type(error).__name__])[0]:.300}"


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """No progress bars of the library's own beside ours."""
    were_off = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not were_off:
            datasets.enable_progress_bars()
