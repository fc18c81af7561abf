"""Rows: units of equal size that say as much."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypotest.records.evidence.rows import effective_number, effective_of


class TestEffectiveNumber:
    def test_by_hand(self) -> None:
        # Shares 1/2, 1/4, 1/4: 1 / (1/4 + 1/16 + 1/16) = 8/3.
        assert effective_number(np.array([4, 4, 9, 1])) == pytest.approx(8 / 3)

    @given(st.lists(st.integers(0, 9), min_size=1, max_size=60))
    def test_lies_between_one_and_the_number_of_units(self, units: list[int]) -> None:
        number = effective_number(np.array(units))
        assert 1 - 1e-12 <= number <= len(set(units)) + 1e-12
        assert number == pytest.approx(effective_number(np.array(units * 2)))

    def test_needs_rows(self) -> None:
        with pytest.raises(ValueError, match="no rows"):
            effective_number(np.array([], dtype=int))


class TestBothConditions:
    FIRST = np.array([True, True, False, False, False, False])

    def test_units_of_one_condition_each_count_as_the_fewer(self) -> None:
        # one unit of the first condition, four of the second
        assert effective_of(np.array([0, 0, 1, 2, 3, 4]), self.FIRST) == 1
        assert effective_of(np.array([0, 0, 1, 2, 3, 4]), ~self.FIRST) == 1

    def test_units_with_rows_of_both_count_as_they_are(self) -> None:
        assert effective_of(np.array([0, 1, 0, 1, 0, 1]), self.FIRST) == 2
        assert effective_of(np.array([0, 1, 2, 3, 4, 5])) == 6
