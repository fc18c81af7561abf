"""Units: which rows keep one label, and within what labels change places."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from hypotest.predicates.units import EXCHANGES, common_unit, constant_within, division, permuted_name
from hypotest.records.protocol.design import Unit

COLUMNS = {
    "split": np.array(["a", "a", "a", "a", "b", "b", "b"]),
    "document": np.array([3, 3, 3, 5, 7, 7, 7]),
    "target": np.array([9, 9, 4, 9, 4, 4, 1]),
    "token": np.array([1, 2, 1, 1, 1, 2, 2]),
    "span": np.array([0, 0, 1, 0, 0, 1, 1]),
    "condition": np.array([0, 1, 0, 1, 0, 1, 0]),
}
COARSE = ("type", "token", "document", "cluster", "span", "document_type")
UNITS: tuple[Unit, ...] = get_args(Unit)


@pytest.mark.parametrize(
    ("unit", "units", "strata"),
    [
        # counts: type 1 once, 4 and 9 three times, so that 4 and 9 can change labels
        ("type", [2, 2, 1, 2, 1, 1, 0], [1, 1, 1, 1, 1, 1, 0]),
        ("document", [0, 0, 0, 1, 2, 2, 2], [1, 1, 1, 0, 2, 2, 2]),  # a: 3 and 1 rows; b
        ("span", [0, 0, 1, 2, 3, 4, 4], [0, 0, 0, 1, 2, 2, 2]),
        ("pair", [0, 1, 0, 2, 3, 4, 3], [0, 0, 0, 1, 2, 2, 2]),
        ("within_type", [0, 1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 3, 3, 2]),
        ("document_type", [1, 1, 0, 2, 4, 4, 3], [0, 0, 0, 1, 2, 2, 2]),
        ("position", [0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 1, 2, 2, 2]),
    ],
)
def test_by_hand(unit: Unit, units: list[int], strata: list[int]) -> None:
    divided = division(COLUMNS, unit)
    assert [item.tolist() for item in divided] == [units, strata]


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit(unit: Unit) -> None:
    exchange = EXCHANGES[unit]
    units, strata = division({name: COLUMNS[name] for name in (*exchange.members, *exchange.within)}, unit)
    for member in np.unique(units):
        assert np.unique(strata[units == member]).size == 1
    assert exchange.words and exchange.over.split()[0] in ("over", "within")
    assert not any(EXCHANGES[other].calibrated for other in exchange.finer)
    assert all(constant_within(unit, other) for other in exchange.finer)
    assert all(EXCHANGES[other].calibrated for other in exchange.instead)
    assert common_unit([unit]) == common_unit([unit, unit]) == unit
    assert constant_within(unit, "position") and constant_within("position", unit) is (unit not in COARSE)


def test_names_of_comparisons_differ() -> None:
    assert len({permuted_name(unit) for unit in UNITS}) == len(UNITS) == len(EXCHANGES)
