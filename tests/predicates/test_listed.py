"""Words of a list in the protocol: tokens whose text is one, with or without a space before it."""

from __future__ import annotations

import pytest

from hypotest.errors import CorpusError
from hypotest.predicates.listed import MOST, NAMED, PREDICATE, single_tokens
from tests.predicates.held import remarks, require_refused, taken


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["b"], [(0, 2), (2, 1)]),
        ([" b"], [(0, 2), (2, 1)]),  # as written, too
        (["12"], [(0, 1), (0, 4)]),
        (["1"], None),  # a part of a token is none
        (["a", "7"], [(1, 3), (2, 3)]),
        (["c", "nothing"], [(1, 4)]),
        (["PARIS"], None),  # case counts
        (["\n"], [(2, 2)]),
    ],
)
def test_targets_that_are_one_of_them(words, rows):
    if rows is None:
        with pytest.raises(CorpusError, match=r"^conditions\.one\.target\.in: none of the 1 words is"):
            taken({"target": {"in": words}})
    else:
        assert taken({"target": {"in": words}}) == rows


def test_the_current_token():
    assert taken({"token": {"in": ["b"]}}) == [(0, 1), (0, 3), (2, 1), (2, 2)]


def test_which_are_no_tokens_is_remarked():
    assert remarks({"target": {"in": ["b", "of", "the"]}}) == (
        "target.in: 1 of 8 tokens of the vocabulary; no single tokens: of, the",
    )
    many = [f"word{number}" for number in range(NAMED + 2)]
    assert remarks({"target": {"in": ["b", *many]}})[0].endswith(f"{', '.join(many[:NAMED])} and 2 more")


def test_tokens_with_and_without_a_space_are_both_meant():
    mask, missing = single_tokens(("cat", "dog"), ("cat", " cat", "cats", "  cat", "dog "))
    assert mask.tolist() == [True, True, False, False, False] and missing == ["dog"]


@pytest.mark.parametrize("wrong", [[], [""], ["a" * 201], "b", [3], ["a"] * (MOST + 1)])
def test_what_is_no_list_of_words_is_refused_with_its_place(wrong):
    require_refused({"target": {"in": wrong}}, "target", "in")


def test_words_and_unit():
    clause = PREDICATE.words.clause
    assert clause(("a", "b"), "the next token") == "the next token is one of 'a', 'b'"
    assert clause(tuple("abcdefg"), "it").endswith("'e' and 2 more")
    assert (PREDICATE.unit("target"), PREDICATE.unit("token")) == ("type", "token")
