"""A regular expression on the text of a token, with the space that it begins with."""

from __future__ import annotations

import pytest

from hypotest.predicates.matches import LONGEST, PREDICATE
from tests.predicates.held import remarks, require_refused, taken

TARGET, TOKEN = "target", "token"


@pytest.mark.parametrize(
    ("pattern", "rows"),
    [
        ("12", [(0, 1), (0, 4)]),
        ("^ 12$", [(0, 1), (0, 4)]),
        ("^[0-9]", [(1, 3)]),  # 7; 12 begins with its space
        (r"\.", [(0, 3), (1, 1)]),
        ("(?i)PARIS", [(1, 2), (2, 4)]),
        ("a", [(1, 2), (2, 3), (2, 4)]),  # anywhere in the text: a, Paris
        (r"^\n$", [(2, 2)]),
    ],
)
def test_targets_whose_text_it_is_found_in(pattern, rows):
    assert taken({TARGET: {"matches": pattern}}) == rows


def test_of_the_current_token_it_holds_one_row_later():
    assert taken({TOKEN: {"matches": "12"}}) == [(0, 2)]
    assert taken({TOKEN: {"matches": r"^\n$"}}) == [(2, 3)]


def test_binding_counts_tokens_of_the_vocabulary():
    assert remarks({TARGET: {"matches": "[0-9]"}}) == (
        "target.matches: matches 2 of 8 tokens of the vocabulary",
    )


@pytest.mark.parametrize("wrong", ["", "a" * (LONGEST + 1), 3, ["a"]])
def test_what_is_no_expression_is_refused_with_its_place(wrong):
    require_refused({TARGET: {"matches": wrong}}, "target", "matches")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a(?=b)", "lookahead and lookbehind are refused"),
        (r"(a)\1", "back-references are refused"),
        ("[a", "regular expression"),
        ("*", "regular expression"),
    ],
)
def test_what_the_engine_cannot_run_is_refused_before_any_text(pattern, said):
    (message,) = PREDICATE.check(pattern)
    assert said in message and "\n" not in message
    assert list(PREDICATE.check("^ ?[0-9]+$")) == []


def test_words_and_unit():
    assert PREDICATE.words.clause("^a", "the next token") == "the next token matches `^a`"
    assert (PREDICATE.unit("target"), PREDICATE.unit("token")) == ("type", "token")
    assert not (PREDICATE.reads_text or PREDICATE.reads_counts)
