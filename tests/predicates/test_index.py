"""Places in the block, and the stretches that they divide it into."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.predicates.combine import bound_condition, stretches
from hypotest.predicates.index import PREDICATE, bounds
from tests.predicates.held import EVERY, condition, require_refused, table, taken
from tests.predicates.made import rows, setting


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({"from": 3}, {3, 4}),
        ({"below": 3}, {1, 2}),
        ({"from": 2, "below": 4}, {2, 3}),
        ({"from": 4, "below": 5}, {4}),
        ({"from": 2, "below": 60000}, {2, 3, 4}),
    ],
)
def test_from_a_place_to_the_one_before_another(options, places):
    assert taken({"index": options}) == [row for row in EVERY if row[1] in places]


def test_blocks_that_are_shorter():
    made = rows([[0, 1, 2, 1, 6], [0, 1, 2, 7, 7]], lengths=[5, 3])
    assert taken({"index": {"from": 2}}, made) == [(0, 2), (0, 3)]


def test_what_lies_before_within_and_behind_are_stretches():
    made = table()
    bound = bound_condition("one", condition({"index": {"from": 2, "below": 4}}), setting())
    numbers = stretches([bound], made)
    of_block = [numbers[made.block == block].tolist() for block in range(3)]
    assert all(one[0] != one[1] == one[2] != one[3] != one[0] for one in of_block)
    assert len(set(np.concatenate(of_block).tolist())) == 9  # no two blocks share one
    held = bound.holds(made)
    for number in set(numbers.tolist()):
        assert len(set(held[numbers == number].tolist())) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "must have from, below or both"),
        ({"from": 4, "below": 4}, "must have a from that lies below its below"),
        ({"from": 0}, "greater than or equal to 1"),
        ({"below": 1}, "greater than or equal to 2"),
        ({"from": 65536}, "less than or equal to 65535"),
        ({"from": 1.5}, "integer"),
        ({"to": 4}, "to"),
    ],
)
def test_what_is_no_range_is_refused_with_its_place(options, said):
    assert said in require_refused({"index": options}, "index")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"from": 1000}, "at 1,000 or later"),
        ({"below": 7}, "before 7"),
        ({"from": 2, "below": 4}, "at 2 or later and before 4"),
    ],
)
def test_words(options, words):
    value = condition({"index": options}).value
    assert PREDICATE.words.clause(value, "") == f"its place in the block, counted from 0, is {words}"
    assert bounds(value) == (options.get("from"), options.get("below"))


def test_unit_and_what_it_is_told_by():
    assert PREDICATE.unit(None) == "span" and PREDICATE.defines == ("index",)
    assert PREDICATE.material == ("text", "examples")
