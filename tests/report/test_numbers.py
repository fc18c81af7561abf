from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.records.results.results import Results
from hypotest.report.numbers import (
    decimals_for,
    duration_text,
    fixed,
    p_text,
    prediction_text,
    significant,
)


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        (0.0002, "0.0002"),  # 2 / (9999 + 1): the floor of 9,999 draws, written as it is
        (0.0496, "0.0496"),
        (0.0504, "0.0504"),  # still told apart from a level of 0.05
        (0.3421, "0.342"),
        (9.9e-5, "<0.0001"),
        (0.0, "<0.0001"),
        (1.0, "1"),
        (None, "n/a"),
    ],
)
def test_p_value(p_value: float | None, text: str) -> None:
    assert p_text(p_value) == text


@settings(deadline=None, max_examples=200)
@given(st.floats(0, 1))
def test_a_p_value_is_never_written_as_zero(p_value: float) -> None:
    assert float(p_text(p_value).lstrip("<")) > 0


def test_two_digits_of_the_uncertainty_set_the_decimals() -> None:
    # SD 0.49 -> two decimals; SD 0.0082 -> four; SD 12 -> none
    assert [decimals_for(sd, (1.0,)) for sd in (0.49, 0.0082, 12.0)] == [2, 4, 0]
    # no uncertainty: three significant digits of the largest, 0.731 -> 3 decimals
    assert decimals_for(None, (0.731, 0.05)) == 3
    assert decimals_for(0.0, ()) == 2


def test_no_negative_zero_and_no_lost_digits() -> None:
    assert fixed(-0.004, 2) == "0.00"
    assert fixed(-0.006, 2) == "-0.01"
    assert fixed(1.5e-9, 10) == "1.5e-09"
    assert fixed(float("nan"), 2) == fixed(None, 2) == fixed(float("inf"), 2) == "n/a"
    assert significant(0.00012345) == "0.000123"
    assert significant(3.2e9) == "3.2e+09"


def test_durations_carry_over() -> None:
    assert duration_text(59.6) == "1 min 0 s"
    assert duration_text(3599.7) == "1 h 0 min"


def test_equivalence_shows_its_own_p(results: Results) -> None:
    clustering = next(item for item in results.predictions if item.id == "clustering")
    assert prediction_text(clustering).p == p_text(clustering.p_equivalence)
    differs = dataclasses.replace(clustering, outcome="less")
    assert prediction_text(differs).p == p_text(clustering.p_value)
    assert prediction_text(clustering).p != prediction_text(differs).p
