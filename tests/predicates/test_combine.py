"""Conditions as a whole: truth tables, what they read, what they are defined by, and where faults are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hypotest.errors import CorpusError
from hypotest.predicates import registry
from hypotest.predicates.combine import (
    bound_condition,
    columns_of,
    condition_words,
    defining,
    definitions,
    needs_counts,
    needs_documents,
    shared_within,
    stretches,
)
from hypotest.predicates.predicate import Bound
from tests.predicates.held import EVERY, condition, table, taken
from tests.predicates.made import setting

SPACE, LATE = {"target": {"matches": "^ "}}, {"index": {"from": 3}}
RARE = {"target": {"frequency": {"below_percentile": 20}}}
FILE = {"document": {"field": "language", "is": "de"}}


@pytest.mark.parametrize(
    ("data", "combined"),
    [
        ({"all": [SPACE, LATE]}, lambda one, other: one and other),
        ({"any": [SPACE, LATE]}, lambda one, other: one or other),
        ({"not": SPACE}, lambda one, other: not one),
        ({"all": [SPACE, {"not": LATE}]}, lambda one, other: one and not other),
        ({"not": {"any": [SPACE, LATE]}}, lambda one, other: not (one or other)),
        ({"any": [{"all": [SPACE, LATE]}, {"not": {"any": [SPACE, LATE]}}]}, lambda one, other: one == other),
    ],
)
def test_combinations_by_truth_tables(data, combined):
    one, other = set(taken(SPACE)), set(taken(LATE))
    assert taken(data) == [row for row in EVERY if combined(row in one, row in other)]


def test_a_combination_may_hold_everywhere_and_its_predicates_may_not():
    assert taken({"any": [SPACE, {"not": SPACE}]}) == EVERY
    with pytest.raises(
        CorpusError, match=r"^conditions\.one\.any\.#2\.not\.index: holds at every one of the 12"
    ):
        taken({"any": [SPACE, {"not": {"index": {"below": 9}}}]})


def test_a_predicate_that_gives_no_truth_for_each_row_is_named(monkeypatch):
    seen = registry.PREDICATES["seen"]
    for wrong in (lambda rows: np.ones(len(rows)), lambda rows: np.ones(3, dtype=bool)):
        broken = dataclasses.replace(seen, bind=lambda *given, wrong=wrong: Bound(wrong))
        monkeypatch.setattr(registry, "PREDICATES", {**registry.PREDICATES, "seen": broken})
        with pytest.raises(
            CorpusError, match=r"one\.target\.seen: the predicate must give true or false for each of 12"
        ):
            taken({"target": {"seen": True}})


def test_what_is_read_of_files_counts_and_texts():
    both = condition({"all": [RARE, FILE]}), condition({"not": FILE})
    assert columns_of(*both) == ("language",)
    assert needs_documents(*both) and needs_counts(*both)
    assert not needs_documents(condition(SPACE)) and not needs_counts(condition(SPACE), condition(LATE))


def test_what_conditions_are_told_apart_by():
    assert defining([condition(SPACE), condition({"not": SPACE})]) == {"target"}
    assert "document" in defining([condition(FILE), condition({"not": FILE})])
    assert "index" in defining([condition(LATE), condition({"index": {"below": 3}})])
    shared = [condition({"all": [SPACE, FILE]}), condition({"all": [{"not": SPACE}, FILE]})]
    assert defining(shared) == {"target"}  # the language is the same in both
    assert defining([condition({"token": {"matches": "a"}}), condition({"token": {"matches": "b"}})]) == {
        "token"
    }
    assert shared_within("document") == ("document", "block") and shared_within("position") == ()


def test_stretches_of_several_predicates_are_crossed():
    made = table()
    one = bound_condition("one", condition(LATE), setting())
    other = bound_condition("other", condition({"index": {"from": 2}}), setting())
    alone, crossed = stretches([one], made), stretches([one, other], made)
    assert len(set(crossed.tolist())) == 9 and len(set(alone.tolist())) == 6
    for number in set(crossed.tolist()):
        assert len(set(alone[crossed == number].tolist())) == 1
    assert stretches([bound_condition("one", condition(SPACE), setting())], made) is None


def test_words_bracket_what_is_joined_otherwise():
    mixed = condition({"any": [{"all": [SPACE, LATE]}, {"not": SPACE}]})
    assert condition_words(mixed) == (
        "(the next token matches `^ ` and its place in the block, counted from 0, is at 3 or later) or "
        "it is not so that the next token matches `^ `"
    )
    assert definitions({"a": condition(SPACE), "b": condition({"index": {"below": 3}})}) == (
        "to a where the next token matches `^ `, and to b where its place in the block, counted from 0, is "
        "before 3"
    )


def test_remarks_and_faults_have_the_place_in_the_protocol(tmp_path):
    listed = {"all": [LATE, {"token": {"in": ["b", "of"]}}]}
    bound = bound_condition("x", condition(listed), setting())
    assert bound.name == "x"
    assert bound.remarks == ("all.#2.token.in: 1 of 8 tokens of the vocabulary; no single tokens: of",)
    with pytest.raises(CorpusError, match=r"^conditions\.x\.all\.#2\.token\.in_file: "):
        bound_condition(
            "x", condition({"all": [LATE, {"token": {"in_file": "none"}}]}), setting(Path(tmp_path))
        )
