"""From a contrast to an outcome, and from outcomes to adjusted p-values and verdicts."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import polars as pl
import pytest
from scipy import stats

from hypotest.inference.equivalence import smallest_effect
from hypotest.inference.multiplicity import adjust
from hypotest.pipeline.analysis.outcomes import adjust_together, classify_prediction, judge, null_frame
from hypotest.records.protocol.prediction import Margin, Prediction
from hypotest.records.protocol.protocol import Decision
from hypotest.records.results.prediction_result import MARGIN_SHARE, Interval
from hypotest.testing.contrast import MeasuredContrast
from hypotest.testing.undefined import without_outcome
from tests.pipeline.planted import make_protocol

DRAWS = 10 + np.linspace(-2, 2, 1999)
"""A flat null of mean 10, whose draws are a step of 0.002 apart."""
SD = float(DRAWS.std(ddof=1))
FREEDOM = 30


def plan_of(*predictions: dict, **decision: object):
    made = make_protocol({"measure": "effective_dimension", "contrast": {"null": "size_matched"}})
    (asked,) = made.predictions
    asked = tuple(asked.model_copy(update=changes) for changes in predictions or ({},))
    return made.model_copy(update={"predictions": asked, "decision": Decision(**decision)})


def interval(effect: float, error: float) -> Interval:
    half = float(stats.t.ppf(0.95, FREEDOM)) * error
    return Interval(effect - half, effect + half, 0.90, error, FREEDOM)


def contrast(effect: float, p_value: float | None, error: float | None = 0.1, **others) -> MeasuredContrast:
    known = {
        "observed": 10 + effect,
        "reference": "size_matched",
        "reference_value": 10.0,
        "reference_sd": SD,
        "p_value": p_value,
        "percentile": 50 + 49 * float(np.sign(effect)),
        "interval": None if error is None else interval(effect, error),
        "sd_draws": DRAWS,
        "deciding_draws": DRAWS,
    }
    return MeasuredContrast(**{**known, **others})


def classified(compared: MeasuredContrast, **prediction: object):
    plan = plan_of(prediction)
    return classify_prediction(plan.predictions[0], compared, plan)


@pytest.mark.parametrize(
    ("effect", "p_value", "margin", "outcome"),
    [
        (1.0, 0.05, None, "greater"),  # the level itself passes
        (-1.0, 0.01, None, "less"),
        (1.0, 0.051, None, "inconclusive"),
        (1.0, 0.051, Margin(raw=3.0), "equivalent"),
        (1.0, 0.051, Margin(raw=1.1), "inconclusive"),  # the interval, 0.83 to 1.17, sticks out
        (1.0, 0.01, Margin(raw=3.0), "equivalent"),  # different, and too little to matter
        (2.5, 0.01, Margin(raw=2.0), "greater"),
    ],
)
def test_one_outcome_by_p_and_margin(effect, p_value, margin, outcome):
    result = classified(contrast(effect, p_value), margin=margin)
    assert result.outcome == outcome
    assert (result.effect, result.observed) == (pytest.approx(effect), 10 + effect)
    assert result.ratio == pytest.approx((10 + effect) / 10)


@pytest.mark.parametrize(
    ("margin", "half_width"),
    [(Margin(raw=0.7), 0.7), (Margin(ratio=0.2), 2.0), (Margin(null_sd=2), 2 * SD)],
)
def test_margins_are_in_the_unit_of_the_measure(margin, half_width):
    result = classified(contrast(0.1, 0.5), margin=margin)
    assert result.margin == pytest.approx((-half_width, half_width))
    inside = np.abs(DRAWS - 10) <= half_width
    assert result.equivalence_ceiling == pytest.approx(inside.mean(), abs=1e-3)
    # two one-sided t tests by hand: the nearer end of the margin is at half_width - 0.1
    expected = stats.t.sf((half_width - 0.1) / 0.1, FREEDOM)
    assert result.p_equivalence == pytest.approx(expected)
    assert MARGIN_SHARE not in result.secondary


@pytest.mark.parametrize("sign", [1, -1])
def test_lying_beyond_the_margin_is_tested_on_the_effects_own_side(sign):
    result = classified(contrast(sign * 2.5, 0.01, error=0.3), margin=Margin(raw=2.0))
    assert result.p_beyond == pytest.approx(stats.t.sf(0.5 / 0.3, FREEDOM))


def test_without_a_margin_there_is_nothing_of_equivalence():
    result = classified(contrast(0.1, 0.5))
    assert {result.margin, result.equivalence_ceiling, result.p_equivalence, result.p_beyond} == {None}


def test_without_an_interval_equivalence_is_not_concluded():
    result = classified(contrast(0.0, 0.9, error=None), margin=Margin(raw=50.0))
    assert result.outcome == "inconclusive" and result.p_equivalence is None
    assert any("without an interval" in note for note in result.notes)
    assert result.equivalence_ceiling == 1.0


def test_a_margin_that_holds_few_draws_of_the_null_shows_no_equivalence():
    result = classified(contrast(0.0, 0.9), margin=Margin(raw=1.0))  # half of the draws
    assert result.outcome == "inconclusive" and result.p_equivalence < 1e-6
    assert any("50% of the null's own draws" in note for note in result.notes)


def test_groups_that_keep_members_have_a_narrower_margin():
    result = classified(contrast(0.0, 0.9, exchanged=0.25), margin=Margin(raw=4.0))
    assert result.margin == (-1.0, 1.0)
    assert result.secondary[MARGIN_SHARE].value == 0.25
    assert MARGIN_SHARE not in classified(contrast(0.0, 0.9, exchanged=0.25)).secondary


def test_what_blocks_a_contrast_takes_its_conclusion_and_leaves_its_numbers():
    free, blocked = (
        classified(contrast(5.0, 0.001, blocked=reason), margin=Margin(raw=1.0))
        for reason in (None, "too few differ")
    )
    assert (free.outcome, blocked.outcome) == ("greater", "inconclusive")
    assert "too few differ" in blocked.notes
    assert (blocked.p_value, blocked.effect) == (free.p_value, free.effect)


def test_what_would_have_been_significant_is_said_of_what_was_not():
    assert classified(contrast(1.0, 0.01)).smallest_effect is None
    among_draws = classified(contrast(1.0, 0.5)).smallest_effect
    assert among_draws == smallest_effect(DRAWS, 0.05) == pytest.approx(1.9, abs=0.01)
    by_t = classified(contrast(0.1, 0.5, deciding_draws=None, percentile=None)).smallest_effect
    assert by_t == pytest.approx(stats.t.ppf(0.975, FREEDOM) * 0.1)
    assert classified(contrast(0.1, 0.5, None, deciding_draws=None)).smallest_effect is None


def test_by_t_the_direction_is_that_of_the_centre():
    """The plain effect is below 0, the interval that is corrected for bias above it."""
    corrected = contrast(-0.01, 0.01, percentile=None, interval=interval(0.4, 0.1))
    assert classified(corrected).outcome == "greater"


def test_among_draws_the_direction_is_that_of_their_median():
    """The plain effect, and the interval that holds 0, say nothing of it."""
    assert classified(contrast(0.1, 0.01, error=1.0, percentile=1.0)).outcome == "less"
    assert classified(contrast(0.1, 0.01, error=1.0, percentile=99.0)).outcome == "greater"
    opposite = classified(contrast(0.5, 0.01, percentile=1.0))  # whose whole interval lies above 0
    assert opposite.outcome == "inconclusive" and "on the other side of 0" in opposite.notes[0]


def test_a_ratio_to_zero_says_nothing():
    zero = contrast(1.0, 0.5, reference_value=0.0, observed=1.0)
    assert classified(zero).ratio is None and classified(zero).effect == 1.0


@pytest.mark.parametrize(
    ("changes", "reason", "kept"),
    [
        ({"undefined": "no edges"}, "no edges", 11.0),
        ({"observed": np.nan}, "the measured value is not a number", None),
        ({"reference_value": np.nan}, "its reference is not a number", 11.0),
        ({"observed": None}, "the measured value is not a number", None),
    ],
)
def test_what_has_no_value_has_no_numbers(changes, reason, kept):
    compared = contrast(1.0, 0.01, notes=("another",), **changes)
    result = classified(compared, margin=Margin(raw=1.0), expects={"modular": ("greater",)})
    assert result.outcome == "undefined" and result.notes == (reason, "another")
    assert result.observed == kept
    numbers = ("effect", "ratio", "interval", "margin", "p_value", "p_equivalence", "p_beyond")
    assert [getattr(result, name) for name in numbers] == [None] * len(numbers)
    assert result.stances == {"modular": "open", "distributed": "silent"}


def test_a_contrast_without_outcome_keeps_what_it_is_compared_with():
    result = classified(without_outcome("size_matched", "too few", variant="type"))
    assert (result.outcome, result.notes) == ("undefined", ("too few",))
    assert result.against == "size_matched (type)"


def test_stances_follow_from_outcome_expectation_and_role():
    expects = {"modular": ("less",), "distributed": ("greater", "equivalent")}
    result = classified(contrast(1.0, 0.01), expects=expects)
    assert result.stances == {"modular": "contradicts", "distributed": "supports"}
    assert result.expects == expects
    silent = classified(contrast(1.0, 0.01), expects=expects, role="descriptive")
    assert set(silent.stances.values()) == {"silent"}


def family(*p_values: float, roles: tuple[str, ...] = (), **decision: object):
    roles = roles or ("deciding",) * len(p_values)
    named = [{"id": f"p{place}", "role": role} for place, role in enumerate(roles)]
    plan = plan_of(*named, **decision)
    results = [
        classify_prediction(item, contrast(1.0, p_value), plan)
        for item, p_value in zip(plan.predictions, p_values, strict=True)
    ]
    return plan, results


@pytest.mark.parametrize("correction", ["bonferroni", "holm"])
def test_deciding_p_values_are_adjusted_together(correction):
    plan, results = family(0.01, 0.03, 0.5, correction=correction)
    adjusted = [item.p_adjusted for item in adjust_together(results, plan)]
    assert adjusted == pytest.approx(adjust([0.01, 0.03, 0.5], 3, correction))
    assert adjusted == pytest.approx({"bonferroni": [0.03, 0.09, 1], "holm": [0.03, 0.06, 0.5]}[correction])


def test_premises_and_descriptions_are_no_members_of_the_family():
    plan, results = family(0.01, 0.02, 0.03, roles=("premise", "deciding", "descriptive"))
    adjusted = adjust_together(results, plan)
    assert [item.p_adjusted for item in adjusted] == [None, 0.02, None]
    assert adjusted[0] is results[0]  # what does not change is not copied
    alone, without = family(0.01, roles=("premise",))
    assert adjust_together(without, alone) == tuple(without)


def test_an_undefined_prediction_still_counts():
    plan, results = family(0.01, 0.02)
    undefined = classify_prediction(plan.predictions[1], without_outcome("size_matched", "none"), plan)
    one, other = adjust_together([results[0], undefined], plan)
    assert (one.p_adjusted, other.p_adjusted) == (0.02, None)


def test_differences_and_equivalences_are_one_family_and_beyond_is_none_of_it():
    named = [{"id": name, "margin": Margin(raw=1.3)} for name in ("one", "other")]
    plan = plan_of(*named, correction="holm")
    results = [
        classify_prediction(item, contrast(1.0, p_value, error=0.2), plan)
        for item, p_value in zip(plan.predictions, (0.04, 0.3), strict=True)
    ]
    adjusted = adjust_together(results, plan)
    p_values = list(itertools.chain(*((item.p_value, item.p_equivalence) for item in results)))
    together = list(itertools.chain(*((item.p_adjusted, item.p_equivalence_adjusted) for item in adjusted)))
    assert together == pytest.approx(adjust(p_values, 2, "holm"))
    assert [item.p_beyond_adjusted for item in adjusted] == [min(1.0, 2 * item.p_beyond) for item in results]


def test_adjusting_again_changes_nothing():
    plan, results = family(0.01, 0.03, 0.5, correction="holm")
    once = adjust_together(results, plan)
    assert adjust_together(once, plan) == once


@pytest.mark.parametrize(
    ("level", "statuses"),
    [
        (0.1, ("supported", "refuted")),
        (0.05, ("supported", "undecided")),  # 0.04 of two is adjusted to 0.08
        (0.01, ("undecided", "undecided")),
    ],
)
def test_verdicts_use_the_protocols_level(level, statuses):
    expects = {"modular": ("greater",), "distributed": ("less",)}
    plan = plan_of({"id": "one", "expects": expects}, {"id": "other", "expects": expects}, level=level)
    results = [classify_prediction(item, contrast(1.0, 0.04), plan) for item in plan.predictions]
    verdicts = judge(adjust_together(results, plan), plan)
    assert tuple(item.status for item in verdicts) == statuses
    assert [item.hypothesis for item in verdicts] == list(plan.hypotheses)


def test_draws_are_tidy_by_prediction_and_null():
    one = contrast(1.0, 0.5, draws={"a": np.array([1.0, np.nan, 3.0]), "b (x)": np.array([4.0])})
    frame = null_frame({"first": one, "none": contrast(1.0, 0.5), "last": one})
    assert frame.rows()[:4] == [
        ("first", "a", 0, 1.0),
        ("first", "a", 1, None),  # a draw without a value
        ("first", "a", 2, 3.0),
        ("first", "b (x)", 0, 4.0),
    ]
    assert frame["prediction"].unique(maintain_order=True).to_list() == ["first", "last"]
    empty = null_frame({})
    assert empty.is_empty() and empty.schema == frame.schema
    assert frame.schema["draw"] == pl.Int32


def test_everything_else_of_a_contrast_is_kept():
    asked = Prediction(id="a", measure="effective_dimension", contrast={"null": "size_matched"})
    plan = plan_of()
    compared = contrast(1.0, 0.5, p_error=0.01, standardized=0.9, communities=((1, 2), (3,)), variant="v")
    result = classify_prediction(asked, compared, plan)
    for name in ("p_value", "p_error", "standardized", "interval", "communities", "variant", "reference_sd"):
        assert getattr(result, name) == getattr(compared, name), name
    assert dataclasses.replace(result, id="b").title == result.title != ""
