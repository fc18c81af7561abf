"""A paper's claims beside a run: agreement is shown, never assumed."""

import dataclasses
import math

import pytest

from hypotest.records.protocol.claims import Claim, Claims
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import OwnIntervals, SecondaryNumber
from hypotest.report.export import read_results
from hypotest.studies.compare.claim_checks import check_claims, claimed_text, judge_range, quantity_of
from tests.example import AS_PUBLISHED, EXAMPLE


@pytest.fixture(scope="module")
def published():
    return read_results(AS_PUBLISHED / "results.json")


@pytest.fixture(scope="module")
def shuffled():
    return read_results(EXAMPLE / "results.json")


def checked(results, models=("owner/other",), **says):
    claim = Claim(id="a", where="Table 1", says="x", **says)
    paper = Claims(hypotest_claims=1, source="arXiv:1", title="t", models=models, claims=(claim,))
    (check,) = check_claims(paper, results, Protocol.model_validate(results.protocol), "A")
    return check


def with_interval(results, name, low, high):
    """The run with another 95 % interval of one effect."""
    predictions = tuple(
        dataclasses.replace(item, interval_95=dataclasses.replace(item.interval_95, low=low, high=high))
        if item.id == name
        else item
        for item in results.predictions
    )
    return dataclasses.replace(results, predictions=predictions)


def without_bounds(results):
    """The run as one with too few documents: no number has an interval of its own."""
    predictions = tuple(
        dataclasses.replace(
            item,
            own_intervals=OwnIntervals(),
            secondary={name: SecondaryNumber(number.value) for name, number in item.secondary.items()},
        )
        for item in results.predictions
    )
    return dataclasses.replace(results, predictions=predictions)


@pytest.mark.parametrize(
    ("claimed", "interval", "agreement"),
    [
        ((0.8, 1.0), (0.85, 0.95), "agrees"),
        ((0.8, 1.0), (0.8, 1.0), "agrees"),
        ((0.8, 1.0), (0.7, 0.79), "disagrees"),
        ((0.8, 1.0), (1.01, 1.2), "disagrees"),
        ((0.8, 1.0), (0.7, 0.9), "open"),
        ((0.8, 1.0), (-9.0, 9.0), "open"),  # an interval that meets everything confirms nothing
        ((0.8, math.inf), (0.9, 5.0), "agrees"),
        ((-math.inf, 0.8), (0.9, 5.0), "disagrees"),
        ((0.8, 1.0), None, "open"),
    ],
)
def test_a_range_is_judged_as_a_margin_is(claimed, interval, agreement):
    judged, reason = judge_range(claimed, 0.9, interval)
    assert judged == agreement
    assert bool(reason) == (agreement == "open")


def test_without_an_interval_the_place_is_said(published):
    says = {"measure": "modularity", "contrast": {"null": "size_matched"}}
    bare = without_bounds(published)
    check = checked(bare, **says, interval=(0.05, 0.11))
    assert (check.agreement, check.quantity, check.interval) == ("open", "observed", None)
    (clustering,) = [item for item in published.predictions if item.id == "clustering"]
    assert check.measured == clustering.observed
    assert check.reason.startswith("outside the claimed range")
    assert checked(bare, **says, value=clustering.observed, sd=0.1).reason.startswith(
        "inside the claimed range"
    )


@pytest.mark.parametrize(
    ("says", "bounds", "agreement"),
    [
        ({"value": 0.34, "sd": 0.05}, (0.31, 0.36), "agrees"),
        ({"value": 0.34, "sd": 0.05}, (0.36, 0.42), "open"),
        ({"value": 0.34, "sd": 0.05}, (0.86, 0.91), "disagrees"),
    ],
)
def test_a_condition_is_judged_by_its_own_interval(published, says, bounds, agreement):
    """Concentration of attention where targets are rare, and where they are common."""
    (attention,) = [item for item in published.predictions if item.id == "attention"]
    for quantity in ("observed", "reference"):
        known = dataclasses.replace(attention, own_intervals=OwnIntervals(**{quantity: bounds}))
        results = dataclasses.replace(
            published,
            predictions=tuple(known if item is attention else item for item in published.predictions),
        )
        contrast = {"conditions": ["rare", "common"], "by": "document"}
        check = checked(results, measure="attention_gini", contrast=contrast, quantity=quantity, **says)
        assert check.interval == bounds and check.agreement == agreement


def test_the_observed_value_against_a_number_has_the_shifted_interval(published):
    (routing,) = [item for item in published.predictions if item.id == "routing"]
    value, interval = quantity_of(routing, "observed")
    assert value == routing.observed
    assert interval == pytest.approx((1 + routing.interval_95.low, 1 + routing.interval_95.high))
    check = checked(published, measure="routing_similarity", value=0.95, sd=0.06)
    assert check.agreement == "agrees"
    assert checked(published, measure="routing_similarity", value=0.5, sd=0.06).agreement == "disagrees"


