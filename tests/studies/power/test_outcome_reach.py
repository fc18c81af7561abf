import numpy as np
import pytest
from scipy import stats

from hypotest.studies.power.outcome_reach import (
    EVEN,
    GOOD,
    reach_of_margin,
    reach_of_outcomes,
    refusals,
    warnings,
)
from tests.pipeline.planted import make_protocol
from tests.studies.power.test_grid import ATTENTION, DIMENSION, basis

T = float(stats.t.ppf(0.95, 39))


def plan(prediction, n_tests=1):
    made = make_protocol(prediction, draws=1999)
    more = [made.predictions[0].model_copy(update={"id": f"other-{place}"}) for place in range(1, n_tests)]
    return made.model_copy(update={"predictions": (*made.predictions, *more)})


def judged(base, prediction=DIMENSION, n_tests=1):
    protocol = plan(prediction, n_tests)
    reach = reach_of_outcomes(base, protocol, 40)
    margin = reach_of_margin(base, protocol, 40)
    return {item.outcome: item for item in reach}, margin, reach, protocol


def said(base, prediction=DIMENSION, n_tests=1):
    _, margin, reach, _ = judged(base, prediction, n_tests)
    return list(refusals(base.prediction, reach)), list(warnings(base.prediction, reach, margin))


def test_a_margin_that_holds_too_few_draws_is_refused():
    for half_width, refused in ((1.6, True), (1.7, False)):  # 89 % and 91 % of a normal null
        asked = {**DIMENSION, "margin": {"null_sd": half_width}}
        base = basis(asked, margin=3 * half_width, standard_error=0.01)
        assert bool(said(base, asked)[0]) == refused
    (reason,), _ = said(basis(margin=3.0, standard_error=0.01))
    assert reason.startswith("predictions.one: refused: modular expects `equivalent`")
    assert "68%" in reason  # P(|z| <= 1)
    assert "null_sd" in reason  # the margin that would do
    descriptive = basis({**DIMENSION, "role": "descriptive"}, margin=3.0)
    assert said(descriptive) == ([], [])
    silent = basis(
        {**DIMENSION, "expects": {"modular": "greater", "distributed": "any"}}, margin=3.0, standard_error=0.1
    )
    assert said(silent)[0] == []


def test_an_outcome_out_of_reach_is_warned_of_where_another_one_can_come_out():
    narrow = {"margin": 3.0, "standard_error": 0.01}
    either = {**DIMENSION, "expects": {"modular": "greater", "distributed": ["equivalent", "less"]}}
    refused, warned = said(basis(either, **narrow), either)
    assert refused == []
    (text,) = [text for text in warned if "distributed expects `equivalent`" in text]
    assert text.endswith("What can come out is `less`")
    both = {**DIMENSION, "expects": {"modular": "equivalent", "distributed": ["equivalent", "less"]}}
    (text,), _ = said(basis(both, **narrow), both)
    assert "modular and distributed expect `equivalent`" in text


@pytest.mark.parametrize(
    ("share", "status"), [(0.81, "good"), (0.79, "doubtful"), (0.51, "doubtful"), (0.49, "out of reach")]
)
def test_equivalence_is_judged_by_its_chance_for_an_ordinary_group(share, status):
    # P(|x| + t s <= 6) for x normal with SD 3, so that t s = 6 - 3 z((1 + share) / 2)
    error = (6 - 3 * stats.norm.ppf((1 + share) / 2)) / T
    reach, *_ = judged(basis(standard_error=error))
    assert reach["equivalent"].chance == pytest.approx(share, abs=0.003)
    assert reach["equivalent"].status == status
    refused, warned = said(basis(standard_error=error))
    assert bool(refused) == (status == "out of reach")
    assert bool(warned) == (status == "doubtful")
    assert EVEN == 0.5 and GOOD == 0.8  # the rule as it is written down in README
    for text in (*refused, *warned):
        assert f"{error:.2g} over documents" in text and "times the documents" in text


def test_without_a_null_it_is_judged_for_no_effect_at_all():
    # P(|estimate| <= 6 - t s), estimate normal with SD s: s = 1 is plenty, s = 3 leaves 0.9 of room to 3
    good, poor = (judged(basis(ATTENTION, standard_error=error), ATTENTION) for error in (1.0, 3.0))
    assert good[0]["equivalent"].status == "good"
    assert poor[0]["equivalent"].status == "out of reach"
    assert poor[0]["equivalent"].chance < 0.3
    assert poor[0]["greater"].status == "good"


def test_an_equivalence_that_is_never_concluded_is_refused_and_one_unforeseen_is_not():
    (reason,), _ = said(basis())  # 40 documents and no interval
    assert "0%" in reason and "no interval" in reason
    few, *_ = judged(basis(n_measured=15))
    assert (few["equivalent"].status, few["equivalent"].chance) == ("unknown", None)


def test_a_difference_is_judged_for_three_units():
    reach, *_ = judged(basis(standard_error=0.1))
    # significant from 1.96 SDs on; with a margin of 2, less the interval, none of these is equivalent
    assert reach["less"].chance == pytest.approx(stats.norm.sf(1.96 - 3), abs=0.01)
    assert reach["less"].status == "good"
    reach, *_ = judged(basis(standard_error=0.1, margin=9.0))
    # with a margin of 3 SDs those up to 3 less the interval are: P(x + 3 > 3 - t 0.1 / 3)
    assert reach["less"].chance == pytest.approx(stats.norm.cdf(T * 0.1 / 3), abs=0.01)
    assert reach["less"].status == "doubtful"
    unseen = basis(standard_error=0.1, draws=np.repeat([-3.0, 3.0], 500), margin=30.0)
    assert judged(unseen)[0]["less"].status == "doubtful"


def test_a_margin_beyond_the_significant_effect_is_too_wide():
    for n_tests, critical in ((1, 1.960), (7, 2.690)):
        for factor, wide in ((1.0, False), (1.2, True)):
            width = 3 * critical * factor
            asked = {**DIMENSION, "margin": {"null_sd": critical * factor}}
            base = basis(asked, margin=width, standard_error=0.1)
            _, margin, _, _ = judged(base, asked, n_tests)
            assert margin.widest == pytest.approx(critical, rel=0.06)
            assert margin.too_wide is wide
            assert any("too wide" in text for text in said(base, asked, n_tests)[1]) == wide


def test_the_margin_that_is_needed_has_a_good_chance_and_a_narrower_one_has_not():
    asked = {**DIMENSION, "margin": {"null_sd": 1.7}}
    base = basis(asked, margin=5.1, standard_error=1.0)
    reach, margin, _, protocol = judged(base, asked)
    assert reach["equivalent"].status != "good"
    # P(|x| <= m - t) = 0.8 at m = 3 z(0.9) + t
    assert margin.needed == pytest.approx((3 * stats.norm.ppf(0.9) + T) / 3, rel=0.01)
    wider = basis(
        {**asked, "margin": {"null_sd": margin.needed * 1.001}},
        margin=3 * margin.needed * 1.001,
        standard_error=1.0,
    )
    assert reach_of_outcomes(wider, protocol, 40)[0].status == "good"


def test_without_a_null_no_margin_is_too_wide():
    _, margin, _, _ = judged(basis(ATTENTION, standard_error=0.01), ATTENTION)
    assert (margin.widest, margin.too_wide) == (None, False)
