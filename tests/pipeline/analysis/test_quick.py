"""The short way finds what a run with as few draws finds, and leaves out what has no value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.nulls.form import Form
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.analysis.quick import QuickTest, few_draws, quick_tests
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.selection import select
from hypotest.testing.task import Task
from tests.pipeline.planted import GROUP, make_evidence, make_protocol

FEW = {"size_matched": {"draws": 79}, "local_matched": {"draws": 79}, "label_shuffled": {"draws": 39}}
"""As many as the short way draws at a level of 0.05."""
ASKED = {
    "special": {"measure": "selectivity", "contrast": {"null": "label_shuffled"}},
    "random": {"measure": "selectivity", "contrast": {"null": "size_matched"}},
    "dimension": {"measure": "effective_dimension", "contrast": {"null": "size_matched"}},
    "spectrum": {"measure": "hill_alpha", "contrast": {"null": "local_matched"}},
    "impact": {"measure": "top_head_impact", "contrast": {"null": "size_matched"}},
    "attention": {
        "measure": "attention_gini",
        "contrast": {"conditions": ["rare", "common"], "by": "document"},
    },
    "head": {"measure": "top_head_share", "contrast": {"reference": 0.5}},
    "routing": {"measure": "routing_similarity", "contrast": {"reference": 1.0}},
}


def protocol_of(*names: str, nulls: object = FEW, select: object = None) -> Protocol:
    made = make_protocol(ASKED[names[0]], select=select).model_dump(exclude_none=True)
    asked = [{"id": name, **ASKED[name]} for name in names]
    return Protocol.model_validate({**made, "nulls": nulls, "predictions": asked})


def quick(plan: Protocol, evidence: Evidence, **how: bool) -> dict[str, QuickTest]:
    session = Session.start(plan.seed)
    return quick_tests(Task(plan, evidence, select(plan, evidence, session.streams), session), **how)


def still(evidence: Evidence) -> Evidence:
    """Nothing varies where things are measured."""
    ones = np.ones_like(evidence.evaluation.activations)
    return replace(evidence, evaluation=evidence.evaluation.with_channels(activations=ones))


def test_so_few_draws_that_a_test_is_exact_at_the_level():
    plan = protocol_of("special")
    # (B + 1) 0.05 / 2 = 1 for labels, 2 for groups
    assert (few_draws(plan, Form.LABELS), few_draws(plan, Form.GROUPS)) == (39, 79)
    strict = plan.model_copy(update={"decision": plan.decision.model_copy(update={"level": 0.01})})
    assert (few_draws(strict, Form.LABELS), few_draws(strict, Form.GROUPS)) == (199, 399)


@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_effect_and_p_are_those_of_a_run_with_as_many_draws(effect):
    names = ("special", "random", "dimension", "spectrum", "impact", "attention", "head")
    plan, evidence = protocol_of(*names), make_evidence(0, effect=effect)
    tests = quick(plan, evidence)
    for item in analyse(plan, evidence).predictions:
        test = tests[item.id]
        assert test.effect == pytest.approx(item.effect, rel=1e-9), item.id
        assert test.p_value == pytest.approx(item.p_value), item.id
        assert test.blocked is any("no conclusion" in note for note in item.notes), item.id


def test_more_draws_than_those_are_not_taken():
    many = {name: {"draws": 999} for name in FEW}
    few, as_many = (
        quick(protocol_of("random", "special", nulls=nulls), make_evidence(1)) for nulls in (FEW, many)
    )
    assert few == as_many
    assert few["random"].p_value * 80 == pytest.approx(round(few["random"].p_value * 80))


def test_what_it_is_compared_with_is_named():
    tests = quick(protocol_of("special", "random", "attention"), make_evidence(0))
    assert {name: test.null for name, test in tests.items()} == {
        "special": "label_shuffled (type)",
        "random": "size_matched",
        "attention": "",
    }


def test_a_shorter_way_is_taken_unless_p_must_be_that_of_a_run():
    plan, evidence = protocol_of("routing"), make_evidence(0)
    short, exact = quick(plan, evidence)["routing"], quick(plan, evidence, exact=True)["routing"]
    (run,) = analyse(plan, evidence).predictions
    assert (exact.effect, exact.p_value) == (run.effect, run.p_value)
    assert short.effect != exact.effect  # by one halving
    attention, evidence = protocol_of("attention"), make_evidence(0)
    assert quick(attention, evidence) == quick(attention, evidence, exact=True)


def test_what_has_no_value_is_left_out_and_the_others_go_on():
    tests = quick(protocol_of("special", "dimension", "attention"), still(make_evidence(0)))
    assert list(tests) == ["special", "attention"]


def test_a_null_without_groups_leaves_its_predictions_out():
    """Of the whole layer there are no neighbours, and labels can still be shuffled."""
    plan = protocol_of("special", "spectrum", select="all", nulls={**FEW, "local_matched": {"draws": 79}})
    assert list(quick(plan, make_evidence(0))) == ["special"]


def test_a_null_that_concludes_nothing_is_blocked():
    """The whole group is louder on everything than any neighbour, so that few members can change places."""
    loud = make_evidence(0, loud=20.0, shared=3.0)
    tests = quick(protocol_of("spectrum", "dimension"), loud)
    assert tests["spectrum"].blocked and not tests["dimension"].blocked


def test_nulls_that_count_together_give_the_larger_p():
    together = ("rotated_correlation", "random_directions")
    nulls = {"size_matched": {"draws": 79}, **{name: {"draws": 39} for name in together}}
    made = make_protocol(ASKED["random"], select={"top": 6}).model_dump(exclude_none=True)
    asked = {"measure": "modularity", "options": {"restarts": 1}, "contrast": {"null": together[0]}}
    predictions = [{"id": "clustering", **asked, "role": "descriptive"}]
    plan = Protocol.model_validate({**made, "nulls": nulls, "predictions": predictions})
    evidence = make_evidence(0, effect=2.0)
    test = quick(plan, evidence)["clustering"]
    assert test.null == " and ".join(together)
    (run,) = analyse(plan, evidence).predictions
    p_values = {rung.null: rung.p_value for rung in run.ladder}
    assert p_values[together[0]] != p_values[together[1]]
    assert test.p_value == max(p_values[name] for name in together)


def test_what_is_planted_is_found_on_few_draws():
    tests = quick(protocol_of("special", "random"), make_evidence(0, effect=1.0))
    assert tests["special"].p_value == pytest.approx(2 / 40)
    assert tests["random"].p_value == pytest.approx(2 / 80)
    assert tests["random"].effect > 0.2 and GROUP == 20
