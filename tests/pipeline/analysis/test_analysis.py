"""A protocol on planted evidence: what is planted comes out, nothing else does, all by one seed."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest

import hypotest
from hypotest.engine.session import Session
from hypotest.errors import EvidenceError
from hypotest.pipeline.analysis import complete
from hypotest.pipeline.analysis.analysis import (
    Analysis,
    analyse,
    group_and_heads,
    group_needs,
    group_values,
)
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence, SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.selection import select
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence, make_protocol

LABELS, RANDOM = {"null": "label_shuffled"}, {"null": "size_matched"}
PREMISE = {"id": "special", "measure": "selectivity", "role": "premise", "contrast": LABELS}
DIMENSION = {"id": "dimension", "measure": "effective_dimension", "contrast": RANDOM}
CHANGE = {"id": "change", "measure": "selectivity", "contrast": RANDOM, "expects": {"modular": "greater"}}
ATTENTION = {
    "id": "attention",
    "measure": "attention_gini",
    "contrast": {"conditions": ["rare", "common"], "by": "document"},
}
FLATNESS = {
    "id": "regimes",
    "measure": "plateau_flatness",
    "contrast": {"conditions": ["rare", "common"], "null": "label_shuffled"},
}


def protocol_of(*predictions: dict, draws: int = 99, **changes: object) -> Protocol:
    made = make_protocol({"measure": "selectivity", "contrast": LABELS}, draws=draws)
    return Protocol.model_validate(made.model_dump() | {"predictions": predictions} | changes)


def written(analysis: Analysis) -> bytes:
    """Everything that an analysis says, as bytes."""
    said = (analysis.group, analysis.predictions, analysis.verdicts, analysis.regimes, analysis.dependence)
    parts = [json.dumps([dataclasses.asdict(item) for item in part]) for part in said[1:]]
    return "\n".join([json.dumps(dataclasses.asdict(said[0])), *parts, analysis.nulls.write_csv()]).encode()


@pytest.fixture(scope="module")
def planted() -> Analysis:
    return analyse(protocol_of(PREMISE, DIMENSION, ATTENTION, CHANGE), make_evidence(0, effect=1.0))


def test_predictions_come_in_the_order_of_the_protocol(planted):
    assert [item.id for item in planted.predictions] == ["special", "dimension", "attention", "change"]
    turned = protocol_of(CHANGE, ATTENTION, DIMENSION, PREMISE)
    other = analyse(turned, make_evidence(0, 1.0)).predictions
    assert [item.id for item in other] == ["change", "attention", "dimension", "special"]
    assert sorted(other, key=lambda item: item.id) == sorted(planted.predictions, key=lambda item: item.id)


def test_what_is_planted_is_greater(planted):
    by_id = {item.id: item for item in planted.predictions}
    assert by_id["special"].outcome == by_id["change"].outcome == "greater"
    assert by_id["special"].p_value == pytest.approx(2 / 100)  # beyond all 99 draws
    assert by_id["attention"].outcome == "inconclusive"  # drawn alike for both conditions
    assert set(planted.group.neurons) == set(range(GROUP))
    assert {item.hypothesis: item.status for item in planted.verdicts}["modular"] == "supported"


def test_where_nothing_is_planted_nothing_is_concluded():
    plan = protocol_of(PREMISE, DIMENSION, CHANGE)
    for seed in (0, 1):
        predictions = analyse(plan, make_evidence(seed)).predictions
        assert [item.outcome for item in predictions] == ["inconclusive"] * 3


def test_one_factor_behind_the_group_is_fewer_dimensions():
    result = analyse(protocol_of(DIMENSION), make_evidence(0, loud=4.0, shared=2.0)).predictions[0]
    assert result.outcome == "less" and result.effect < 0
    assert result.observed == pytest.approx(result.reference_value + result.effect)
    apart = analyse(protocol_of(DIMENSION), make_evidence(0, loud=4.0)).predictions[0]
    assert apart.outcome == "inconclusive" and result.observed < apart.observed - 3


def test_draws_of_nulls_are_tidy_and_whole(planted):
    nulls = planted.nulls
    assert nulls.columns == ["prediction", "null", "draw", "value"]
    for item in planted.predictions:
        for rung in item.ladder:
            assert rung.n_draws >= 99
            mine = nulls.filter(prediction=item.id, null=rung.key)
            assert mine["draw"].to_list() == list(range(rung.n_draws))
            assert mine["value"].mean() == pytest.approx(rung.mean)
    # by document and type there are only the types to deal out
    assert nulls.filter(prediction="attention")["null"].unique().to_list() == ["types permuted"]


def test_nulls_are_drawn_once_for_all_predictions():
    """Twice the same measure meets the same groups, and the p-values behind them are the same numbers."""
    twins = protocol_of(DIMENSION, {**DIMENSION, "id": "again"})
    analysis = analyse(twins, make_evidence(0))
    one, again = (
        analysis.nulls.filter(prediction=name, null="size_matched")["value"].to_list()
        for name in ("dimension", "again")
    )
    assert one == again and len(set(one)) > 90
    assert set(analysis.task.drawn) == {"size_matched", "label_shuffled"}
    assert analysis.task.drawn["size_matched"].shape == (99, GROUP)


def test_a_null_is_prepared_once(monkeypatch):
    plan, counted = protocol_of(PREMISE, DIMENSION, CHANGE), []
    from hypotest.nulls import registry

    null = registry.NULLS["size_matched"]

    def prepare(options, task):
        counted.append(options.draws)
        return null.prepare(options, task)

    counting = {**registry.NULLS, "size_matched": dataclasses.replace(null, prepare=prepare)}
    monkeypatch.setattr(registry, "NULLS", counting)
    analyse(plan, make_evidence(0))
    assert counted == [99]


def test_a_prediction_does_not_change_the_draws_of_another(planted):
    alone = analyse(protocol_of(CHANGE), make_evidence(0, effect=1.0))
    both = planted.nulls.filter(prediction="change")
    assert alone.nulls.filter(prediction="change").equals(both)
    (mine,) = alone.predictions
    theirs = next(item for item in planted.predictions if item.id == "change")
    assert mine.p_value == theirs.p_value and mine.ladder == theirs.ladder


def test_a_seed_gives_the_same_bytes_and_another_one_others(planted):
    plan = protocol_of(PREMISE, DIMENSION, ATTENTION, CHANGE)
    assert written(analyse(plan, make_evidence(0, effect=1.0))) == written(planted)
    other = analyse(plan.model_copy(update={"seed": 2}), make_evidence(0, effect=1.0))
    assert not other.nulls.equals(planted.nulls)
    assert [item.observed for item in other.predictions] == pytest.approx(
        [item.observed for item in planted.predictions], rel=1e-6
    )  # the group leads by far, so that what is measured hangs on no seed


def test_a_session_brings_the_seed(planted):
    plan = protocol_of(CHANGE).model_copy(update={"seed": 77})
    analysis = analyse(plan, make_evidence(0, effect=1.0), session=Session.start(1))
    assert analysis.nulls.equals(planted.nulls.filter(prediction="change"))


def test_each_prediction_is_a_stage_that_ends():
    steps: dict[str, list[int]] = {}

    def start_stage(name, n_steps):
        steps[name] = [n_steps, 0]

        return lambda: steps[name].__setitem__(1, steps[name][1] + 1)

    plan = protocol_of(PREMISE, DIMENSION, ATTENTION)
    analyse(plan, make_evidence(0), session=Session.start(plan.seed, start_stage))
    stages = [name for name in steps if name.split(":")[0] in ("special", "dimension", "attention")]
    expected = ["special: selectivity", "dimension: effective_dimension", "attention: attention_gini"]
    assert [name for name in stages if name in expected] == expected
    assert all(steps[name] == [1, 1] for name in expected)
    assert steps["predictions"] == [3, 3]
    assert all(taken == planned for planned, taken in steps.values())


def test_curves_are_there_only_where_a_prediction_is_about_them(planted):
    assert planted.regimes == ()
    curves = analyse(protocol_of(FLATNESS, draws=19), make_evidence(0, effect=1.0))
    assert [fit.condition for fit in curves.regimes] == ["rare", "common"]


def test_dead_neurons_change_nothing_but_their_count(planted):
    evidence = make_evidence(0, effect=1.0)
    order = np.r_[np.arange(N_NEURONS), np.arange(5)]  # five more, which never vary
    larger = evidence.of_neurons(order)
    still = larger.selection.activations.copy()
    still[:, N_NEURONS:] = 0.25
    larger = dataclasses.replace(
        larger, numbers=None, n_left_out=0, selection=larger.selection.with_channels(activations=still)
    )
    other = analyse(protocol_of(PREMISE, DIMENSION, ATTENTION, CHANGE), larger)
    assert (other.group.n_neurons, other.group.n_dead) == (N_NEURONS + 5, 5)
    assert other.group.neurons == planted.group.neurons
    assert other.predictions == planted.predictions and other.nulls.equals(planted.nulls)


def test_a_layer_that_never_varies_has_no_group():
    evidence = make_evidence(0)
    still = evidence.selection.with_channels(activations=np.ones_like(evidence.selection.activations))
    with pytest.raises(EvidenceError, match="0 of 200 units vary on the selection split"):
        analyse(protocol_of(PREMISE), dataclasses.replace(evidence, selection=still))


def test_what_another_network_contributes_is_what_an_analysis_observes(planted):
    values = group_values(protocol_of(PREMISE, DIMENSION, ATTENTION, CHANGE), make_evidence(0, effect=1.0))
    assert list(values) == ["special", "dimension", "change"]  # attention is no measure of a group
    observed = {item.id: item.observed for item in planted.predictions}
    assert values == pytest.approx({name: observed[name] for name in values}, rel=1e-12)


def spoiled(evidence: Evidence, split: str) -> Evidence:
    still = np.ones_like(evidence.selection.activations)
    return dataclasses.replace(evidence, **{split: getattr(evidence, split).with_channels(activations=still)})


def test_a_network_without_a_group_or_a_value_contributes_none():
    plan = protocol_of(PREMISE, DIMENSION)
    nothing = group_values(plan, spoiled(make_evidence(0), "selection"))
    assert list(nothing) == ["special", "dimension"] and np.isnan(list(nothing.values())).all()
    some = group_values(plan, spoiled(make_evidence(0), "evaluation"))
    assert np.isnan(some["dimension"]) and np.isfinite(some["special"])


def test_networks_are_a_rung_of_their_own():
    plan = protocol_of(CHANGE, nulls={"size_matched": {"draws": 99}, "untrained": {"networks": 3}})
    networks = [{"change": value} for value in (0.0, 0.1, 0.2)]
    analysis = analyse(plan, make_evidence(0, effect=1.0), networks=networks)
    assert analysis.nulls.filter(null="untrained")["value"].to_list() == [0.0, 0.1, 0.2]
    without = analyse(plan, make_evidence(0, effect=1.0))
    assert "untrained" not in without.nulls["null"].unique()


@pytest.mark.parametrize(
    ("predictions", "needs"),
    [
        ((ATTENTION,), set()),
        ((DIMENSION,), {Channel.ACTIVATIONS}),
        ((DIMENSION, CHANGE), {Channel.ACTIVATIONS, Channel.INFLUENCE}),
    ],
)
def test_what_measures_of_groups_read(predictions, needs):
    assert group_needs(protocol_of(*predictions)) == needs


def chosen_on(evidence: Evidence, plan: Protocol):
    rest = evidence.mean_activation, evidence.ablation
    return group_and_heads(plan, SelectionEvidence(evidence.selection, None, evidence.heads, *rest))


def test_the_group_and_its_head_follow_from_the_selection_split():
    plan, evidence = protocol_of(CHANGE), make_evidence(0, effect=1.0)
    chosen = chosen_on(evidence, plan)
    assert chosen.neurons.tolist() == list(range(GROUP))
    assert chosen.heads.tolist() == [1]  # which changes the planted neurons three times as much
    selected = select(plan, evidence, Session.start(plan.seed).streams)
    assert chosen.neurons.tolist() == selected.group.tolist()
    none = chosen_on(spoiled(evidence, "selection"), plan)
    assert none.neurons.size == none.heads.size == 0
    one = dataclasses.replace(evidence, selection=evidence.selection.of_documents(np.array([3])))
    assert chosen_on(one, plan).neurons.size == 0  # whose neurons are alive, and whose documents no halves
    headless = dataclasses.replace(evidence.selection, heads=None)
    without = chosen_on(dataclasses.replace(evidence, selection=headless), plan)
    assert without.neurons.tolist() == list(range(GROUP)) and without.heads.size == 0


def test_what_a_user_calls_adds_placebos_and_changes_no_test(planted):
    plan, evidence = (
        protocol_of(PREMISE, DIMENSION, ATTENTION, CHANGE, placebos=3),
        make_evidence(0, effect=1),
    )
    whole = complete.analyse(plan, evidence)
    assert hypotest.analyse is complete.analyse
    assert whole.placebos is not None and whole.placebos.n_splits == 3
    assert [len(item.effects) for item in whole.placebos.predictions if not item.reason] == [3] * 4
    assert whole.predictions == planted.predictions and whole.nulls.equals(planted.nulls)
    assert whole.verdicts == planted.verdicts
    none = complete.analyse(plan.model_copy(update={"placebos": 0}), evidence)
    assert none.placebos is None and none.predictions == planted.predictions


def test_a_hidden_cause_is_sought_where_a_matched_null_rejects():
    local = {**DIMENSION, "contrast": {"null": "local_matched"}}
    plan = protocol_of(local, placebos=0, nulls={"local_matched": {"draws": 99, "on": ["base_influence"]}})
    together = complete.analyse(plan, make_evidence(0, effect=1.0, shared=2.0)).predictions[0]
    assert together.p_value <= 0.05 and together.hidden_bias.strength >= 1
    apart = complete.analyse(plan, make_evidence(0)).predictions[0]
    assert apart.p_value > 0.05 and apart.hidden_bias is None


def test_an_analysis_without_draws_has_an_empty_frame_of_the_same_columns():
    plan = protocol_of({"id": "head", "measure": "top_head_share", "contrast": {"reference": 0.5}})
    analysis = analyse(plan, make_evidence(0))
    assert analysis.predictions[0].observed is not None
    assert analysis.nulls.schema == pl.Schema(
        {"prediction": pl.String, "null": pl.String, "draw": pl.Int32, "value": pl.Float64}
    )
    assert analysis.nulls.is_empty()
