"""Documents inside files: a text file is one, tables and JSON lines hold many."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import polars as pl
import zstandard

from hypotest.corpora.files import read_bytes, require_file
from hypotest.errors import CorpusError

TEXT_COLUMN = "text"
"""Where a file with columns has its text, unless the protocol says otherwise."""
_LINES = (".jsonl", ".ndjson")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_PACKED = (".gz", ".zst")
_NO_TEXT = (
    (b"\x1f\x8b", "is packed: let its name end in .gz"),
    (b"\x28\xb5\x2f\xfd", "is packed: let its name end in .zst"),
    (b"PK\x03\x04", "is an archive or office document (zip): unpack it, or save its text"),
    (b"BZh", "is packed: unpack it"),
    (b"\xfd7zXZ", "is packed: unpack it"),
    (b"%PDF-", "is a PDF: save its text"),
    (b"PAR1", "is a parquet: let its name end in .parquet"),
    (b"ARROW1", "is an Arrow file: save it as .parquet"),
    (b"\xff\xfe", "is UTF-16 text; convert it to UTF-8 first"),
    (b"\xfe\xff", "is UTF-16 text; convert it to UTF-8 first"),
)
"""What other files begin with, and what to do."""
_LONGEST_BEGINNING = max(len(beginning) for beginning, _ in _NO_TEXT)


Row = tuple[str, str, Mapping[str, str]]
"""Number within the file (empty for a file that is one document), text, and further columns as text."""


def read_documents(
    path: Path, where: str, column: str | None, most: int, more: Sequence[str] = ()
) -> list[Row]:
    """Read the documents of a file.

    ``.jsonl`` and ``.ndjson`` hold one JSON object on each line, ``.csv`` and ``.tsv`` a header and rows,
    ``.parquet`` rows; every other file is one document, as UTF-8 text, with or without a mark of byte order.
    All but ``.parquet`` may be packed (``.gz``, ``.zst``). A row without text, or whose text is null, is an
    empty document; an empty line is none.

    Args:
        path: The file.
        where: How an error begins: the key and the name in the protocol.
        column: Key or column of the text; ``text`` by default.
        most: Bytes that the documents may have, unpacked.
        more: Further keys or columns, which conditions read.

    Raises:
        CorpusError: If it cannot be read, is too large, lacks a column, or is not what its name says.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    packing = suffixes.pop() if suffixes and suffixes[-1] in _PACKED else ""
    kind = suffixes[-1] if suffixes else ""
    if kind in _LINES:
        require_file(path, where, most)
        return list(_of_lines(path, packing, where, (column or TEXT_COLUMN, *more), most))
    if kind in _SEPARATORS:
        content = _unpacked(path, packing, where, most)
        return list(_of_table(content, _SEPARATORS[kind], where, (column or TEXT_COLUMN, *more)))
    if kind == ".parquet":
        if packing:
            raise CorpusError(f"{where}: a .parquet is packed inside: unpack it first")
        require_file(path, where, most)
        return list(_of_rows(path, where, (column or TEXT_COLUMN, *more), most))
    if kind == ".json":
        raise CorpusError(
            f"{where}: a .json is not read, since it may hold many texts: write one object on each line, and "
            "let its name end in .jsonl"
        )
    if column is not None:
        raise CorpusError(
            f"{where}: a column is given, and this file has none; use .jsonl, .csv or .parquet, or remove "
            "column"
        )
    if more:
        raise CorpusError(
            f"{where}: conditions read the columns {', '.join(more)}, and this file has none; use "
            ".jsonl, .csv or "
            ".parquet"
        )
    return [("", _decoded(_unpacked(path, packing, where, most), where), {})]


def _unpacked(path: Path, packing: str, where: str, most: int) -> bytes:
    """The whole content of a file."""
    if not packing:
        return read_bytes(path, where, most)
    require_file(path, where, most)
    try:
        with _opened(path, packing, where, most) as stream:
            return stream.read()
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise CorpusError(f"{where}: cannot be unpacked: {error}") from None


def _require_text(content: bytes, where: str) -> None:
    """Other kinds of files are named; some are characters all the same."""
    for beginning, words in _NO_TEXT:
        if content.startswith(beginning):
            raise CorpusError(f"{where}: {words}")
    if b"\0" in content:
        raise CorpusError(f"{where}: holds NUL characters, which no text has: it is another kind of file")


