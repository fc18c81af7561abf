"""Predictions of several runs: what is pooled, on which scale, and what is left out with its reason."""

import copy
import dataclasses

import numpy as np
import pytest

from hypotest.inference.meta_analysis import pool_effects
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.reselection import Reselection
from hypotest.report.run import Run
from hypotest.studies.compare.pooling import OpenedRun, are_studies, compare_predictions
from tests.example import AS_PUBLISHED, EXAMPLE


@pytest.fixture(scope="module")
def published():
    return Run.open(AS_PUBLISHED)


def opened(run, label, *, weights=None, text=None, **changes):
    """A run under another model and text, with changed results of named predictions."""
    hashes = {"weights": weights or f"weights {label}", "text": text or {"a": f"text {label}"}}
    predictions = tuple(
        dataclasses.replace(item, **changes.get(item.id.replace("-", "_"), {}))
        for item in run.results.predictions
    )
    results = dataclasses.replace(run.results, predictions=predictions)
    return OpenedRun(label, results, Protocol.model_validate(results.protocol), hashes)


def shifted(run, name, by):
    """Changes that move an effect and its intervals."""
    item = next(one for one in run.results.predictions if one.id == name)
    move = {
        key: dataclasses.replace(value, low=value.low + by, high=value.high + by)
        for key in ("interval", "interval_95")
        if (value := getattr(item, key)) is not None
    }
    return {"effect": item.effect + by, **move}


def selected_again(run, name, factor, **changes):
    """Changes that give a result errors of a new selection, so many times those of its group."""
    item = next(one for one in run.results.predictions if one.id == name)
    interval = item.interval_95
    centre = (interval.low + interval.high) / 2
    half = factor * (interval.high - interval.low) / 2
    error = factor * interval.standard_error
    again = Reselection(error, 31, (centre - half, centre + half), error**2, 0.0, 0.0, 310, 0.9, (40, 42))
    return {"reselection": again, **changes}


def of(predictions, name):
    (item,) = [one for one in predictions if one.id == name]
    return item


def test_effects_against_a_null_are_in_its_sds(published):
    runs = [
        opened(published, "A"),
        opened(published, "B", coordination=shifted(published, "coordination", 1.0)),
        opened(published, "C", coordination=shifted(published, "coordination", -2.0)),
    ]
    compared = of(compare_predictions(runs, 0.05), "coordination")
    item = next(one for one in published.results.predictions if one.id == "coordination")
    sd, interval = item.reference_sd, item.interval_95
    centre = (interval.low + interval.high) / 2
    effects = np.array([centre, centre + 1, centre - 2]) / sd
    assert compared.scale == "SDs of the null"
    assert [one.effect for one in compared.runs] == pytest.approx(effects)
    assert [one.standard_error for one in compared.runs] == pytest.approx([interval.standard_error / sd] * 3)
    expected = pool_effects(effects, np.full(3, interval.standard_error / sd))
    assert compared.pooled == dataclasses.replace(expected, p_heterogeneity=None)  # of fixed groups
    assert [one.weight for one in compared.runs] == pytest.approx(expected.weights)
    assert compared.margin == pytest.approx((-2.0, 2.0)) and compared.margins_agree
    assert compared.outcome == "less"


def test_between_conditions_they_keep_their_unit(published):
    runs = [
        opened(published, "A"),
        opened(published, "B", attention=shifted(published, "attention", 0.001)),
        opened(published, "C", attention=shifted(published, "attention", -0.001)),
    ]
    compared = of(compare_predictions(runs, 0.05), "attention")
    assert compared.scale == "Gini coefficient, rare - common"
    assert compared.against == "common"
    assert compared.margin == (-0.05, 0.05)
    assert compared.outcome == "equivalent" and compared.p_equivalence < 0.05
    assert compared.pooled.effect == pytest.approx(-0.0063, abs=1e-3)


def test_a_declared_number_is_named(published):
    compared = of(compare_predictions([opened(published, "A"), opened(published, "B")], 0.05), "single-head")
    assert compared.against == "0.5, declared"


def test_models_that_disagree_are_inconclusive(published):
    runs = [
        opened(published, "A"),
        opened(published, "B", attention=shifted(published, "attention", 0.2)),
        opened(published, "C", attention=shifted(published, "attention", -0.2)),
    ]
    compared = of(compare_predictions(runs, 0.05), "attention")
    assert compared.outcome == "inconclusive"
    assert compared.pooled.i2 > 0.99


