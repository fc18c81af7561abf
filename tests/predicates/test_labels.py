"""A table of labelled spans, from any annotator."""

from __future__ import annotations

import json

import polars as pl
import pytest

from hypotest.errors import CorpusError
from hypotest.predicates.labels import COLUMNS, PREDICATE, read_table
from tests.predicates.held import condition, remarks, require_refused, taken

ROWS = [("0.txt", 3, 6, "NUM"), ("0.txt", 21, 27, "CITY"), ("1.txt", 3, 5, "NUM")]
NUMBERS, BOTH = [(0, 1), (2, 1)], [(0, 1), (1, 2), (2, 1)]


def written(folder, suffix: str, rows=ROWS, columns=COLUMNS) -> str:
    path = folder / f"labels{suffix}"
    frame = pl.DataFrame(rows, schema=list(columns), orient="row")
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dicts()), encoding="utf-8")
    else:
        frame.write_csv(path, separator="," if suffix == ".csv" else "\t")
    return path.name


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_targets_in_a_span_whatever_file_it_stands_in(tmp_path, suffix):
    name = written(tmp_path, suffix)
    assert taken({"labels": name}, base=tmp_path) == BOTH
    assert taken({"labels": {"file": name}}, base=tmp_path) == BOTH
    assert taken({"labels": {"file": name, "label": "NUM"}}, base=tmp_path) == NUMBERS
    assert read_table(tmp_path / name, name) == [(row[0], row[1:3], row[3]) for row in ROWS]


def test_rows_in_any_order_and_columns_in_any_order(tmp_path):
    name = written(
        tmp_path,
        ".csv",
        [(label, end, start, document) for document, start, end, label in ROWS[::-1]],
        COLUMNS[::-1],
    )
    assert taken({"labels": name}, base=tmp_path) == BOTH


def test_binding_counts_spans(tmp_path):
    name = written(tmp_path, ".csv")
    assert remarks({"labels": name}, tmp_path) == ("labels: 3 spans in 2 documents",)
    assert remarks({"labels": {"file": name, "label": "CITY"}}, tmp_path) == (
        "labels: 1 spans in 1 documents",
    )


def test_a_label_that_the_table_has_not(tmp_path):
    name = written(tmp_path, ".csv")
    with pytest.raises(
        CorpusError, match=r"^conditions\.one\.labels: no row of 'labels.csv' has the label 'X'; found"
    ):
        taken({"labels": {"file": name, "label": "X"}}, base=tmp_path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("9.txt", 0, 2, "A"), "1 of 1 documents are none of the text, such as '9.txt'"),
        (("0.txt", 29, 31, "A"), "the span 29 to 31 lies outside document '0.txt', which has 30 characters"),
        (("0.txt", 6, 6, "A"), "row 1: needs a document, a label"),
        (("0.txt", 6, 3, "A"), "row 1: needs a document, a label"),
        (("0.txt", -3, 3, "A"), "row 1: needs a document, a label"),
        (("0.txt", 1, 3, ""), "row 1: needs a document, a label"),
    ],
)
def test_rows_that_name_no_characters_are_refused_with_their_place(tmp_path, row, said):
    with pytest.raises(CorpusError, match=r"^conditions\.one\.labels: ") as caught:
        taken({"labels": written(tmp_path, ".csv", [row])}, base=tmp_path)
    assert said in str(caught.value)


def test_overlapping_spans_of_one_label_and_of_two(tmp_path):
    name = written(tmp_path, ".csv", [("0.txt", 3, 6, "A"), ("0.txt", 5, 8, "B")])
    with pytest.raises(CorpusError, match="overlap: 3 to 6 and 5 to 8; name one label"):
        taken({"labels": name}, base=tmp_path)
    assert taken({"labels": {"file": name, "label": "A"}}, base=tmp_path) == [(0, 1)]


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(CorpusError, match=r"^conditions\.one\.labels: .*labels\.csv"):
        taken({"labels": "labels.csv"}, base=tmp_path)


@pytest.mark.parametrize(
    "wrong", ["", {"file": ""}, {}, {"file": "a.csv", "label": ""}, {"file": "a.csv", "of": "A"}, 3]
)
def test_what_names_no_table_is_refused_with_its_place(wrong):
    require_refused({"labels": wrong}, "labels")


@pytest.mark.parametrize(
    ("name", "fits"), [("a.csv", True), ("a.parquet", True), ("a.txt", False), ("csv", False)]
)
def test_files_of_other_kinds_are_refused_before_any_text(name, fits):
    said = list(PREDICATE.check(condition({"labels": name}).value))
    assert said == ([] if fits else ["must be .jsonl, .csv, .tsv or .parquet, with a span in each row"])


def test_words_unit_and_file():
    every = condition({"labels": "a.csv"}).value
    one = condition({"labels": {"file": "a.csv", "label": "NUM"}}).value
    assert PREDICATE.words.clause(every, "") == "the next token lies in a span of a.csv"
    assert PREDICATE.words.clause(one, "") == "the next token lies in a span labelled NUM of a.csv"
    assert PREDICATE.files(one) == ("a.csv",) and PREDICATE.reads_text and PREDICATE.unit(None) == "span"
