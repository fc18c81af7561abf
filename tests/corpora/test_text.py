import os

import pytest

from hypotest.corpora.text import read_files
from hypotest.errors import CorpusError
from hypotest.records.material import CorpusFiles


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
    [(None, "#1 'a.txt': no such file"), (b"\xff\xfe", "not UTF-8"), (b" \n", "is empty")],
)
def test_unreadable_files_are_clear_errors(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_files(files("a.txt"), tmp_path, "corpus.text")


def test_a_folder_is_no_text(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(CorpusError, match="found a folder"):
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
    documents, sources = read_files(files("a.txt", "b.txt"), tmp_path, "corpus.text")
    assert documents[0].text == documents[1].text == "one\ntwo\nthree\n"
    assert sources[0].sha256 == sources[1].sha256
