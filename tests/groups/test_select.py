import numpy as np

from hypotest.groups.select import explain_size, group_sizes, most_influential
from hypotest.records.protocol.group import Group

PLATEAU = Group.model_validate({"select": "plateau", "otherwise": {"top_fraction": 0.02}})
DECLARED = Group.model_validate({"select": {"top_fraction": 0.1}})


def test_a_plateau_decides_where_there_is_one():
    plateau = np.array([True, True, False])
    ends = np.array([30, 6, 25])
    # 2 % of 2,048 is 40.96, rounded to 41
    assert group_sizes(plateau, ends, 2048, PLATEAU).tolist() == [30, 6, 41]


def test_a_declared_share_ignores_the_curve():
    assert group_sizes(np.array([True]), np.array([30]), 200, DECLARED).tolist() == [20]


def test_most_influential_are_sorted_and_of_unlike_sizes():
    influence = np.array([[0.1, 0.5, 0.3, 0.4], [4.0, 3.0, 2.0, 1.0]])
    groups = most_influential(influence, np.array([2, 3]))
    assert [group.tolist() for group in groups] == [[1, 3], [0, 1, 2]]


def test_reasons_say_which_rule_applied():
    assert explain_size(True, 30, 2048, PLATEAU) == (
        "plateau",
        "the rank-influence curve is flat up to rank 30 and falls steeply behind",
    )
    rule, reason = explain_size(False, 0, 2048, PLATEAU)
    assert rule == "top_fraction"
    assert "no plateau" in reason
    assert "2.0%" in reason
    assert explain_size(True, 30, 200, DECLARED)[0] == "top_fraction"