def test_the_narrowest_margin_counts(published):
    changes = {"attention": {**shifted(published, "attention", 0.001), "margin": (-0.01, 0.02)}}
    compared = of(
        compare_predictions([opened(published, "A"), opened(published, "B", **changes)], 0.05), "attention"
    )
    assert compared.margin == (-0.01, 0.02) and not compared.margins_agree
    none = opened(published, "C", attention={"margin": None})
    compared = of(compare_predictions([opened(published, "A"), none], 0.05), "attention")
    assert compared.margin is None and compared.p_equivalence is None


def test_predictions_without_an_interval_are_shown_and_not_pooled(published):
    compared = of(compare_predictions([opened(published, "A"), opened(published, "B")], 0.05), "spectrum")
    assert compared.pooled is None and compared.outcome is None
    assert compared.why_not_pooled == "each has no interval over documents"
    assert {one.why_not_pooled for one in compared.runs} == {"no interval over documents"}
    assert [one.effect for one in compared.runs] == pytest.approx([-6.34, -6.34], abs=0.01)


def test_checkpoints_of_one_training_are_one_model(published):
    runs = []
    for label, revision in (("A", "step1000"), ("B", "step2000")):
        run = opened(published, label)
        subject = run.plan.subject.model_copy(update={"model": "owner/a", "revision": revision})
        runs.append(dataclasses.replace(run, plan=run.plan.model_copy(update={"subject": subject})))
    compared = of(compare_predictions(runs, 0.05), "coordination")
    assert compared.pooled is None
    assert compared.runs[1].why_not_pooled == "another checkpoint of the model of A: not another model"


def test_the_same_weights_count_once(published):
    runs = [
        opened(published, "A", weights="same"),
        opened(published, "B", weights="same"),
        opened(published, "C"),
    ]
    compared = of(compare_predictions(runs, 0.05), "routing")
    assert [one.weight is not None for one in compared.runs] == [True, False, True]
    assert compared.runs[1].why_not_pooled == "the same weights as A: not another model"
    assert compared.pooled.n_effects == 2


def test_why_nothing_is_left_to_pool(published):
    twins = [opened(published, label, weights="same", text={"a": "one"}) for label in "AB"]
    assert of(compare_predictions(twins, 0.05), "routing").why_not_pooled == (
        "fewer than two effects are left (B: the same weights as A: not another model)"
    )


def test_errors_are_shared_where_texts_are(published):
    apart = of(compare_predictions([opened(published, "A"), opened(published, "B")], 0.05), "routing")
    text = {"c4": "one hash"}
    same = [opened(published, label, text=text) for label in "AB"]
    together = of(compare_predictions(same, 0.05), "routing")
    assert not apart.pooled.shared_errors and together.pooled.shared_errors
    assert together.pooled.interval_95.standard_error > apart.pooled.interval_95.standard_error


def test_a_data_set_of_the_hub_is_one_text_however_much_was_read(published):
    runs = []
    for label, documents in (("A", 10), ("B", 20)):
        run = opened(published, label)
        protocol = copy.deepcopy(run.results.protocol)
        protocol["corpus"]["text"] = {
            "hub": "allenai/c4",
            "config": "en",
            "split": "v",
            "documents": documents,
        }
        runs.append(dataclasses.replace(run, plan=Protocol.model_validate(protocol)))
    assert runs[0].texts & runs[1].texts == {"allenai/c4 en v"}


def test_other_questions_of_the_same_name_stay_apart(published):
    shuffled = Run.open(EXAMPLE)
    runs = [opened(shuffled, "A"), opened(published, "B"), opened(published, "C")]
    alone, pair = (one for one in compare_predictions(runs, 0.05) if one.id == "clustering")
    assert [one.run for one in alone.runs] == ["A"] and alone.pooled is None
    assert alone.why_not_pooled == "only A asks with contrast {null: local_matched}"
    assert [one.run for one in pair.runs] == ["B", "C"] and pair.pooled is not None
    shared = of(compare_predictions(runs, 0.05), "attention")
    assert [one.run for one in shared.runs] == ["A", "B", "C"]


def test_other_options_are_another_question_and_defaults_are_not(published):
    run = opened(published, "B")
    protocol = copy.deepcopy(run.results.protocol)
    plan = next(item for item in protocol["predictions"] if item["id"] == "coordination")

    def changed(options):
        plan["options"] = options
        return dataclasses.replace(run, plan=Protocol.model_validate(protocol))

    first = opened(published, "A")
    assert of(compare_predictions([first, changed({})], 0.05), "coordination").pooled is not None
    names = [one.id for one in compare_predictions([first, changed({"variance": 0.9})], 0.05)]
    assert names.count("coordination") == 2


