"""Files with one document and with many, whole, packed, damaged."""

import gzip
import hashlib
import json
import tracemalloc

import polars as pl
import pytest
import zstandard

from hypotest.corpora.documents import read_documents
from hypotest.corpora.text import read_files
from hypotest.errors import CorpusError
from hypotest.records.protocol.texts import CorpusFiles

LINES = [{"text": "first\r\ntext", "meta": {"n": 1}}, {"text": " "}, {"text": "second ü"}, {"text": "third"}]
FOUND = [("1", "first\ntext"), ("3", "second ü"), ("4", "third")]


def lines(rows=LINES):
    return "\n".join(json.dumps(row) for row in rows).encode() + b"\n\n"


def read_all(path, column=None, most=10**6):
    documents = read_documents(path, f"corpus.text.files.#1 {path.name!r}", column, most)
    assert not any(fields for *_, fields in documents)  # no further column was asked for
    return [(place, text) for place, text, _ in documents]


def read(path, column=None, most=10**6):
    """Without empty rows."""
    return [item for item in read_all(path, column, most) if item[1].strip()]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.jsonl", bytes),
        ("a.NDJSON", bytes),
        ("a.jsonl.gz", gzip.compress),
        ("a.b.jsonl.zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_lines_are_documents(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(lines()))
    documents = read(tmp_path / name)
    assert [place for place, _ in documents] == ["1", "3", "4"]
    assert documents[1:] == FOUND[1:]
    assert documents[0][1].split() == ["first", "text"]


def test_files_that_were_packed_in_parts(tmp_path):
    first, second = lines([{"text": "one"}]), lines([{"text": "two"}])
    for name, pack in (("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.ZstdCompressor().compress)):
        (tmp_path / name).write_bytes(pack(first) + pack(second))
        assert [text for _, text in read(tmp_path / name)] == ["one", "two"]


def test_a_packed_file_that_breaks_off(tmp_path):
    rows = [{"text": hashlib.sha256(str(number).encode()).hexdigest()} for number in range(20_000)]
    packed = zstandard.ZstdCompressor().compress(lines(rows))
    (tmp_path / "a.jsonl.zst").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(CorpusError, match=r"is not JSON|cannot be unpacked"):
        read(tmp_path / "a.jsonl.zst", most=10**8)


def test_line_ends_of_other_systems(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a\\r\\nb"}\r\n{"text": "c"}\r{"text": "d"}')
    assert read(tmp_path / "a.jsonl") == [("1", "a\r\nb"), ("2", "c"), ("3", "d")]


def test_reading_does_not_hold_the_file_beside_its_documents(tmp_path):
    rows = [{"text": f"{number} " + "x" * 1000} for number in range(10_000)]
    (tmp_path / "a.jsonl").write_bytes(lines(rows))
    tracemalloc.start()
    documents = read(tmp_path / "a.jsonl", most=10**8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(documents) == 10_000
    assert peak < 2 * 10**7  # of 10 MB of text


def test_rows_are_documents(tmp_path):
    frame = pl.DataFrame({"id": [1, 2, 3, 4], "text": ["first\ntext", None, "second ü", "third"]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == FOUND
    frame.rename({"text": "body"}).write_parquet(tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet", "body") == FOUND


def test_another_key(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(lines([{"body": "x", "text": "y"}]))
    assert read(tmp_path / "a.jsonl", "body") == [("1", "x")]


def test_every_other_file_is_one_document(tmp_path):
    for name in ("a.txt", "a.md", "a", "a.gz.txt"):
        (tmp_path / name).write_bytes(b"one\r\ntext")
        assert read(tmp_path / name) == [("", "one\ntext")]


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text": ', None, r"'a.jsonl', line 2: is not JSON"),
        ("a.jsonl", b"[" * 100_000, None, "line 1: is not JSON"),
        ("a.jsonl", b"[1]", None, "must be an object with a text 'text'; found no object"),
        ("a.jsonl", b'{"body": "x", "b": 1}', None, "found keys 'body', 'b'"),
        ("a.jsonl", b'{"text": 3}', None, "line 1: 'text' must be text; found 3"),
        ("a.csv", b"id,body\n1,x\n", None, r"needs a column 'text' of text; found 'id', 'body'"),
        ("a.csv", b"", None, "cannot be read as a table"),
        ("a.txt.gz", b"no gzip", None, "cannot be unpacked"),
        ("a.txt.gz", gzip.compress(b" " * 10**7, mtime=0), None, "at most 1 MiB unpacked"),
        ("a.csv.gz", gzip.compress(b" " * 10**7, mtime=0), None, "at most 1 MiB unpacked"),
        ("a.parquet.gz", b"", None, "packed inside"),
        ("a.jsonl", b'{"text": "\xff"}', None, "is not UTF-8"),
        ("a.jsonl.gz", b"no gzip", None, "cannot be unpacked"),
        ("a.jsonl.gz", gzip.compress(lines(), mtime=0)[:-9], None, "cannot be unpacked"),
        ("a.jsonl.zst", b"no zst", None, "cannot be unpacked"),
        ("a.jsonl.gz", gzip.compress(b" " * 10**7, mtime=0), None, "at most 1 MiB unpacked"),
        ("a.jsonl.zst", zstandard.ZstdCompressor().compress(b" " * 10**7), None, "at most 1 MiB unpacked"),
        ("a.parquet", b"PAR1 no", None, "cannot be read as parquet"),
        ("a.txt", b"text", "body", "a column is given, and this file has none"),
    ],
)  # fmt: skip
def test_what_is_not_what_its_name_says(tmp_path, name, content, column, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read(tmp_path / name, column, 2**20)


def test_a_table_without_the_column_or_with_too_much(tmp_path):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"body": ["x"], "n": [1]}).write_parquet(path)
    with pytest.raises(CorpusError, match=r"column 'text' of text; found body \(String\), n \(Int64\)"):
        read(path)
    with pytest.raises(CorpusError, match="needs a column 'n' of text"):
        read(path, "n")
    pl.DataFrame({"text": ["x" * 1000] * 5000}).write_parquet(path)
    assert path.stat().st_size < 2**20
    with pytest.raises(CorpusError, match="at most 1 MiB of text"):
        read(path, most=2**20)


def test_half_a_surrogate_pair_does_not_stop_anything(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a \\ud800 b"}')
    assert read(tmp_path / "a.jsonl") == [("1", "a ? b")]


def test_a_corpus_of_many_kinds(tmp_path):
    (tmp_path / "a.txt").write_text("alone", encoding="utf-8")
    (tmp_path / "b.jsonl").write_bytes(lines([{"text": "one"}, {"text": "two"}, {"text": "one"}]))
    pl.DataFrame({"text": ["three", "two"]}).write_parquet(tmp_path / "c.parquet")
    plan = CorpusFiles(files=("a.txt", "b.jsonl", "c.parquet"))
    documents, sources = read_files(plan, tmp_path, "corpus.text")
    assert [(item.id, item.text) for item in documents] == [
        ("a.txt", "alone"), ("b.jsonl:1", "one"), ("b.jsonl:2", "two"), ("c.parquet:1", "three"),
    ]  # fmt: skip
    assert [(item.name, item.n_documents) for item in sources] == [
        ("a.txt", 1),
        ("b.jsonl", 2),
        ("c.parquet", 1),
    ]
    assert len({item.sha256 for item in sources}) == 3
    pl.DataFrame({"text": ["one", "two"]}).write_parquet(tmp_path / "c.parquet")
    documents, sources = read_files(plan, tmp_path, "corpus.text")
    assert len(documents) == 3 and sources[2].n_documents == 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_packed_text_is_one_document(tmp_path, pack):
    name = "a.txt" + {bytes: "", gzip.compress: ".gz"}.get(pack, ".zst")
    (tmp_path / name).write_bytes(pack("\ufeffone ü\r\ntext".encode()))
    assert read(tmp_path / name) == [("", "one ü\ntext")]


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv.gz", ",")])
def test_tables_of_text(tmp_path, name, separator):
    rows = ["id,text", '1,"first', 'text"', "2,", "007,second ü", "4,third"]
    content = "\ufeff" + "\n".join(rows).replace(",", separator)
    packed = gzip.compress if name.endswith(".gz") else bytes
    (tmp_path / name).write_bytes(packed(content.encode()))
    assert read(tmp_path / name) == FOUND
    assert [text for _, text in read(tmp_path / name, "id")] == ["1", "2", "007", "4"]


def test_rows_without_text_count_for_the_numbers_of_the_others(tmp_path):
    """As in a parquet file with the same rows."""
    rows = [{"text": None}, {"text": "a"}, {"text": None}, {"text": "b"}]
    (tmp_path / "a.jsonl").write_bytes(lines(rows))
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.jsonl") == read(tmp_path / "a.parquet") == [("2", "a"), ("4", "b")]


def test_lines_with_a_mark_of_byte_order(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + lines())
    assert [place for place, _ in read(tmp_path / "a.jsonl")] == ["1", "3", "4"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.txt",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n",
            "pointer of Git LFS",
        ),
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "git lfs pull"),
        ("a.txt", gzip.compress(b"once", mtime=0), r"is packed: let its name end in \.gz"),
        ("a.jsonl", gzip.compress(b'{"text": "once"}', mtime=0), r"is packed: let its name end in \.gz"),
        ("a.txt", "once".encode("utf-16"), "is UTF-16 text"),
        ("a.pdf", b"%PDF-1.4 once", "is a PDF"),
        ("a.docx", b"PK\x03\x04once", "is an archive or office document"),
        ("a.txt", b"once\0upon", "NUL characters"),
        ("a.json", b'[{"text": "once"}]', r"let its name end in \.jsonl"),
        (
            "a.csv",
            b"text;n\nonce, upon;1\n",
            r"more fields than the header 'text;n'; fields are separated by ','",
        ),
    ],
)
def test_other_kinds_of_files_are_named_and_never_read_as_text(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read(tmp_path / name)


def test_tables_of_other_systems(tmp_path):
    (tmp_path / "mac.csv").write_bytes(b"text,n\rone,1\rtwo,2\r")
    assert read(tmp_path / "mac.csv") == [("1", "one"), ("2", "two")]
    kinds = pl.Series(["one", "two", "one"], dtype=pl.Categorical)
    pl.DataFrame({"text": kinds}).write_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [("1", "one"), ("2", "two"), ("3", "one")]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_further_columns_come_as_text(tmp_path, kind):
    rows = [{"text": "one", "language": "de", "n": 3}, {"text": "two", "language": None, "n": 4}]
    path = tmp_path / f"a.{kind}"
    if kind == "jsonl":
        path.write_bytes(lines(rows))
    else:
        frame = pl.DataFrame(rows)
        frame.write_csv(path) if kind == "csv" else frame.write_parquet(path)
    documents = read_documents(path, "here", None, 10**6, ["language", "n"])
    assert [fields for *_, fields in documents] == [{"language": "de", "n": "3"}, {"n": "4"}]


def test_a_further_column_that_is_not_there(tmp_path):
    pl.DataFrame({"text": ["one"]}).write_csv(tmp_path / "a.csv")
    pl.DataFrame({"text": ["one"]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    for kind, said in (
        ("csv", "needs a column 'language'"),
        ("parquet", "needs a column 'language'"),
        ("txt", "this file has none"),
    ):
        with pytest.raises(CorpusError, match=said):
            read_documents(tmp_path / f"a.{kind}", "here", None, 10**6, ["language"])
