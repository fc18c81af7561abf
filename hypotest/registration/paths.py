"""Checks of the files that a protocol names: whether they are there is known before any model is."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from hypotest.records.files import file_obstacle
from hypotest.records.protocol import Protocol
from hypotest.registration.findings import Finding, Path, shown

_FILES: Path = ("corpus", "text", "files")
_COUNTED: Path = ("frequencies", "count", "files")
"""Where one of them has the wrong type, the others are counted differently, and are not judged."""


def path_findings(protocol: Protocol, base: pathlib.Path) -> Iterator[Finding]:
    """Check the text files and the frequency table of a protocol.

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
    elif counted.count != "reference":
        yield from _text_files(counted.count.files, base, _COUNTED)
    if protocol.corpus.text != "reference":
        yield from _text_files(protocol.corpus.text.files, base, _FILES)


def _text_files(names: tuple[str, ...], base: pathlib.Path, files: Path) -> Iterator[Finding]:
    seen: dict[pathlib.Path, str] = {}
    for place, name in enumerate(names):
        path = (*files, place)
        missing = list(_missing(name, base, path))
        yield from missing
        if missing:
            continue
        target = (base / name).resolve()
        if target in seen:
            message = (
                f"must be named once; found {shown(name)}, the same file as {shown(seen[target])}: as two "
                "documents it may be on both sides of the split; remove one"
            )
            yield Finding(path, message, depends=(files,))
        seen[target] = name


def _missing(name: str, base: pathlib.Path, path: Path) -> Iterator[Finding]:
    obstacle = file_obstacle(base / name)
    if obstacle:
        yield Finding(
            path,
            f"{obstacle}; found {shown(name)}, looked for in {shown(str(base))}",
            depends=(_FILES, _COUNTED),
        )
