"""Measures of declared parts."""

from dataclasses import replace

import numpy as np
import pytest

from hypotest.pipeline.analysis.analysis import analyse
from hypotest.records.evidence.partition import Partition
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence, make_protocol

AGREES = {
    "measure": "partition_agreement",
    "contrast": {"reference": 0.0},
    "expects": {"modular": "greater", "distributed": "any"},
}
LIES = {
    "measure": "partition_concentration",
    "contrast": {"null": "size_matched"},
    "expects": {"modular": "greater", "distributed": "any"},
}
IN_ONE = np.where(np.arange(N_NEURONS) < 50, "a", np.where(np.arange(N_NEURONS) < 120, "b", "c"))


def evidence_with(labels, wired=None):
    """The planted neurons are those of the group; neurons of one part of `wired` act together."""
    evidence = make_evidence(2, effect=3.0)
    if wired is not None:
        rng = np.random.default_rng(3)
        names, parts = np.unique(wired, return_inverse=True)
        split = evidence.evaluation
        common = rng.normal(size=(len(split.activations), names.size))
        split = split.with_channels(activations=split.activations + common[:, parts])
        evidence = replace(evidence, evaluation=split)
    return replace(evidence, partition=None if labels is None else Partition.of(labels))


def result(prediction, evidence):
    (tested,) = analyse(make_protocol(prediction), evidence).predictions
    return tested


def test_parts_that_act_together_are_found():
    parts = np.arange(N_NEURONS) % 2
    tested = result(AGREES, evidence_with(parts, wired=parts))
    assert tested.observed == 1.0 and tested.outcome == "greater" and tested.p_value == pytest.approx(0.001)
    assert tested.interval is None and tested.secondary["parts"].value == 2


def test_parts_that_mean_nothing_agree_by_chance():
    tested = result(AGREES, evidence_with(np.arange(N_NEURONS) % 2, wired=np.arange(N_NEURONS) // 5 % 2))
    assert abs(tested.observed) < 0.3 and tested.outcome == "inconclusive"


def test_a_group_within_one_part_has_no_division_to_agree_with():
    tested = result(AGREES, evidence_with(IN_ONE))
    assert tested.outcome == "undefined" and "lie in 1 of the declared parts" in tested.notes[0]


def test_a_group_within_one_part_is_concentrated():
    tested = result(LIES, evidence_with(IN_ONE))
    assert tested.observed == 1.0 and tested.outcome == "greater"
    assert tested.secondary["members_in_a"].value == GROUP and tested.secondary["parts"].value == 3
    spread = result(LIES, evidence_with(np.arange(N_NEURONS) % 3))
    assert spread.observed < 0.2 and spread.outcome == "inconclusive"


@pytest.mark.parametrize("prediction", [AGREES, LIES])
def test_without_declared_parts_it_is_said(prediction):
    tested = result(prediction, evidence_with(None))
    assert tested.outcome == "undefined" and "no channel partition" in tested.notes[0]


def test_dead_neurons_leave_the_partition_with_the_rest():
    evidence = evidence_with(IN_ONE)
    dead = np.zeros(N_NEURONS, dtype=bool)
    dead[60:80] = True
    split = evidence.selection.with_channels(activations=np.where(dead, 0.0, evidence.selection.activations))
    tested = result(LIES, replace(evidence, selection=split))
    assert tested.observed == 1.0
