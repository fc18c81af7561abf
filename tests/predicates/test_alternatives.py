"""Other values at a path of a condition, as a multiverse lists them."""

from __future__ import annotations

import pytest

from hypotest.predicates.alternatives import declared_value, paths_of, with_value
from tests.predicates.held import condition

LATE = {"index": {"from": 5}}
BOTH = {
    "one": condition({"all": [{"target": {"matches": "a"}}, LATE]}),
    "other": condition({"index": {"below": 5}}),
}


@pytest.mark.parametrize(
    ("choice", "paths"),
    [
        ("one.index.from", (("one", "index", "from"),)),
        ("one.all.#2.index.from", (("one", "all", 1, "index", "from"),)),
        ("a.b,c.d", (("a", "b"), ("c", "d"))),
        ("one.#x", (("one", "#x"),)),
    ],
)
def test_paths_are_written_as_errors_write_them(choice, paths):
    assert paths_of(choice) == paths


def test_a_value_is_found_and_replaced_and_nothing_else_changes():
    assert declared_value(BOTH, "one.all.#2.index.from") == 5
    changed = with_value(BOTH, "one.all.#2.index.from", 9)
    assert changed["one"] == condition({"all": [{"target": {"matches": "a"}}, {"index": {"from": 9}}]})
    assert changed["other"] is BOTH["other"]
    assert declared_value(BOTH, "one.all.#2.index.from") == 5


def test_values_of_both_conditions_change_together():
    choice = "one.all.#2.index.from, other.index.below"
    assert declared_value(BOTH, choice) == 5
    changed = with_value(BOTH, choice, 7)
    assert declared_value(changed, choice) == 7
    assert changed["other"] == condition({"index": {"below": 7}})


def test_values_that_are_declared_apart_are_listed_apart():
    apart = {**BOTH, "other": condition({"index": {"below": 6}})}
    with pytest.raises(
        ValueError, match=r"changes values together that the protocol declares apart \(5 and 6\)"
    ):
        declared_value(apart, "one.all.#2.index.from, other.index.below")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("third.index.from", "conditions has no third; it has one, other"),
        ("one.all.#3.index", "one.all has no #3; it has #1 to #2"),
        ("one.all.#0.index", "one.all has no #0"),
        ("other.index.below.more", "other.index.below has no more; it has nothing further"),
        ("one.all.target", "one.all has no target; it has #1 to #2"),
    ],
)
def test_paths_that_lead_nowhere_say_what_there_is(choice, said):
    for call in (lambda: declared_value(BOTH, choice), lambda: with_value(BOTH, choice, 1)):
        with pytest.raises(ValueError, match="leads nowhere: ") as caught:
            call()
        assert said in str(caught.value)


@pytest.mark.parametrize("value", [0, "five", 2.5])
def test_what_is_no_value_there_is_refused(value):
    with pytest.raises(ValueError, match="is no value of that option: "):
        with_value(BOTH, "one.all.#2.index.from", value)


def test_a_place_in_a_list_is_no_key():
    with pytest.raises(ValueError, match="must end with a key, not with a place in a list"):
        with_value(BOTH, "one.all.#2", LATE)
