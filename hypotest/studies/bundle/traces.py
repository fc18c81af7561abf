"""Looking through the files of a bundle for what was to be taken out of them, whatever their format."""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from hypotest.studies.bundle.disguise import Disguise

_EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")
"""Pictures within a page: their bytes are those of a figure's file."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def find_traces(files: Mapping[str, Path | bytes], disguise: Disguise) -> Iterator[tuple[str, str]]:
    """Name of a file, and what of it was to be taken out; the names of the files are looked at, too.

    Arrays (``.npy``) hold numbers alone, and are left out.

    Args:
        files: Name -> a file, or its content.
        disguise: What was taken out.
    """
    for name, content in sorted(files.items()):
        text = name
        if not name.endswith(".npy"):
            data = content if isinstance(content, bytes) else content.read_bytes()
            text = f"{name}\n{_words(name, data)}"
        yield from ((name, trace) for trace in disguise.traces(text))


def _words(name: str, content: bytes) -> str:
    """Everything in a file that somebody could read."""
    if name.endswith(".parquet"):
        return "\n".join((*_of_table(content), json.dumps(pl.read_parquet_metadata(io.BytesIO(content)))))
    if content.startswith(_SIGNATURE):
        return "\n".join(_of_picture(content))
    return _EMBEDDED.sub("", content.decode("utf-8", errors="replace"))


def _of_table(content: bytes) -> Iterator[str]:
    frame = pl.read_parquet(io.BytesIO(content))
    yield from frame.columns
    for column in frame.select(pl.col(pl.String)):
        yield from map(str, column.unique(maintain_order=True))


def _of_picture(content: bytes) -> Iterator[str]:
    """Texts of a PNG: all chunks but those of pixels, unpacked where they are compressed."""
    place = len(_SIGNATURE)
    while place + 8 <= len(content):
        size, kind = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        data = content[place + 8 : place + 8 + size]
        if kind != b"IDAT":
            yield data.decode("latin-1")
        if kind in (b"zTXt", b"iTXt"):
            for start in (at for at, byte in enumerate(data) if byte == 0x78):  # begins zlib's streams
                try:
                    yield zlib.decompress(data[start:]).decode("utf-8", errors="replace")
                except zlib.error:
                    continue
        place += 12 + size
