import numpy as np
import pytest

from hypotest.errors import CorpusError
from hypotest.predicates.combine import bound_condition, columns_of, condition_words
from hypotest.predicates.registry import PREDICATES
from hypotest.predicates.rows import Rows
from tests.predicates.made import blocks, setting
from tests.predicates.test_predicates import condition

FIELDS = (
    {"number": "singular", "length": "3", "easy": "true"},
    {"number": "plural", "length": "3", "easy": "false"},
    {"number": "plural", "length": "5"},
)
ROWS = Rows.of_examples(blocks([[0, 1, 2], [3, 4, 1], [5, 6, 7]]), np.array([1, 1, 1]), FIELDS)


def holds(data, rows=ROWS):
    return bound_condition("one", condition({"field": data}), setting()).holds(rows).tolist()


def test_a_column_has_one_of_the_values():
    assert holds({"number": "singular"}) == [True, False, False]
    assert holds({"length": [3, 7 - 2], "number": "plural"}) == [False, True, True]
    assert holds({"easy": True}) == [True, False, False]  # as JSON writes it; a missing value is none


def test_it_combines_with_what_is_asked_of_tokens():
    one = condition({"all": [{"field": {"number": "plural"}}, {"target": {"matches": "[0-9]"}}]})
    made = Rows.of_examples(blocks([[0, 1, 2], [3, 4, 2], [5, 6, 7]]), np.array([1, 1, 1]), FIELDS)
    assert bound_condition("one", one, setting()).holds(made).tolist() == [False, True, False]
    assert columns_of(one) == ("number",)
    assert condition_words(one).startswith("the column number is plural and ")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"colour": "red"}, "no row has the column 'colour'"),
        ({"number": "dual"}, "no row has dual in the column 'number'; found 'plural', 'singular'"),
        ({"number": ["plural", "dual"]}, "no row has dual in"),
        ({"number": ["plural", "singular"]}, "holds at every one of the 3 examples"),
    ],
)
def test_what_tells_nothing_apart_is_refused_with_its_place(data, said):
    with pytest.raises(CorpusError, match=f"^conditions.one.field: {said}"):
        holds(data)


def test_a_column_with_one_value_is_refused():
    fields = [{"number": "plural"}] * 3
    made = Rows.of_examples(blocks([[0, 1, 2]] * 3), np.array([1, 1, 1]), fields)
    with pytest.raises(CorpusError, match="one value only, 'plural'"):
        holds({"number": "plural"}, made)


def test_conditions_that_share_a_value_overlap():
    overlaps = PREDICATES["field"].overlaps
    assert "'plural' in the column 'number'" in overlaps(
        {"number": ("plural",)}, {"number": ("dual", "plural")}
    )
    assert not overlaps({"number": ("plural",)}, {"number": ("singular",)})
    assert not overlaps({"number": ("plural",)}, {"length": ("3",)})
