import numpy as np
import polars as pl
import pytest

from hypotest.studies.verify.deviation import largest_deviation, largest_draw_deviation


def test_the_largest_relative_difference_of_all_numbers():
    stored = {"a": 1.0, "b": {"c": [10.0, 20.0]}, "words": "x", "none": None, "flag": True}
    fresh = {"a": 1.001, "b": {"c": [10.0, 20.1]}, "words": "y", "none": 1.0, "flag": False}
    assert largest_deviation(stored, fresh) == pytest.approx(0.1 / 20.1)
    assert largest_deviation(stored, stored) == 0


def test_small_numbers_beside_large_ones_are_not_far_apart():
    assert largest_deviation(1e-17, 2e-17) == 0.5
    assert largest_deviation([1e-17, 1.0], [2e-17, 1.0]) == pytest.approx(1e-17)
    assert largest_deviation(1e-17, 2e-17, scale=10.0) == pytest.approx(1e-18)
    assert largest_deviation(0.0, 0.0) == 0


def frame(values):
    columns = {"prediction": ["a"] * len(values), "null": ["b"] * len(values), "draw": range(len(values))}
    return pl.DataFrame({**columns, "value": pl.Series(values, nan_to_null=True)})


def test_draws_are_relative_to_the_largest_of_their_null():
    one, two = [0.0, -4.0, np.nan], [0.1, -4.0, np.nan]
    assert largest_draw_deviation(frame(one), frame(two)) == pytest.approx(0.1 / 4)
    assert largest_draw_deviation(frame(one), frame(one)) == 0
    assert largest_draw_deviation(frame([np.nan]), frame([np.nan])) == 0
