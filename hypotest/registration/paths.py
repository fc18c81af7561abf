"""Checks of the files and data sets that a protocol names, before any model is loaded."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.texts import CorpusFiles, CorpusHub, Text
from hypotest.records.stored.files import file_obstacle
from hypotest.records.stored.hub import is_hub_name
from hypotest.records.stored.text_files import WITH_COLUMNS, files_of, is_many, named_obstacle
from hypotest.registration.checks.conditions import file_findings
from hypotest.registration.findings import Finding, KeyPath, shown

_TEXT: KeyPath = ("corpus", "text")
_EXAMPLES: KeyPath = ("examples", "files")
_COUNTED: KeyPath = ("frequencies", "count")
"""Where one of them has the wrong type, the others are counted differently, and are not judged."""


def path_findings(protocol: Protocol, base: pathlib.Path) -> Iterator[Finding]:
    """Check the text files, the data sets, the frequency table and the files of conditions of a protocol.

    What is on the Hub is known when it is read.

    Args:
        protocol: A protocol whose keys and types are right.
        base: Folder that relative paths start from (the protocol's own).

    Yields:
        Errors.
    """
    counted = protocol.frequencies
    if isinstance(counted, str):
        if counted != "reference":
            yield from _missing(counted, base, ("frequencies",))
    else:
        yield from _text(counted.count, base, _COUNTED)
    if protocol.examples is not None:
        yield from _text_files(protocol.examples.files, base, _EXAMPLES)
        yield from _without_columns(protocol.examples.files, base, _EXAMPLES[:1])
    elif protocol.corpus is not None:
        yield from _text(protocol.corpus.text, base, _TEXT)
    yield from file_findings(protocol, base)


def _text(text: Text, base: pathlib.Path, path: KeyPath) -> Iterator[Finding]:
    if isinstance(text, CorpusFiles):
        yield from _text_files(text.files, base, (*path, "files"))
        if text.column is not None:
            yield from _without_columns(text.files, base, path)
    elif isinstance(text, CorpusHub):
        yield from _data_set(text, base, path)


def _data_set(text: CorpusHub, base: pathlib.Path, path: KeyPath) -> Iterator[Finding]:
    if os.path.isdir(base / text.hub):  # which answers also for names that no file can have
        if text.revision is not None:
            message = f"is used with the id of a data set only, and {shown(text.hub)} is a folder: remove it"
            yield Finding((*path, "revision"), message)
    elif not is_hub_name(text.hub):
        message = (
            "must be OWNER/NAME of a data set on the Hugging Face Hub, or a folder; found "
            f"{shown(text.hub)}, looked for in {shown(str(base))}"
        )
        yield Finding((*path, "hub"), message)


def _text_files(names: tuple[str, ...], base: pathlib.Path, files: KeyPath) -> Iterator[Finding]:
    seen: dict[pathlib.Path, str] = {}
    for place, name in enumerate(names):
        path = (*files, place)
        missing = list(_missing(name, base, path))
        yield from missing
        if missing or is_many(name, base):
            continue
        target = (base / name).resolve()
        if target in seen:
            message = (
                f"must be named once; found {shown(name)}, the same file as {shown(seen[target])}: as two "
                "documents it may be on both sides of the split; remove one"
            )
            yield Finding(path, message, depends=(files,))
        seen[target] = name


def _without_columns(names: tuple[str, ...], base: pathlib.Path, path: KeyPath) -> Iterator[Finding]:
    """A column is asked for, and these files have none."""
    for place, name in enumerate(names):
        without = next((file for file in files_of(name, base) if not WITH_COLUMNS.search(file)), None)
        if without is not None:
            of_text = " where a column is given" if path != _EXAMPLES[:1] else ", with an example in each row"
            remedy = ": remove column" if path != _EXAMPLES[:1] else ""
            message = f"must be .jsonl, .csv, .tsv or .parquet{of_text}; found {shown(without)}{remedy}"
            yield Finding((*path, "files", place), message, depends=((*path, "column"), (*path, "files")))


def _missing(name: str, base: pathlib.Path, path: KeyPath) -> Iterator[Finding]:
    obstacle = named_obstacle(name, base) if path[-2:-1] == ("files",) else file_obstacle(base / name)
    if obstacle:
        yield Finding(
            path,
            f"{obstacle}; found {shown(name)}, looked for in {shown(str(base))}",
            depends=((*_TEXT, "files"), (*_COUNTED, "files"), _EXAMPLES),
        )
