import pytest

from hypotest.corpora.text import read_corpus
from hypotest.errors import CorpusError
from hypotest.records.protocol import Corpus


def files(*names):
    return Corpus.model_validate({"text": {"files": list(names)}})


def test_files_are_documents(tmp_path):
    (tmp_path / "a.txt").write_text("first text")
    (tmp_path / "b.txt").write_text("second text")
    documents, sources = read_corpus(files("a.txt", "b.txt"), tmp_path)
    assert [(item.id, item.text) for item in documents] == [("a.txt", "first text"), ("b.txt", "second text")]
    assert sources[0].sha256 != sources[1].sha256


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot read a.txt"), (b"\xff\xfe", "not UTF-8"), (b" \n", "is empty")],
)
def test_unreadable_files_are_clear_errors(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_corpus(files("a.txt"), tmp_path)


def test_a_folder_is_no_text(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(CorpusError, match=r"cannot read a\.txt"):
        read_corpus(files("a.txt"), tmp_path)
