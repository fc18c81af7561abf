import dataclasses

import numpy as np
import polars as pl
import pytest

from hypotest.records.results import NullComparison, PredictionResult
from hypotest.studies.differences import (
    EXACT,
    OTHER_SOFTWARE,
    Slack,
    Tolerance,
    differences,
    null_differences,
    slacks,
)


def found_in(stored, found, **rest):
    return [item.where for item in differences(stored, found, "", **rest)]


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        (1.0, np.nextafter(1.0, 2)),
        (1, True),
        ("greater", "less"),
        (None, 0.0),
        ([1.0], [1.0, 2.0]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
    ],
)
def test_whatever_is_not_equal_differs(stored, found):
    assert len(found_in({"x": stored}, {"x": found})) == 1
    assert found_in({"x": stored}, {"x": stored}) == []


def test_places_are_named_by_what_stands_there():
    stored = {"ladder": [{"null": "size_matched", "p_value": 0.1}, {"null": "rewired", "p_value": 0.2}]}
    found = {"ladder": [{"null": "size_matched", "p_value": 0.1}, {"null": "rewired", "p_value": 0.3}]}
    (item,) = differences(stored, found, "coordination")
    assert item.where == "coordination.ladder[rewired].p_value"
    assert (item.stored, item.found) == ("0.2", "0.3")


def test_tolerances_are_relative_to_the_prediction_and_spare_words_and_counts():
    stored = {"effect": 1e-9, "outcome": "less", "n_draws": 99, "note": "17 of 20", "p_value": 0.25}
    near = {**stored, "effect": 2e-9, "note": "18 of 20", "p_value": 0.2500001}
    slack = Slack(scale=1.0)
    assert found_in(stored, near, tolerance=OTHER_SOFTWARE, slack=slack) == []
    assert len(found_in(stored, near)) == 3
    for change in ({"outcome": "greater"}, {"n_draws": 98}, {"note": "all of 20"}, {"effect": 3e-6}):
        changed = {**stored, **change}
        assert found_in(stored, changed, tolerance=OTHER_SOFTWARE, slack=slack) == list(change)
    assert found_in(stored, {**stored, "p_value": 0.26}, tolerance=OTHER_SOFTWARE, slack=slack) == ["p_value"]


def frame(values):
    return pl.DataFrame(
        {
            "prediction": ["one"] * len(values),
            "null": ["size_matched"] * len(values),
            "draw": np.arange(len(values)),
            "value": pl.Series(values, dtype=pl.Float64, nan_to_null=True),
        }
    )


def test_every_draw_must_be_equal_where_versions_are():
    values = np.linspace(0, 1, 2000)
    other = values.copy()
    other[17] = np.nextafter(other[17], 1)
    assert list(null_differences(frame(values), frame(values))) == []
    (item,) = null_differences(frame(values), frame(other))
    assert item.where == "one, size_matched, draw 17"
    other[17] = np.nan
    (item,) = null_differences(frame(values), frame(other))
    assert item.found == "null"
    assert [item.found for item in null_differences(frame(values), frame(values[:99]))] == [
        "99 draws, or in other order"
    ]
    assert [item.found for item in null_differences(frame(values), frame(values[:0]))] == ["no draws"]


def test_few_draws_may_jump_elsewhere():
    values = np.linspace(0, 1, 2000)
    other = values + 1e-8
    other[[3, 900]] += 0.5  # 2 of 2,000 are 0.1 %
    assert list(null_differences(frame(values), frame(other), OTHER_SOFTWARE)) == []
    other[4] += 0.5
    assert len(list(null_differences(frame(values), frame(other), OTHER_SOFTWARE))) == 3


def test_p_values_may_move_by_the_draws_that_jumped_or_lie_on_the_edge():
    values = np.linspace(0, 1, 999)
    values[10] = 2.0  # equal to the observed value: counted or not
    other = values.copy()
    other[20] = 1.5
    rung = NullComparison("size_matched", "T(G)", 2.0, 0.5, 0.3, 999, 0.004, 0.001, 99.9, 3.0)
    fields = {item.name: None for item in dataclasses.fields(PredictionResult)}
    given = {"id": "one", "observed": 2.0, "reference_value": 0.5, "ladder": (rung,)}
    item = PredictionResult(**{**fields, **given})
    tolerance = Tolerance(1e-6, 0.01)
    slack = slacks([item], frame(values), frame(other), 3, tolerance)["one"]
    assert slack.probability == pytest.approx(3 * 2 * 2 / 1000)
    assert slack.shift == pytest.approx(2.0 / 999)
    assert slack.sd == 0.3
    assert found_in({"p_value": 0.004}, {"p_value": 0.016}, tolerance=tolerance, slack=slack) == []
    assert found_in({"p_value": 0.004}, {"p_value": 0.017}, tolerance=tolerance, slack=slack) == ["p_value"]
    exact = slacks([item], frame(values), frame(values), 3, EXACT)["one"]
    assert exact.shift == 0
