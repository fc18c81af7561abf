"""Words of a file, one on each line."""

from __future__ import annotations

import pytest

from hypotest.errors import CorpusError
from hypotest.predicates.listed_in_file import PREDICATE
from tests.predicates.held import remarks, require_refused, taken

WORDS = {"target": {"in_file": "words.txt"}}


@pytest.mark.parametrize(
    "content",
    ["b\n12\n", "b\r\n12\r\n", "\ufeffb\n12", "  b  \n\n\n12", "b\nb\n12\nb\n"],
)
def test_one_word_on_each_line_however_it_is_written(tmp_path, content):
    (tmp_path / "words.txt").write_bytes(content.encode("utf-8"))
    assert taken(WORDS, base=tmp_path) == taken({"target": {"in": ["b", "12"]}})
    assert taken({"token": WORDS["target"]}, base=tmp_path) == taken({"token": {"in": ["b", "12"]}})


def test_words_that_are_no_tokens_are_remarked_once(tmp_path):
    (tmp_path / "words.txt").write_text("b\nof\nof\n", encoding="utf-8")
    (said,) = remarks(WORDS, tmp_path)
    assert said == "target.in_file: 1 of 8 tokens of the vocabulary; no single tokens: of"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "'words.txt' holds no words: write one on each line"),
        (b"\n  \n", "'words.txt' holds no words"),
        (b"caf\xe9\n", r"'words.txt' is not UTF-8 text \(byte 3\); convert it first"),
        (b"of\nthe\n", "none of the 2 words is a single token of this tokenizer"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_their_place(tmp_path, content, said):
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(CorpusError, match=rf"^conditions\.one\.target\.in_file: {said}"):
        taken(WORDS, base=tmp_path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CorpusError, match=r"^conditions\.one\.target\.in_file: .*words.txt"):
        taken(WORDS, base=tmp_path)


@pytest.mark.parametrize("wrong", ["", 3, ["words.txt"], "a" * 4097])
def test_what_is_no_name_is_refused_with_its_place(wrong):
    require_refused({"target": {"in_file": wrong}}, "target", "in_file")


def test_words_unit_and_file():
    assert PREDICATE.words.clause("w.txt", "the next token") == "the next token is one of the words in w.txt"
    assert PREDICATE.files("w.txt") == ("w.txt",)
    assert (PREDICATE.unit("target"), PREDICATE.unit("token")) == ("type", "token")
