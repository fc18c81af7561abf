from dataclasses import replace

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.errors import EvidenceError
from hypotest.groups.nulls import Influences
from hypotest.nulls.registry import NULLS, Declared
from hypotest.studies.explore.study import (
    compare_covariates,
    count_condition,
    count_preferences,
    explore_curve,
)
from hypotest.testing.selection import select, select_observed
from hypotest.testing.task import Task
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence, make_protocol

SELECTIVITY = {"measure": "selectivity", "contrast": {"null": "label_shuffled"}}


def test_the_group_is_that_of_the_whole_selection():
    evidence, protocol = make_evidence(0, effect=2.0), make_protocol(SELECTIVITY, draws=9)
    observed = select_observed(evidence.selection, protocol.group, Streams(1))
    whole = select(protocol, evidence, Streams(1)).result
    assert tuple(observed.group.tolist()) == whole.neurons
    assert tuple(observed.second.tolist()) == whole.control_neurons
    assert set(whole.neurons) == set(range(GROUP))  # 0.1 of 200, all planted


def test_a_single_document_cannot_be_halved():
    split = make_evidence(0).selection.of_documents(np.array([3]))
    with pytest.raises(EvidenceError, match="1 documents are too few"):
        select_observed(split, make_protocol(SELECTIVITY).group, Streams(1))


def test_preferences_are_counted_on_all_documents_and_on_each_half():
    # Preference (rare - common) / (rare + common), common being 1: 3 -> 0.5, 1.5 -> 0.2, 1/3 -> -0.5.
    whole = np.array([[3.0, 1.5, 1 / 3, 1.0]])
    halves = np.array([[[3.0, 3.0, 1 / 3, 1.0], [3.0, 0.9, 1 / 3, 1.0]]])
    ones = Influences(halves=np.ones((1, 2, 4)), whole=np.ones((1, 4)))
    preferences = count_preferences((Influences(halves=halves, whole=whole), ones), np.array([1, 2]), 0.15)
    assert (preferences.first, preferences.second) == (2, 1)
    assert (preferences.first_twice, preferences.second_twice) == (1, 1)
    assert (preferences.group_first, preferences.group_second) == (1, 1)


def test_effective_documents_are_fewer_where_one_holds_most():
    split = make_evidence(0).selection
    equal = count_condition(split, "rare")
    assert (equal.positions, equal.documents) == (400, 40)
    assert equal.effective_documents == pytest.approx(40)
    counts = np.unique(split.positions["target"].to_numpy()[split.mask("rare")], return_counts=True)[1]
    assert equal.types == counts.size
    assert equal.top_type_share == counts.max() / 400
    keep = np.ones(800, dtype=bool)
    keep[: 20 * 20] = np.arange(400) % 20 < 2  # half of the documents: one rare and one common position
    channels = {name: array[keep] for name, array in split.channels.items()}
    fewer = replace(split, positions=split.positions.filter(keep), channels=channels)
    # 20 documents of 1 and 20 of 10: 220^2 / (20 + 2000)
    assert count_condition(fewer, "rare").effective_documents == pytest.approx(220**2 / 2020)


def test_matching_halves_what_is_declared_and_says_what_is_not():
    evidence = make_evidence(1)
    evidence.selection.activations[:, :GROUP] *= 3.0
    # Ten loud neurons and ten others, so that there are loud ones left to match with.
    group = np.r_[np.arange(10), np.arange(100, 110)]
    null = NULLS["covariate_matched"]
    plan, whole = make_protocol(SELECTIVITY), replace(evidence, evaluation=evidence.selection)
    chosen = replace(select(plan, whole, Streams(1)), group=group)
    declared = Declared(null, null.options(draws=199, on=("activation_sd",)))
    task = Task(plan, whole, chosen, Session.start(1))
    by_covariate = {item.covariate: item for item in compare_covariates(task, declared)}
    sd = by_covariate["activation_sd"]
    logs = np.log(evidence.selection.activations.std(axis=0))
    assert sd.group_mean == pytest.approx(logs[group].mean())
    assert sd.layer_sd == pytest.approx(logs.std())
    assert sd.difference == pytest.approx((logs[group].mean() - logs.mean()) / logs.std())
    assert sd.difference > 1 and abs(sd.left) < 0.25
    assert sd.matched and not by_covariate["output_norm"].matched
    assert set(by_covariate) == {"activation_sd", "activation_mean", "output_norm", "activation_rate"}


def test_a_planted_plateau_is_found():
    ranks = np.arange(1, N_NEURONS * 10 + 1)
    curve = np.where(ranks <= 40, 1.0, (ranks / 40.0) ** -1.0)[None]
    explored = explore_curve("rare", Influences(halves=np.stack([curve, curve], axis=1), whole=curve))
    assert explored.fit.plateau and explored.fit.kappa == pytest.approx(1.0, abs=0.05)
    assert explored.end_of_plateau == pytest.approx(40, abs=6)
    assert explored.lognormal_ratio is not None
