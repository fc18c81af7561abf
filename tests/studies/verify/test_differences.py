import dataclasses

import numpy as np
import polars as pl
import pytest

from hypotest.records.results.prediction_result import NullComparison, PredictionResult
from hypotest.studies.verify.differences import differences, null_differences
from hypotest.studies.verify.tolerances import EXACT, JUMPS, OTHER_SOFTWARE, Slack, Tolerance, slacks


def differing(stored, fresh, **rest):
    return [item.where for item in differences(stored, fresh, "", **rest)]


@pytest.mark.parametrize(
    ("stored", "fresh"),
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
def test_whatever_is_not_equal_differs(stored, fresh):
    assert len(differing({"x": stored}, {"x": fresh})) == 1
    assert differing({"x": stored}, {"x": stored}) == []


def test_places_are_named_by_what_stands_there():
    stored = {"ladder": [{"null": "size_matched", "p_value": 0.1}, {"null": "rewired", "p_value": 0.2}]}
    fresh = {"ladder": [{"null": "size_matched", "p_value": 0.1}, {"null": "rewired", "p_value": 0.3}]}
    (item,) = differences(stored, fresh, "coordination")
    assert item.where == "coordination.ladder[rewired].p_value"
    assert (item.stored, item.fresh) == ("0.2", "0.3")


def test_tolerances_are_relative_to_the_prediction_and_never_of_words_and_counts():
    stored = {
        "effect": 1e-9,
        "outcome": "less",
        "n_draws": 99,
        "note": "17 of 20, p = 0.0120",
        "p_value": 0.25,
    }
    near = {**stored, "effect": 2e-9, "note": "17 of 20, p = 0.0121", "p_value": 0.250001}
    slack = Slack(scale=1.0)
    assert differing(stored, near, tolerance=OTHER_SOFTWARE, slack=slack) == []
    assert len(differing(stored, near)) == 3
    for change in (
        {"outcome": "greater"},
        {"n_draws": 98},
        {"note": "18 of 20, p = 0.0120"},
        {"note": "17 of 20, p = 0.0140"},
        {"note": "17 of 20; p = 0.0120"},
        {"effect": 3e-5},
        {"p_value": 0.2501},
    ):
        changed = {**stored, **change}
        assert differing(stored, changed, tolerance=OTHER_SOFTWARE, slack=slack) == list(change)


def test_of_a_curve_the_largest_number_gives_the_size():
    stored, near, far = [5.0, 1e-9], [5.0, 2e-9], [5.0, 1e-3]
    assert differing({"x": stored}, {"x": near}, tolerance=OTHER_SOFTWARE) == []
    assert differing({"x": stored}, {"x": far}, tolerance=OTHER_SOFTWARE) == ["x[1]"]
    assert differing({"x": 1e-9}, {"x": 2e-9}, tolerance=OTHER_SOFTWARE) == ["x"]


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
    assert item.fresh == "null"
    assert [item.fresh for item in null_differences(frame(values), frame(values[:99]))] == [
        "99 draws, or in other order"
    ]
    assert [item.fresh for item in null_differences(frame(values), frame(values[:0]))] == ["no draws"]


def test_few_draws_may_jump_elsewhere():
    values = np.linspace(0, 1, 4000)
    other = values + 1e-7
    other[[3, 900, 7, 8]] += 0.5  # 4 of 4,000 are 0.1 %
    assert list(null_differences(frame(values), frame(other), OTHER_SOFTWARE)) == []
    other[4] += 0.5
    assert len(list(null_differences(frame(values), frame(other), OTHER_SOFTWARE))) == 5
    few, moved = values[:199], values[:199].copy()
    moved[:JUMPS] += 0.5
    assert list(null_differences(frame(few), frame(moved), OTHER_SOFTWARE)) == []


def made_result(observed, p_value=0.004):
    rung = NullComparison("size_matched", "T(G)", observed, 0.5, 0.3, 999, p_value, 0.001, 99.9, 3.0)
    fields = {item.name: None for item in dataclasses.fields(PredictionResult)}
    given = {"id": "one", "observed": observed, "reference_value": 0.5, "ladder": (rung,), "arms": ()}
    return PredictionResult(**{**fields, **given})


def test_p_values_may_move_by_the_draws_that_changed_sides_and_by_no_others():
    values = np.linspace(0, 1, 999)
    values[10] = 0.7  # equal to the observed value up to rounding: counted or not
    other = values.copy()
    other[10] += 1e-9
    other[20] = 0.9  # jumped across the observed value
    other[30] = 0.1  # jumped, on the same side
    item, tolerance = made_result(0.7), Tolerance(1e-6, 0.01)
    slack = slacks([item], [item], frame(values), frame(other), 3, tolerance)["one"]
    assert slack.probability == pytest.approx(3 * 2 * 2 / 1000)
    jumps = np.array([0.9 - values[20], 0.1 - values[30]])
    assert slack.shift == pytest.approx(np.sqrt((jumps**2).sum() / 998))
    assert slack.farthest == pytest.approx(np.abs(jumps).max())
    assert slack.sd == 0.3
    assert differing({"p_value": 0.004}, {"p_value": 0.016}, tolerance=tolerance, slack=slack) == []
    assert differing({"p_value": 0.004}, {"p_value": 0.017}, tolerance=tolerance, slack=slack) == ["p_value"]


def test_where_nothing_crossed_the_observed_value_p_must_be_the_same():
    values = np.linspace(0, 1, 999)
    values[10:400] = 0.7  # many ties
    item = made_result(0.7)
    slack = slacks([item], [item], frame(values), frame(values), 3, OTHER_SOFTWARE)["one"]
    assert (slack.probability, slack.shift) == (0, 0)
    assert differing({"p_value": 0.01}, {"p_value": 0.012}, tolerance=OTHER_SOFTWARE, slack=slack) == [
        "p_value"
    ]
    exact = slacks([item], [item], frame(values), frame(values), 3, EXACT)["one"]
    assert (exact.probability, exact.shift, exact.ceiling) == (0, 0, 0)


def test_an_observed_value_that_moved_lets_its_neighbours_change_sides():
    values = np.linspace(0, 1, 999)
    item, again = made_result(values[500]), made_result(values[500] + 1e-7)
    slack = slacks([item], [again], frame(values), frame(values), 1, OTHER_SOFTWARE)["one"]
    assert slack.probability == pytest.approx(2 / 1000)


def test_no_more_draws_may_flip_than_may_jump():
    values = np.full(999, 0.7)
    other = values + np.where(np.arange(999) % 2, 1e-12, -1e-12)
    item = made_result(0.7)
    slack = slacks([item], [item], frame(values), frame(other), 1, OTHER_SOFTWARE)["one"]
    assert slack.probability == pytest.approx(2 * OTHER_SOFTWARE.jumps(999) / 1000)
