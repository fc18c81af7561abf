"""The table of all of Pythia in the guide, against what it comes from."""

from __future__ import annotations

import pytest

from tests.benchmarks.suite import CHECKPOINTS, GUIDE, MARKS, POSITIONS, SIZES, TIMED, hours, measured, table


def test_the_guide_shows_what_comes_out() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert text.split(MARKS[0])[1].split(MARKS[1])[0] == table()


def test_the_timed_size_takes_what_was_timed() -> None:
    assert hours(TIMED) == pytest.approx(sum(measured().values()) / 3600)
    assert len(measured()) == 6


def test_a_few_checkpoints_take_the_hours_that_the_guide_names() -> None:
    """Ten of the four smaller sizes, at 8,192 positions."""
    some = 10 * sum(map(hours, SIZES[:4])) * 8192 / POSITIONS
    assert some == pytest.approx(8, abs=0.5)


@pytest.mark.parametrize(("name", "billions"), [("70M", 0.070), ("410M", 0.405), ("1B", 1.01), ("12B", 11.8)])
def test_sizes_have_the_parameters_that_they_are_named_after(name: str, billions: float) -> None:
    (size,) = [item for item in SIZES if item.name == name]
    assert size.weight_bytes / 4e9 == pytest.approx(billions, rel=0.02)
    assert CHECKPOINTS == 154
