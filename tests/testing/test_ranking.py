"""What neurons are ranked by, and what becomes of a group that is given."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from hypotest.engine.streams import Streams
from hypotest.errors import EvidenceError
from hypotest.estimators.regimes import influence
from hypotest.groups.live import without_dead
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.records.protocol.group import Group
from hypotest.testing.ranking import arms_under, basis, moments, ranking, welch_t
from hypotest.testing.selection import select, select_group, select_observed
from tests.pipeline.planted import N_NEURONS, make_evidence, make_protocol

SELECTIVITY = {"measure": "selectivity", "role": "premise", "contrast": {"null": "label_shuffled"}}
DIMENSION = {"measure": "effective_dimension", "contrast": {"null": "size_matched"}}


def test_welch_t_by_hand():
    # first: 1, 2, 3 (mean 2, variance 1); second: 2, 6 (mean 4, variance 8); t = -2 / sqrt(1/3 + 8/2)
    values = np.array([[1.0], [2.0], [3.0], [2.0], [6.0]])
    units = np.array([0, 0, 0, 1, 1])
    t = welch_t(moments(values, units), np.array([[True, False]]), np.array([[False, True]]))
    assert t[0, 0] == pytest.approx(-2 / np.sqrt(1 / 3 + 4))


def test_welch_t_is_that_of_scipy_under_every_labelling():
    rng = np.random.default_rng(0)
    activations = rng.gamma(2.0, size=(60, 7)).astype(np.float32) + 100  # a mean that would eat digits
    units, labels = rng.integers(0, 12, 60), rng.random((5, 12)) < 0.4
    statistics = welch_t(moments(activations, units), labels, ~labels)
    for row, t in zip(labels, statistics, strict=True):
        first = row[units]
        expected = stats.ttest_ind(
            activations[first].astype(float), activations[~first].astype(float), equal_var=False
        )
        np.testing.assert_allclose(t, expected.statistic, rtol=1e-8)


def test_a_neuron_that_never_varies_has_a_t_of_0_and_one_row_has_none():
    values, units = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 3.0]]), np.array([0, 1, 1])
    t = welch_t(moments(values, units), np.array([[True, False]]), np.array([[False, True]]))
    assert np.isnan(t).all()
    t = welch_t(
        moments(np.ones((4, 1)), np.array([0, 0, 1, 1])), np.eye(2, dtype=bool)[:1], np.eye(2, dtype=bool)[1:]
    )
    assert t[0, 0] == 0


def test_rankings_of_a_split():
    split = make_evidence(3, effect=1.0).selection
    own, other = influence(split.delta_loss, split.first), influence(split.delta_loss, split.second)
    np.testing.assert_allclose(
        ranking(split, split.first, split.second, "selectivity"), (own - other) / (own + other), rtol=1e-5
    )
    np.testing.assert_allclose(ranking(split, split.first, split.second, "delta_loss"), own, rtol=1e-5)
    expected = stats.ttest_ind(
        split.activations[split.first], split.activations[split.second], equal_var=False
    ).statistic
    np.testing.assert_allclose(ranking(split, split.first, split.second, "activation_t"), expected, rtol=1e-6)


@pytest.mark.parametrize("by", ["selectivity", "activation_t"])
def test_the_other_arm_has_both_conditions_change_places(by):
    split = make_evidence(3, effect=1.0).selection
    units = np.where(split.first, 0, 1)
    one = np.array([[True, False]])
    ((first, second),) = arms_under(one, ~one, basis(split, units, by))
    ((swapped, _),) = arms_under(~one, one, basis(split, units, by))
    np.testing.assert_allclose(second.whole, swapped.whole, rtol=1e-6)
    np.testing.assert_allclose(first.whole, -second.whole)


@pytest.mark.parametrize("by", ["delta_loss", "selectivity", "activation_t"])
def test_the_group_leads_the_ranking(by):
    evidence = make_evidence(5, effect=1.0)
    rule = Group.model_validate({"select": {"top": 9}, "by": by})
    observed = select_observed(evidence.selection, rule, Streams(1))
    split = evidence.selection
    ranked = ranking(split, split.first, split.second, by)
    assert observed.group.tolist() == np.argsort(-ranked)[:9].tolist()
    assert observed.rule == "top" and observed.reason == f"declared: the top 9 neurons of {N_NEURONS}"
    assert select_group(split, rule, Streams(1)).tolist() == sorted(observed.group.tolist())


@pytest.mark.parametrize("by", ["selectivity", "activation_t"])
def test_shuffled_labels_select_again_by_the_same_ranking(by):
    protocol = make_protocol(SELECTIVITY, draws=39, select={"top": 9})
    protocol = protocol.model_copy(update={"group": protocol.group.model_copy(update={"by": by})})
    analysis = analyse(protocol, make_evidence(5, effect=1.0))
    drawn = analysis.task.drawn["label_shuffled"]["type"]
    assert len({tuple(group) for group in drawn.first}) > 30
    labels = drawn.labels[0]
    split = analysis.task.evidence.selection
    both = np.concatenate([split.targets, analysis.task.evidence.evaluation.targets])
    own = labels[np.unique(both, return_inverse=True)[1]][: split.targets.size]
    expected = np.sort(np.argsort(-ranking(split, own, ~own, by))[:9])
    assert drawn.first[0].tolist() == expected.tolist()


def test_named_neurons_are_tested_as_they_are():
    evidence = make_evidence(5, effect=1.0)
    ids = (40, 3, 17)
    protocol = make_protocol(SELECTIVITY, draws=39, select={"ids": ids})
    analysis = analyse(protocol, evidence)
    assert sorted(analysis.group.neurons) == [3, 17, 40] and analysis.group.rule == "ids"
    assert analysis.group.control_neurons == ()
    own = influence(evidence.selection.delta_loss, evidence.selection.first)
    assert list(analysis.group.neurons) == sorted(ids, key=lambda number: -own[number])
    for shuffled in analysis.task.drawn["label_shuffled"].values():  # no null selects again
        assert {tuple(group) for group in (*shuffled.first, *shuffled.second)} == {(3, 17, 40)}
    (result,) = analysis.predictions
    assert result.ladder[0].sd > 0 and not result.arms
    assert "common_group" not in result.secondary


def test_a_weight_or_unlabelled_measure_of_named_neurons_has_nothing_to_shuffle():
    prediction = {"measure": "hill_alpha", "contrast": {"null": "size_matched"}}
    (result,) = analyse(
        make_protocol(prediction, draws=39, select={"ids": (1, 2, 3, 4)}), make_evidence(5)
    ).predictions
    assert result.outcome != "undefined"
    assert any("the neurons are given and not selected" in note for note in result.notes)
    assert [item.null for item in result.ladder] == ["size_matched"]


def test_neurons_that_never_vary_are_left_out_of_a_list():
    evidence = make_evidence(5)
    still = evidence.selection.activations.copy()
    still[:, [3, 9]] = 1.0
    evidence = without_dead(
        dataclasses.replace(evidence, selection=evidence.selection.with_channels(activations=still))
    )
    chosen = select(make_protocol(DIMENSION, select={"ids": (9, 20, "L1N4")}), evidence, Streams(1))
    assert sorted(chosen.result.neurons) == [4, 20]
    assert chosen.result.reason == (
        "named in the protocol, without any selection; 1 of the 3 never vary on the selection split and are "
        "left out (9)"
    )
    with pytest.raises(EvidenceError, match="none of the 2 neurons varies"):
        select(make_protocol(DIMENSION, select={"ids": (3, 9)}), evidence, Streams(1))


def test_the_whole_layer_is_a_group():
    protocol = make_protocol(SELECTIVITY, draws=39, select="all")
    protocol = protocol.with_nulls(["label_shuffled"])
    analysis = analyse(protocol, make_evidence(5, effect=1.0))
    assert (len(analysis.group.neurons), analysis.group.rule) == (N_NEURONS, "all")
    (result,) = analysis.predictions
    assert result.outcome != "undefined" and [item.null for item in result.ladder] == ["label_shuffled"] * 3
