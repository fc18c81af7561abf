from pathlib import Path

import polars as pl
import pytest

from hypotest.errors import ProtocolError
from hypotest.pipeline.reach import check_reach
from tests.pipeline.planted import make_protocol

SHUFFLED = {
    "measure": "effective_dimension",
    "contrast": {"null": "label_shuffled"},
    "margin": {"raw": 1},
    "expects": {"modular": "any", "distributed": "less"},
}
MATCHED = {**SHUFFLED, "contrast": {"null": "size_matched"}, "margin": {"null_sd": 2}}
PATH = Path("protocol.yaml")


def positions(n_rare_types, n_common_types):
    """Every type once, all in one document."""
    n = n_rare_types + n_common_types
    conditions = ["rare"] * n_rare_types + ["common"] * n_common_types
    return pl.DataFrame({"document": [0] * n, "target": list(range(n)), "condition": conditions})


def test_few_relabellings_are_refused_with_their_number():
    # (6 choose 3) = 20 relabellings, where 2 * 1 / 0.05 = 40 are needed
    with pytest.raises(ProtocolError) as caught:
        check_reach(make_protocol(SHUFFLED), positions(3, 3), 200, PATH)
    (problem,) = caught.value.problems
    assert problem.key == "nulls.label_shuffled"
    assert "at least 40 distinct relabellings (unit: type)" in problem.message
    assert "have 20" in problem.message


def test_enough_relabellings_pass():
    check_reach(make_protocol(SHUFFLED), positions(5, 5), 200, PATH)  # (10 choose 5) = 252


def test_a_null_that_decides_nothing_may_be_coarse():
    check_reach(make_protocol(MATCHED), positions(3, 3), 200, PATH)
    check_reach(make_protocol({**SHUFFLED, "role": "descriptive", "expects": {}}), positions(3, 3), 200, PATH)


def test_few_distinct_groups_are_refused():
    # a tenth of 10 neurons is one neuron: 10 distinct groups
    with pytest.raises(ProtocolError) as caught:
        check_reach(make_protocol(MATCHED), positions(5, 5), 10, PATH)
    (problem,) = caught.value.problems
    assert problem.key == "nulls.size_matched"
    assert "groups of 1 of 10 neurons" in problem.message
