"""The tested neurons one by one, those beside them, and what is lost with all of them: by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.pipeline.analysis import members
from hypotest.pipeline.analysis.members import describe_damage, describe_members, layer_influence
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.lesions import Lesions
from hypotest.testing.selection import select
from tests.pipeline.planted import make_evidence, make_protocol

PREMISE = {"measure": "selectivity", "contrast": {"null": "size_matched"}, "expects": {"modular": "greater"}}


@pytest.fixture(scope="module")
def tested():
    protocol, evidence = make_protocol(PREMISE, draws=19), make_evidence(0, effect=1.0)
    return evidence, select(protocol, evidence, Session.start(protocol.seed).streams)


def test_members_are_means_over_rows_of_each_condition(tested):
    evidence, selection = tested
    split, described = evidence.evaluation, describe_members(*tested)
    assert [item.neuron for item in described] == list(
        selection.result.neurons
    )  # in the order of the ranking
    item, rare = described[3], split.mask("rare")
    changes = np.abs(split.delta_loss[:, item.neuron])
    assert item.influence == pytest.approx((changes[rare].mean(), changes[~rare].mean()))
    values = split.activations[:, item.neuron]
    assert item.activation == pytest.approx((values[rare].mean(), values[~rare].mean()))
    shared = set(selection.result.neurons) & set(selection.result.control_neurons)
    assert {item.neuron for item in described if item.in_both} == shared


def test_the_others_are_all_outside_the_group(tested, monkeypatch):
    evidence, selection = tested
    others = layer_influence(evidence, selection)
    assert len(others.first) == others.n_neurons == evidence.n_neurons - selection.group.size
    assert list(others.first) == sorted(others.first, reverse=True)
    monkeypatch.setattr(members, "MOST_OTHERS", 50)
    thinned = layer_influence(evidence, selection)
    assert thinned.n_neurons == others.n_neurons and len(thinned.first) == 45  # every fourth of 180
    assert thinned.first == others.first[::4] and thinned.second == others.second[::4]


def test_where_nothing_was_ablated_there_is_no_influence(tested):
    evidence, selection = tested
    split = evidence.evaluation
    channels = {name: values for name, values in split.channels.items() if name is not Channel.INFLUENCE}
    bare = dataclasses.replace(evidence, evaluation=dataclasses.replace(split, channels=channels))
    assert layer_influence(bare, selection) is None
    assert {item.influence for item in describe_members(bare, selection)} == {(None, None)}


def test_damage_is_the_mean_change_on_targets_and_off(tested):
    evidence, selection = tested
    split = evidence.evaluation
    assert describe_damage(evidence, selection) is None
    others = tuple(np.arange(start, start + selection.group.size) for start in (100, 140))
    rare = split.mask("rare")
    change = np.where(rare[:, None], [3.0, 1.0, 2.0], [0.5, 0.25, 0.75])
    lesions = Lesions(
        groups=(selection.group, *others),
        random=np.array([False, True, True]),
        change=change,
        neither=np.array([[1.0, 0.0, 2.0], [3.0, 0.0, 2.0]]),
        documents=np.array([0, 1]),
        targets=np.array([5, 6]),
    )
    lesioned = dataclasses.replace(evidence, evaluation=dataclasses.replace(split, lesions=lesions))
    damage = describe_damage(lesioned, selection)
    assert damage.group == (3.0, 0.5, 2.0)
    assert damage.random == (1.5, 0.5, 1.0) and damage.n_random == 2
    assert damage.random_sd == pytest.approx((np.sqrt(0.5), np.sqrt(0.125), np.sqrt(2.0)))
    assert damage.rows == (rare.sum(), (~rare).sum(), 2)