def test_a_prediction_that_one_run_has_alone(published):
    fewer = opened(published, "B")
    predictions = tuple(item for item in fewer.results.predictions if item.id != "routing")
    fewer = dataclasses.replace(fewer, results=dataclasses.replace(fewer.results, predictions=predictions))
    compared = of(compare_predictions([opened(published, "A"), fewer], 0.05), "routing")
    assert compared.why_not_pooled == "only A has it"


def test_errors_of_a_new_selection_are_taken_where_runs_have_them(published):
    changes = selected_again(published, "coordination", 2.0)
    runs = [opened(published, label, coordination=changes) for label in "ABC"]
    compared = of(compare_predictions(runs, 0.05), "coordination")
    item = next(one for one in published.results.predictions if one.id == "coordination")
    assert [one.errors_of for one in compared.runs] == ["new selection"] * 3
    assert [one.standard_error for one in compared.runs] == pytest.approx(
        [2 * item.interval_95.standard_error / item.reference_sd] * 3
    )
    # equal effects: Q = 0
    assert compared.pooled.p_heterogeneity == pytest.approx(1.0) and compared.not_replications == ""


def test_errors_of_fixed_groups_do_not_pass_for_replications(published):
    changes = selected_again(published, "coordination", 2.0)
    runs = [opened(published, "A", coordination=changes), opened(published, "B"), opened(published, "C")]
    compared = compare_predictions(runs, 0.05)
    mixed = of(compared, "coordination")
    assert [one.errors_of for one in mixed.runs] == ["new selection", "fixed group", "fixed group"]
    assert mixed.pooled is not None and mixed.pooled.p_heterogeneity is None
    assert mixed.not_replications.startswith("B and C have errors of a fixed group only")
    assert "intervals: {reselection: true}" in mixed.not_replications
    conditions = of(compared, "attention")  # for which nothing is selected
    assert {one.errors_of for one in conditions.runs} == {"no group"}
    assert conditions.pooled.p_heterogeneity is not None and conditions.not_replications == ""


def test_studies_of_one_network_are_pooled_as_such(published):
    changes = selected_again(published, "coordination", 2.0)
    runs = [opened(published, label, weights="same", coordination=changes) for label in "ABC"]
    compared = compare_predictions(runs, 0.05)
    studies = of(compared, "coordination")
    assert studies.pooled_over == "studies" and studies.pooled.n_effects == 3
    assert studies.scale == "dimensions"  # one network: its own unit
    assert studies.replicability == ()  # of models; this is one
    fixed = of(compared, "clustering")
    assert fixed.pooled is None
    assert fixed.why_not_pooled == (
        "each has errors of a fixed group only, no replication: run it with intervals: {reselection: true}"
    )
    layers = [
        dataclasses.replace(run, results=dataclasses.replace(run.results, subject={"layer": place}))
        for place, run in enumerate(runs)
    ]
    assert not are_studies(layers) and not are_studies(runs[:1]) and are_studies(runs)


def test_in_how_many_models_an_outcome_holds(published):
    """p of coordination .001, .04 and .6 for less: 3 x .001, 2 x .04, .6; over M predictions .05 / M."""
    runs = [
        opened(published, label, coordination={"p_value": p_value}, specialization={"outcome": "undefined"})
        for label, p_value in zip("ABC", (0.001, 0.04, 0.6), strict=True)
    ]
    compared = compare_predictions(runs, 0.05)
    less, greater, equivalent = of(compared, "coordination").replicability
    assert (less.outcome, less.n_models) == ("less", 3)
    assert less.p_values == pytest.approx((0.003, 0.08, 0.6))
    assert (less.at_least, less.at_least_adjusted) == (1, 1)  # .003 <= .05 / M for M up to 16
    assert greater.p_values == (1.0, 1.0, 1.0) and greater.at_least == 0
    assert equivalent.outcome == "equivalent"
    premise = of(compared, "specialization").replicability
    assert all(one.p_values == (1.0, 1.0, 1.0) and one.at_least_adjusted is None for one in premise)


def test_what_is_blocked_counts_for_nothing_and_checkpoints_count_once(published):
    item = next(one for one in published.results.predictions if one.id == "coordination")
    blocked = (dataclasses.replace(item.ladder[0], blocked="too few"), *item.ladder[1:])
    runs = [
        opened(published, "A"),
        opened(published, "B", coordination={"ladder": blocked}),
        opened(published, "C", weights="weights A"),
    ]
    less = of(compare_predictions(runs, 0.05), "coordination").replicability[0]
    assert less.n_models == 2 and less.p_values == pytest.approx((2 * item.p_value, 1.0))
