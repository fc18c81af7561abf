"""Whole documents, by a column or by the name of their file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.errors import CorpusError
from hypotest.predicates.document import PREDICATE, chosen_documents, values
from hypotest.predicates.rows import Rows
from hypotest.records.corpus import CorpusDocument
from tests.predicates.held import EVERY, condition, require_refused, table, taken

FIRST = [row for row in EVERY if row[0] < 2]
SECOND = [row for row in EVERY if row[0] == 2]
FIELDS = [{"language": "de", "year": "2001"}, {"language": "en"}]


def options(**keys: object):
    return condition({"document": keys}).value


def named(*names: str) -> list[CorpusDocument]:
    return [CorpusDocument(name, "text", {}) for name in names]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ({"field": "language", "is": "de"}, FIRST),
        ({"field": "language", "is": ["en", "fr"]}, SECOND),
        ({"path": "0.txt"}, FIRST),
        ({"path": "1*"}, SECOND),
        ({"path": "[1-9].txt"}, SECOND),
    ],
)
def test_all_rows_of_a_document_are_taken(data, rows):
    assert taken({"document": data}, table(fields=FIELDS)) == rows


def test_it_is_none_of_the_values_where_the_column_is_missing():
    fields = [{"year": "2001"}, {"year": "2002"}]
    assert taken({"document": {"field": "year", "is": 2001}}, table(fields=fields)) == FIRST
    three = [
        *named("a"),
        replace(named("b")[0], fields={"k": "x"}),
        replace(named("c")[0], fields={"k": "y"}),
    ]
    assert chosen_documents(options(field="k", **{"is": "x"}), three).tolist() == [False, True, False]


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1.5, "1.5"), (True, "true"), ("True", "True")])
def test_numbers_and_truth_values_are_as_json_writes_them(value, text):
    assert values(options(field="k", **{"is": value})) == (text,)


def test_a_pattern_fits_whole_names_of_documents_or_of_their_files():
    documents = named("de/a.txt", "de/b.jsonl:3", "en/a.txt", "DE/a.txt")
    for pattern, fitting in (
        ("de/*", [True, True, False, False]),
        ("*.txt", [True, False, True, True]),
        ("*/b.jsonl", [False, True, False, False]),  # in which it is one of many
        ("de/b.jsonl:3", [False, True, False, False]),
    ):
        assert chosen_documents(options(path=pattern), documents).tolist() == fitting, pattern
    with pytest.raises(
        CorpusError, match=r"no document's file fits 'a.txt'; .*'de/a.txt', 'de/b.jsonl:3', 'en/a"
    ):
        chosen_documents(options(path="a.txt"), documents)


def test_many_values_of_a_column_are_counted():
    documents = [CorpusDocument(str(n), "x", {"k": f"v{n}"}) for n in range(14)]
    with pytest.raises(CorpusError, match=r"no document has w or z there; found 'v0'.* and 4 more"):
        chosen_documents(options(field="k", **{"is": ["w", "z"]}), documents)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"field": "language"},
        {"is": "de"},
        {"path": "a", "field": "language", "is": "de"},
        {"path": "a", "is": "de"},
        {"path": ""},
        {"field": "language", "is": []},
        {"field": "language", "is": [""]},
        {"file": "a"},
    ],
)
def test_what_names_no_documents_is_refused_with_its_place(keys):
    require_refused({"document": keys}, "document")


def test_words_unit_and_columns():
    by_column, by_name = options(field="k", **{"is": ["a", "b"]}), options(path="de/*")
    assert PREDICATE.words.clause(by_column, "") == "the column k of its document is a or b"
    assert PREDICATE.words.clause(by_name, "") == "its document's file fits `de/*`"
    assert (PREDICATE.fields(by_column), PREDICATE.fields(by_name)) == (("k",), ())
    assert PREDICATE.unit(None) == "document" and PREDICATE.reads_text
    assert PREDICATE.material == ("text",)
    assert isinstance(table(), Rows) and np.unique(table().document).tolist() == [0, 1]