@pytest.mark.parametrize(
    ("model", "claimed", "same"),
    [
        ("a/one", "0.7", True),
        ("twin/of-one", "0.7", True),
        ("a/two", "0.9", True),
        ("reference", "0.7 to 0.9", False),
    ],
)
def test_a_row_of_a_table_is_shown_and_not_judged(published, model, claimed, same):
    contrast = {"null": "size_matched"}
    claim = Claim(
        id="a", where="Table 1", says="x", measure="effective_dimension", contrast=contrast,
        quantity="reference", per="neuron", values={"a/one": 0.7, "a/two": 0.9},
    )  # fmt: skip
    paper = Claims(
        hypotest_claims=1, source="s", title="t", models=("a/one",), claims=(claim,),
        twins={"twin/of-one": "a/one"},
    )  # fmt: skip
    protocol = {**published.protocol, "subject": {"model": model}}
    results = dataclasses.replace(published, protocol=protocol)
    (check,) = check_claims(paper, results, Protocol.model_validate(protocol), "A")
    assert (check.agreement, check.claimed, check.same_model) == ("shown", claimed, same)
    (coordination,) = [item for item in results.predictions if item.id == "coordination"]
    assert check.measured == pytest.approx(coordination.reference_value / len(results.group.neurons))
    assert check.quantity == "reference per neuron" and check.reason == ""


def test_a_bare_value_is_not_judged_however_far_it_is(published):
    says = {"measure": "modularity", "contrast": {"null": "size_matched"}}
    assert checked(published, **says, value=99.0).agreement == "shown"


def test_an_effect_has_the_interval_of_the_run(published):
    says = {"measure": "effective_dimension", "contrast": {"null": "size_matched"}, "quantity": "effect"}
    assert checked(published, **says, interval=(-12.0, -5.0)).agreement == "agrees"
    assert checked(published, **says, at_least=0.0).agreement == "disagrees"
    wide = with_interval(published, "coordination", -100.0, 100.0)
    assert checked(wide, **says, interval=(-10.0, -8.0)).agreement == "open"


@pytest.mark.parametrize(
    ("measure", "outcome", "agreement"),
    [
        ("effective_dimension", "less", "agrees"),
        ("effective_dimension", "greater", "disagrees"),
        ("modularity", ("equivalent", "less"), "disagrees"),
        ("top_head_impact", "less", "disagrees"),
        ("hill_alpha", "less", "open"),
    ],
)
def test_outcomes(published, measure, outcome, agreement):
    if agreement == "open":
        inconclusive = [
            dataclasses.replace(item, outcome="inconclusive") if item.measure == measure else item
            for item in published.predictions
        ]
        published = dataclasses.replace(published, predictions=tuple(inconclusive))
    check = checked(published, measure=measure, contrast={"null": "size_matched"}, outcome=outcome)
    assert check.agreement == agreement
    assert check.quantity == "outcome"
    assert bool(check.reason) == (agreement == "open")


@pytest.mark.parametrize(
    ("says", "advice"),
    [
        ({"measure": "segregation"}, "no prediction measures it; add one with measure: segregation"),
        ({"measure": "hill_alpha", "options": {"tail": "fix_finger"}}, "spectrum has other options"),
        (
            {"measure": "hill_alpha", "contrast": {"null": "size_matched"}},
            "spectrum is compared by {null: local_matched}; add a prediction with measure: hill_alpha, "
            "contrast: {null: size_matched}",
        ),
    ],
)
def test_what_a_run_does_not_measure_is_said_with_what_to_add(shuffled, says, advice):
    check = checked(shuffled, **says, at_least=0.0)
    assert check.agreement == "not measured"
    assert advice in check.reason
    assert (check.prediction, check.measured) == (None, None)


def test_a_secondary_number_that_is_not_there(published):
    check = checked(published, measure="modularity", quantity="communties", at_least=1.0)
    assert check.agreement == "not measured"
    assert "it has observed, reference, effect, communities" in check.reason


@pytest.mark.parametrize(
    ("model", "revision", "same"),
    [
        ("EleutherAI/pythia-1b", None, True),
        ("/models/pythia-1b", None, True),
        ("EleutherAI/pythia-1b", "main", True),
        ("EleutherAI/pythia-1b", "step1000", False),
        ("EleutherAI/pythia-1b-deduped", None, False),
        ("reference", None, False),
    ],
)
def test_a_claim_about_another_model_is_marked(published, model, revision, same):
    protocol = {**published.protocol, "subject": {"model": model, "revision": revision}}
    results = dataclasses.replace(published, protocol=protocol)
    check = checked(results, ("EleutherAI/pythia-1b",), measure="modularity", at_least=0.0)
    assert check.same_model == same


@pytest.mark.parametrize(
    ("layer", "tested", "same"), [("last", 3, True), ("last", 1, False), (None, 1, True)]
)
def test_a_claim_about_the_last_layer_is_marked_on_another(published, layer, tested, same):
    claim = Claim(id="a", where="b", says="c", measure="modularity", at_least=0.0)
    paper = Claims(
        hypotest_claims=1, source="s", title="t", models=("reference",), layer=layer, claims=(claim,)
    )
    results = dataclasses.replace(published, subject={**published.subject, "layer": tested})
    (check,) = check_claims(paper, results, Protocol.model_validate(results.protocol), "A")
    assert check.same_model == same


def test_claims_in_words():
    def text(**says):
        contrast = {"null": "size_matched"}
        return claimed_text(Claim(id="a", where="b", says="c", measure="d", contrast=contrast, **says))

    assert text(value=2.0) == "2"
    assert text(interval=(0.05, 0.11)) == "0.05 to 0.11"
    assert text(at_most=3.0) == "at most 3" and text(at_least=3.0) == "at least 3"
    assert text(outcome=("equivalent", "less")) == "equivalent or less"