def _decoded(content: bytes, where: str) -> str:
    _require_text(content, where)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{where}: is not UTF-8 text (byte {error.start}); convert it first") from None
    # as in text mode, where every line end is read as \n
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than so many bytes, whatever a packed file unpacks to."""

    def __init__(self, stream: BinaryIO, most: int, where: str) -> None:
        self._stream, self._left = stream, most
        self._refusal = f"{where}: must have at most {most / 2**20:,.0f} MiB unpacked"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise CorpusError(self._refusal)
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def _opened(path: Path, packing: str, where: str, most: int) -> Iterator[io.BufferedReader]:
    """A file, unpacked bit by bit."""
    with ExitStack() as stack:
        stream: Any = stack.enter_context(path.open("rb"))
        if packing == ".gz":
            stream = stack.enter_context(gzip.GzipFile(fileobj=stream))
        elif packing == ".zst":
            packed = zstandard.ZstdDecompressor()
            stream = stack.enter_context(packed.stream_reader(stream, read_across_frames=True))
        yield io.BufferedReader(_Bounded(stream, most, where), 2**20)


@contextmanager
def _lines(path: Path, packing: str, where: str, most: int) -> Iterator[TextIO]:
    """The unpacked lines of a file, without holding all of them; every kind of line end counts."""
    with (
        _opened(path, packing, where, most) as buffered,
        io.TextIOWrapper(buffered, encoding="utf-8-sig") as lines,
    ):
        yield lines


def _of_table(content: bytes, separator: str, where: str, columns: Sequence[str]) -> Iterator[Row]:
    _require_text(content, where)
    content = content.removeprefix(BOM_UTF8)
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")  # line ends of old Macs
    try:
        # nothing is guessed: every field is the text that stands there
        rows = pl.read_csv(content, separator=separator, infer_schema=False)
    except (Exception, pl.exceptions.PanicException) as error:  # as `_of_rows`
        if "more fields" in str(error):
            header = content.split(b"\n", 1)[0].decode("utf-8", errors="replace").strip()
            raise CorpusError(
                f"{where}: a row has more fields than the header {header!r:.80}; fields are separated by "
                f"{separator!r}, and one that holds it must stand in quotes"
            ) from None
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CorpusError(f"{where}: cannot be read as a table: {reason}") from None
    for column in columns:
        if column not in rows.columns:
            names = ", ".join(map(repr, rows.columns[:5]))
            raise CorpusError(f"{where}: needs a column {column!r} of text; found {names:.200}")
    yield from _numbered(rows.select(columns))


def _of_lines(path: Path, packing: str, where: str, columns: Sequence[str], most: int) -> Iterator[Row]:
    number = 0
    try:
        with path.open("rb") as stream:
            _require_text(b"" if packing else stream.read(_LONGEST_BEGINNING), where)
        with _lines(path, packing, where, most) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    text, fields = _of_line(line, f"{where}, line {number}", columns)
                    yield str(number), whole_characters(text), fields
    except UnicodeDecodeError:
        raise CorpusError(f"{where}: is not UTF-8 text (after line {number}); convert it first") from None
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        what = "unpacked" if packing else "read"
        raise CorpusError(f"{where}: cannot be {what}: {error}") from None


def _of_line(line: str, where: str, columns: Sequence[str]) -> tuple[str, dict[str, str]]:
    column, *more = columns
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise CorpusError(f"{where}: is not JSON; each line must be an object") from None
    text = data.get(column) if isinstance(data, dict) else None
    if isinstance(data, dict) and column in data:
        if text is None:
            return "", {}  # a row without text, as in a table
        if not isinstance(text, str):
            raise CorpusError(f"{where}: {column!r} must be text; found {text!r:.60}")
    if not isinstance(text, str):
        keys = f"keys {', '.join(map(repr, list(data)[:5]))}" if isinstance(data, dict) else "no object"
        raise CorpusError(f"{where}: must be an object with a text {column!r}; found {keys:.200}")
    return text, {name: as_text(data[name]) for name in more if data.get(name) is not None}


def as_text(value: Any) -> str:
    """A value of a further column: text as it is, anything else as JSON (dates as they print)."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _of_rows(path: Path, where: str, columns: Sequence[str], most: int) -> Iterator[Row]:
    column, *more = columns
    try:
        rows = pl.scan_parquet(path, glob=False)
        schema = rows.collect_schema()
        if not isinstance(schema.get(column), pl.String | pl.Categorical | pl.Enum):
            names = ", ".join(f"{name} ({dtype})" for name, dtype in list(schema.items())[:5])
            raise CorpusError(f"{where}: needs a column {column!r} of text; found {names:.200}")
        if missing := [name for name in more if name not in schema]:
            names = ", ".join(list(schema)[:5])
            raise CorpusError(f"{where}: needs a column {missing[0]!r}; found {names:.200}")
        rows = rows.select(pl.col(column).cast(pl.String), *more)
        size = rows.select(pl.col(column).str.len_bytes().sum()).collect(engine="streaming").item()
        if size > most:
            raise CorpusError(f"{where}: must have at most {most / 2**20:,.0f} MiB of text")
        texts = rows.collect()
    except CorpusError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        # damaged files may make polars panic, which is no Exception
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CorpusError(f"{where}: cannot be read as parquet: {reason}") from None
    yield from _numbered(texts)


def _numbered(rows: pl.DataFrame) -> Iterator[Row]:
    """Numbered rows; the first column is the text."""
    _, *more = rows.columns
    for number, (text, *values) in enumerate(rows.iter_rows(), start=1):
        fields = {name: as_text(value) for name, value in zip(more, values, strict=True) if value is not None}
        yield str(number), whole_characters(text or ""), fields


def whole_characters(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can hold and no tokenizer reads."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
