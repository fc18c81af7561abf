import json
import os

import polars as pl
import pytest

from hypotest.corpora.text import read_files
from hypotest.errors import CorpusError
from hypotest.records.protocol.texts import CorpusFiles


def files(*names):
    return CorpusFiles(files=names)


def test_files_are_documents(tmp_path):
    (tmp_path / "a.txt").write_text("first text")
    (tmp_path / "b.txt").write_text("second text")
    documents, sources = read_files(files("a.txt", "b.txt"), tmp_path, "corpus.text")
    assert [(item.id, item.text) for item in documents] == [("a.txt", "first text"), ("b.txt", "second text")]
    assert sources[0].sha256 != sources[1].sha256


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "#1 'a.txt': no such file"),
        (b"\xff\xfe", "is UTF-16"),
        (b"a\xff", "not UTF-8"),
        (b" \n", "is empty"),
    ],
)
def test_unreadable_files_are_clear_errors(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_files(files("a.txt"), tmp_path, "corpus.text")


def test_an_empty_folder_is_no_text(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(CorpusError, match="the folder holds no text: "):
        read_files(files("a.txt"), tmp_path, "corpus.text")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/dev/zero", "device or pipe"),
        ("pipe", "device or pipe"),
        ("loop", "symbolic links"),
        ("a\0b", "embedded null byte"),
        ("x" * 5000, "File name too long"),
        ("link.txt", r"#2 'link.txt': is the same file as 'a.txt'"),
        ("a.txt", r"#2 'a.txt': is the same file as 'a.txt'"),
        ("\x1b[31m", r"#2 '\\x1b\[31m': no such file"),
    ],
)
def test_hostile_names_are_clear_errors_in_bounded_time(tmp_path, name, message):
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "link.txt").symlink_to("a.txt")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match=message):
        read_files(files("a.txt", name), tmp_path, "corpus.text")


def test_texts_together_are_bounded(tmp_path, monkeypatch):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x" * 600_000)
    monkeypatch.setattr("hypotest.corpora.text.MAX_BYTES", 2**20)
    assert len(read_files(files("a.txt"), tmp_path, "corpus.text")[0]) == 1
    with pytest.raises(CorpusError, match=r"#2 'b.txt': must have at most"):
        read_files(files("a.txt", "b.txt"), tmp_path, "corpus.text")


def test_line_ends_of_other_systems_change_nothing(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\rthree\n")
    (tmp_path / "b.txt").write_bytes(b"one\ntwo\nthree\n")
    texts, hashes = [], []
    for name in ("a.txt", "b.txt"):
        documents, sources = read_files(files(name), tmp_path, "corpus.text")
        texts.append(documents[0].text)
        hashes.append(sources[0].sha256)
    assert texts == ["one\ntwo\nthree\n"] * 2
    assert hashes[0] == hashes[1]


def test_copies_are_one_document(tmp_path):
    """As they came to be: copied, with another end of the file, with other white space."""
    for number in range(40):
        (tmp_path / f"{number:02d}.txt").write_text("One text.\n" + "\n" * (number % 3))
    (tmp_path / "other.txt").write_text("Another text.")
    names = [f"{number:02d}.txt" for number in range(40)]
    documents, sources = read_files(files(*names, "other.txt"), tmp_path, "corpus.text")
    assert [item.id for item in documents] == ["00.txt", "other.txt"]
    assert [item.n_documents for item in sources] == [1] + 39 * [0] + [1]
    assert sum(item.n_copies for item in sources) == 39 and not any(item.n_empty for item in sources)


def test_rows_without_text_and_copies_are_counted(tmp_path):
    rows = ["one", None, "two", " ", "one", "One ", None]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows) + "\n\n")
    pl.DataFrame({"text": ["two", None, "three"]}).write_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text('text,n\n"",1\nthree,2\nfour,3\n')
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "empty.txt").write_text("")
    documents, sources = read_files(files("a.jsonl", "b.parquet", "c.csv", "d"), tmp_path, "corpus.text")
    assert [item.text for item in documents] == ["one", "two", "three", "four"]
    assert [(item.n_documents, item.n_empty, item.n_copies) for item in sources] == [
        (2, 3, 2),
        (1, 1, 1),
        (1, 1, 1),
        (0, 1, 0),
    ]


def make_tree(root):
    for name in ("texts/a.txt", "texts/deep/b.md", "texts/deep/c.txt", "texts/.hidden/d.txt", "texts/e.py"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    (root / "texts/empty.txt").write_text("")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("texts", ["texts/a.txt", "texts/deep/b.md", "texts/deep/c.txt"]),
        ("texts/", ["texts/a.txt", "texts/deep/b.md", "texts/deep/c.txt"]),
        ("texts/*.txt", ["texts/a.txt"]),
        ("texts/**/*.txt", ["texts/a.txt", "texts/deep/c.txt"]),
        ("texts/*.p?", ["texts/e.py"]),
    ],
)
def test_folders_and_patterns(tmp_path, name, expected):
    make_tree(tmp_path)
    documents, _ = read_files(files(name), tmp_path, "corpus.text")
    assert [item.id for item in documents] == expected


def test_a_file_with_the_signs_of_a_pattern_is_itself(tmp_path):
    (tmp_path / "a[1].txt").write_text("one")
    (tmp_path / "a1.txt").write_text("other")
    assert [item.text for item in read_files(files("a[1].txt"), tmp_path, "corpus.text")[0]] == ["one"]


def test_a_file_in_two_patterns_is_read_once(tmp_path):
    make_tree(tmp_path)
    documents, sources = read_files(files("texts/*.txt", "texts"), tmp_path, "corpus.text")
    assert len(documents) == len({item.id for item in documents}) == 3
    assert len(sources) == len({item.name for item in sources})


def test_a_folder_of_too_many_files_is_refused(tmp_path, monkeypatch):
    make_tree(tmp_path)
    monkeypatch.setattr("hypotest.records.stored.text_files.MAX_FILES", 3)
    for name in ("texts", "texts/**"):
        with pytest.raises(CorpusError, match="stands for more than 3 files"):
            read_files(files(name), tmp_path, "corpus.text")
