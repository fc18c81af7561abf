"""Labelled spans that come with the text, in a column of each document."""

from __future__ import annotations

import json

import pytest

from hypotest.errors import CorpusError
from hypotest.predicates.combine import bound_condition, stretches
from hypotest.predicates.span import PREDICATE, spans_of
from hypotest.records.corpus import CorpusDocument
from tests.predicates.held import condition, require_refused, table, taken
from tests.predicates.made import setting

# document 0 is "a b 12 b. 12 c Paris. Paris7 c", document 1 "a b b" + newline + "a Paris"
NUMBERS, CITIES = [[3, 6, "NUM"], [9, 12, "NUM"]], [[22, 27, "CITY"]]


def labelled(*spans: object) -> list[dict[str, str]]:
    return [{"spans": json.dumps(item)} for item in spans]


@pytest.mark.parametrize(
    ("spans", "rows"),
    [
        ([[3, 6, "A"]], [(0, 1)]),
        ([[4, 5, "A"]], [(0, 1)]),  # one character of it is enough
        ([[6, 7, "A"]], [(0, 2)]),  # and the one behind it belongs to the next token
        ([[3, 7, "A"]], [(0, 1), (0, 2)]),
        ([[3, 6, "A"], [9, 12, "A"]], [(0, 1), (0, 4)]),
        ([[9, 12, "A"], [3, 6, "A"]], [(0, 1), (0, 4)]),  # in any order
        ([[21, 27, "A"]], [(1, 2)]),
    ],
)
def test_a_character_of_the_target_lies_in_one(spans, rows):
    text = table().documents[0].text
    assert (text[3:6], text[9:12], text[21:27]) == (" 12", " 12", " Paris")
    assert taken({"span": {"label": "A"}}, table(fields=labelled(spans, []))) == rows


def test_other_labels_and_other_documents_are_not_meant():
    made = table(fields=labelled(NUMBERS + CITIES, [[3, 5, "NUM"]]))
    assert taken({"span": {"label": "NUM"}}, made) == [(0, 1), (0, 4), (2, 1)]
    assert taken({"span": {"label": "CITY"}}, made) == [(1, 2)]


def test_spans_and_what_lies_between_two_are_stretches():
    made = table(fields=labelled(NUMBERS, []))
    bound = bound_condition("one", condition({"span": {"label": "NUM"}}), setting())
    numbers = stretches([bound], made)
    own = numbers[made.document == 0].tolist()
    # in a span; behind it, before the next one; in that; all that follows
    assert [own[0], own[3]] == [1, 3] and own[1] == own[2] == 2 and set(own[4:]) == {4}
    assert (bound.holds(made)[made.document == 0] == [number % 2 == 1 for number in own]).all()


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([[3, 60, "A"]], "the span 3 to 60 lies outside document '0.txt', which has 30 characters"),
        ([[-1, 2, "A"]], "the span -1 to 2 lies outside"),
        ([[5, 5, "A"]], "the span 5 to 5 lies outside"),
        ([[3, 6, "A"], [5, 7, "A"]], "overlap: 3 to 6 and 5 to 7"),
        ([[3, 6]], "must hold a list of"),
        ([[3.0, 6, "A"]], "must hold a list of"),
        ([[True, 6, "A"]], "must hold a list of"),
        ([[3, 6, 1]], "must hold a list of"),
        ({"start": 3}, "must hold a list of"),
        (3, "must hold a list of"),
        ([], "no span has the label 'A'; found none"),
        ([[3, 6, "B"]], "no span has the label 'A'; found B"),
    ],
)
def test_columns_that_cannot_be_used_are_refused_with_their_place(spans, said):
    with pytest.raises(CorpusError, match=r"^conditions\.one\.span: ") as caught:
        taken({"span": {"label": "A"}}, table(fields=labelled(spans, [])))
    assert said in str(caught.value)


def test_a_text_without_the_column():
    with pytest.raises(CorpusError, match="no document of the text has the column 'spans'"):
        taken({"span": {"label": "A"}}, table(fields=[{}, {"other": "x"}]))
    some = [CorpusDocument("a", "abc", {}), CorpusDocument("b", "abc", {"spans": '[[0, 1, "A"]]'})]
    assert spans_of("A", some) == {"b": [(0, 1)]}


@pytest.mark.parametrize("wrong", [{}, {"label": ""}, {"label": "a" * 201}, {"label": 3}, {"name": "A"}, "A"])
def test_what_names_no_label_is_refused_with_its_place(wrong):
    require_refused({"span": wrong}, "span")


def test_words_unit_and_column():
    options = condition({"span": {"label": "NUM"}}).value
    assert PREDICATE.words.clause(options, "") == "the next token lies in a span labelled NUM"
    assert PREDICATE.fields(options) == ("spans",) and PREDICATE.reads_text
    assert PREDICATE.unit(None) == "span" and PREDICATE.material == ("text",)
