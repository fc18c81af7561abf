"""The group against each null: what decides, what describes, what blocks a conclusion."""

from dataclasses import replace

import numpy as np
import pytest

from hypotest.nulls.registry import NULLS
from hypotest.pipeline.analysis.analysis import analyse, group_values
from hypotest.records.protocol.nulls import nulls_model
from tests.pipeline.planted import GROUP, make_evidence, make_protocol

Q = {
    "measure": "modularity",
    "options": {"restarts": 1},
    "contrast": {"null": "covariate_matched"},
    "margin": {"null_sd": 2},
    "expects": {"modular": "greater", "distributed": ["equivalent", "less"]},
}
DIMENSION = {
    "measure": "effective_dimension",
    "contrast": {"null": "size_matched"},
    "margin": {"null_sd": 2},
    "expects": {"modular": "any", "distributed": "less"},
}


def nulls(**declared):
    return nulls_model().model_validate(declared)


ALL = nulls(
    size_matched={"draws": 199},
    covariate_matched={"draws": 199},
    local_matched={"draws": 199},
    label_shuffled={"draws": 99, "unit": "document_type"},
    rewired={"draws": 49},
    rotated_correlation={"draws": 49},
    random_directions={"draws": 49},
    untrained={"networks": 2},
)


def with_nulls(prediction, nulls):
    plan = make_protocol(prediction).model_copy(update={"nulls": nulls})
    return plan


@pytest.mark.slow
def test_the_whole_ladder_with_the_deciding_null_first():
    plan = with_nulls(Q, ALL)
    evidence = make_evidence(0, effect=1.0)
    others = [group_values(plan, make_evidence(seed)) for seed in (1, 2)]
    analysis = analyse(plan, evidence, networks=others)
    (item,) = analysis.predictions
    assert [rung.id for rung in item.ladder] == [
        "covariate_matched",
        "size_matched",
        "local_matched",
        "label_shuffled (document_type)",
        "label_shuffled (position)",
        "rewired",
        "rotated_correlation",
        "random_directions",
        "untrained",
    ]
    assert item.reference == "covariate_matched"
    assert item.ladder[-1].z is None  # of two networks there is no SD
    assert all(rung.z is not None for rung in item.ladder[:-1])
    described = {rung.id for rung in item.ladder if rung.descriptive}
    assert described == {
        "label_shuffled (document_type)",
        "label_shuffled (position)",
        "rewired",
        "rotated_correlation",
        "random_directions",
        "untrained",
    }
    by_null = dict(analysis.nulls.group_by("null").len().iter_rows())
    assert by_null["rewired"] == 49
    assert by_null["untrained"] == 2
    group = analysis.group
    assert {row.covariate for row in group.balance if row.null == "covariate_matched"} == set(
        plan.nulls.covariate_matched.on
    )
    assert {row.covariate for row in group.balance if row.null == "local_matched"} == {
        "activation_sd",
        "base_influence",
    }
    facts = group.draws["local_matched"]
    assert 5 <= facts["movable"] <= len(group.neurons)
    assert 0 < facts["shared"] < 1
    assert 0 < facts["reliability"] <= 1


@pytest.mark.slow
def test_every_p_value_follows_from_the_stored_draws():
    plan = with_nulls(Q, ALL)
    analysis = analyse(plan, make_evidence(0, effect=1.0), networks=[{"one": 0.1}, {"one": 0.2}])
    (item,) = analysis.predictions
    for rung in (*item.ladder, *item.arms):
        draws = analysis.nulls.filter(null=rung.key)["value"].to_numpy()
        tails = {"less": (draws <= rung.observed).sum(), "greater": (draws >= rung.observed).sum()}
        if (side := NULLS[rung.null].alternative) == "two-sided":
            assert rung.p_value == min(1.0, 2 * (min(tails.values()) + 1) / (draws.size + 1)), rung.key
        else:
            assert rung.p_value == (tails[side] + 1) / (draws.size + 1), rung.key


def test_unbalanced_matching_concludes_nothing():
    """The planted neurons alone vary tenfold: no other neuron is like them, but they are not all selected."""
    evidence = make_evidence(3, effect=1.0, shared=2.0)
    loud = evidence.selection.activations.copy()
    loud[:, : GROUP + 5] *= np.linspace(1, 50, GROUP + 5) ** 2
    evidence = replace(evidence, selection=evidence.selection.with_channels(activations=loud))
    plan = with_nulls({**DIMENSION, "contrast": {"null": "covariate_matched"}}, ALL)
    (item,) = analyse(plan, evidence).predictions
    worst = max(analyse(plan, evidence).group.balance, key=lambda row: abs(row.after))
    matched = item.ladder[0]
    if abs(worst.after) > 0.25:
        assert item.outcome == "inconclusive"
        assert worst.covariate in item.notes[-1]
    else:  # then the draws can hardly be anything but the group itself
        assert matched.sd < item.ladder[1].sd


def test_sequential_stopping_ends_early_where_nothing_is_there():
    evidence = make_evidence(4)
    (item,) = analyse(
        with_nulls(DIMENSION, nulls(size_matched={"draws": 20_000, "stop_after": 30})), evidence
    ).predictions
    (rung,) = item.ladder
    assert rung.planned_draws == 20_000
    assert rung.n_draws == 1000  # looked at after every thousand
    assert 0.01 < rung.p_value <= 1


def test_sequential_stopping_never_ends_before_the_end_for_a_real_effect():
    plan = with_nulls(DIMENSION, nulls(size_matched={"draws": 3000, "stop_after": 30}))
    (item,) = analyse(plan, make_evidence(1, effect=1.0, shared=1.5)).predictions
    (rung,) = item.ladder
    assert rung.planned_draws is None
    assert rung.n_draws == 3000
    assert rung.p_value == pytest.approx(2 / 3001)


def test_untrained_networks_decide_when_there_are_enough():
    plan = with_nulls(
        {**DIMENSION, "contrast": {"null": "untrained"}, "margin": {"raw": 1}},
        nulls(untrained={"networks": 60}),
    )
    values = [{"one": 100 + 0.01 * number} for number in range(60)]
    (item,) = analyse(plan, make_evidence(1, effect=1.0, shared=1.5), networks=values).predictions
    assert item.reference == "untrained"
    assert not item.ladder[0].descriptive
    assert item.outcome == "less"
    assert item.interval is None
    assert any("no interval" in note for note in item.notes)


def test_values_without_nulls_are_those_of_the_analysis():
    plan, evidence = with_nulls(DIMENSION, ALL), make_evidence(1, effect=1.0, shared=1.5)
    (item,) = analyse(plan, evidence).predictions
    assert group_values(plan, evidence) == {"one": item.observed}
