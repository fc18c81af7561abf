import dataclasses

import numpy as np
import pytest
from scipy import stats

from hypotest.pipeline.analysis.outcomes import adjust_together, classify_prediction
from hypotest.pipeline.analysis.sensitivity import kind_of, with_sensitivity
from hypotest.records.protocol.prediction import Margin
from hypotest.records.results.prediction_result import Interval
from hypotest.testing.contrast import MeasuredContrast
from hypotest.verdict import decide
from tests.pipeline.planted import make_protocol

DRAWS = 10 + np.linspace(-2, 2, 1999)
"""A flat null: 90 % of its draws lie within 1.8 of its mean."""
SD = float(DRAWS.std(ddof=1))


def plan(margin, **expects):
    protocol = make_protocol({"measure": "effective_dimension", "contrast": {"null": "size_matched"}})
    (asked,) = protocol.predictions
    asked = asked.model_copy(update={"margin": margin, "expects": expects})
    return protocol.model_copy(update={"predictions": (asked,)})


def compared(effect, error, p_value, draws=DRAWS, freedom=30):
    half = float(stats.t.ppf(0.95, freedom)) * error
    return MeasuredContrast(
        observed=10 + effect,
        reference="size_matched",
        reference_value=10.0,
        reference_sd=SD,
        p_value=p_value,
        percentile=50 + 49 * np.sign(effect),
        interval=Interval(effect - half, effect + half, 0.90, error, freedom),
        sd_draws=draws,
        deciding_draws=draws,
    )


def sensitivity_of(protocol, comparison):
    (asked,) = protocol.predictions
    results = adjust_together([classify_prediction(asked, comparison, protocol)], protocol)
    return with_sensitivity(results, {asked.id: comparison}, protocol)[0].sensitivity


def verdicts(protocol, comparison):
    (asked,) = protocol.predictions
    results = adjust_together([classify_prediction(asked, comparison, protocol)], protocol)
    return {item.hypothesis: item.status for item in decide(results, protocol.hypotheses, 0.05)}


def test_the_smallest_margin_is_the_farther_end_of_the_interval():
    protocol = plan(Margin(raw=3.0), modular=("less",), distributed=("equivalent",))
    item = sensitivity_of(protocol, compared(-1.0, 0.6, 0.2))
    # |-1 - t(0.95; 30) 0.6| = 1 + 1.6973 x 0.6 = 2.0184, beyond the 1.8 that the ceiling needs
    assert item.smallest == pytest.approx(2.0184, abs=1e-4)
    assert item.smallest_in_kind == item.smallest
    assert (item.kind, item.declared) == ("raw", 3.0)


def test_the_ceiling_can_need_a_wider_margin_than_the_interval():
    protocol = plan(Margin(raw=3.0), modular=("less",), distributed=("equivalent",))
    item = sensitivity_of(protocol, compared(-0.1, 0.1, 0.9))
    assert item.smallest == pytest.approx(1.8, abs=0.01)


def test_it_is_told_in_the_kind_of_the_protocol():
    item = sensitivity_of(plan(Margin(null_sd=2), distributed=("equivalent",)), compared(-1.0, 0.6, 0.2))
    assert (item.kind, item.declared) == ("null_sd", 2.0)
    assert item.smallest_in_kind == pytest.approx(item.smallest / SD)
    item = sensitivity_of(plan(Margin(ratio=0.3), distributed=("equivalent",)), compared(-1.0, 0.6, 0.2))
    assert item.smallest_in_kind == pytest.approx(item.smallest / 10)
    assert kind_of(Margin(ratio=0.3)) == ("ratio", 0.3)


def test_a_narrower_margin_is_told_as_it_was_declared():
    """Groups that keep three quarters of the group: what 2 SDs say of the whole, half an SD says of them."""
    comparison = dataclasses.replace(compared(-0.1, 0.02, 0.9, draws=10 + (DRAWS - 10) / 8), exchanged=0.25)
    protocol = plan(Margin(null_sd=2), distributed=("equivalent",))
    comparison = dataclasses.replace(comparison, sd_draws=DRAWS)
    (asked,) = protocol.predictions
    assert classify_prediction(asked, comparison, protocol).margin == pytest.approx((-SD / 2, SD / 2))
    item = sensitivity_of(protocol, comparison)
    assert item.smallest_in_kind == pytest.approx(item.smallest / SD / 0.25)
    narrower = plan(Margin(null_sd=0.99 * item.smallest_in_kind), distributed=("equivalent",))
    wider = plan(Margin(null_sd=1.01 * item.smallest_in_kind), distributed=("equivalent",))
    outcomes = [classify_prediction(one.predictions[0], comparison, one).outcome for one in (narrower, wider)]
    assert outcomes == ["inconclusive", "equivalent"]


def test_outcome_and_verdicts_turn_where_they_are_said_to():
    """A decisive difference of -3: with a wide margin it is equivalent, and refutes who expected `less`."""
    protocol = plan(Margin(null_sd=2), modular=("less",), distributed=("equivalent",))
    comparison = compared(-3.0, 0.3, 0.001)
    item = sensitivity_of(protocol, comparison)
    turned = {name for flip in item.flips for name in flip.verdicts}
    assert turned == {"modular", "distributed"}
    for flip in item.flips:
        below, above = (
            plan(Margin(raw=flip.margin + step), modular=("less",), distributed=("equivalent",))
            for step in (-1e-6, 1e-6)
        )
        outcomes = [
            classify_prediction(one.predictions[0], comparison, one).outcome for one in (below, above)
        ]
        assert outcomes == [flip.below, flip.above]
        before, after = verdicts(below, comparison), verdicts(above, comparison)
        assert flip.verdicts == {
            name: (before[name], after[name]) for name in before if before[name] != after[name]
        }
        assert flip.below != flip.above or flip.verdicts
    assert [flip.above for flip in item.flips][-1] == "equivalent"
    assert [flip.margin for flip in item.flips] == sorted(flip.margin for flip in item.flips)
    # less is beyond the margin up to |c| - t s; between it and |c| + t s nothing refutes `equivalent`
    half = 1.6973 * 0.3
    assert [flip.margin for flip in item.flips] == pytest.approx([3 - half, 3 + half], abs=1e-3)


def test_what_never_is_equivalent_has_no_smallest_margin():
    protocol = plan(Margin(raw=3.0), modular=("less",), distributed=("equivalent",))
    blocked = dataclasses.replace(compared(-1.0, 0.6, 0.2), blocked="unbalanced")
    item = sensitivity_of(protocol, blocked)
    assert (item.smallest, item.smallest_in_kind, item.flips) == (None, None, ())


def test_without_margin_or_interval_nothing_is_said():
    comparison = compared(-1.0, 0.6, 0.2)
    assert sensitivity_of(plan(None, modular=("less",)), comparison) is None
    bare = dataclasses.replace(comparison, interval=None)
    assert sensitivity_of(plan(Margin(raw=3.0), modular=("less",)), bare) is None
