"""Errors with the group selected again: by hand on planted evidence, and why there are none."""

import dataclasses

import numpy as np
import pytest

from hypotest.ladder.selected_again import CONTROLS, Reselected
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.records.protocol.protocol import Intervals
from hypotest.testing.selection import select
from tests.pipeline.planted import GROUP, make_evidence, make_protocol, make_task

EXPECTS = {"expects": {"modular": "greater", "distributed": "less"}}
DIMENSION = {"measure": "effective_dimension", "contrast": {"null": "size_matched"}, **EXPECTS}
HILL = {
    "measure": "hill_alpha",
    "contrast": {"null": "size_matched"},
    "margin": {"raw": 2.0},
    **EXPECTS,
}


def protocol_of(prediction, again=True, **changes):
    intervals = Intervals(reselection=again)
    return make_protocol(prediction, draws=199).model_copy(update={"intervals": intervals, **changes})


def result_of(prediction, evidence=None, again=True):
    evidence = make_evidence(1, effect=0.3, shared=0.5, quirks=0.3) if evidence is None else evidence
    (result,) = analyse(protocol_of(prediction, again), evidence).predictions
    return result


@pytest.fixture(scope="module")
def task():
    return make_task(protocol_of(DIMENSION), make_evidence(1, effect=0.3, shared=0.5, quirks=0.3))


def test_the_selection_runs_again_on_half_of_the_rows(task):
    again = task.reselected
    assert isinstance(again, Reselected) and not again.reason
    assert [len(groups) for groups in again.groups] == [62] * 5 and again.n_selections == 310
    documents, rare, common, rare_cells, common_cells = again.groups
    split = task.evidence.selection
    # the first half-sample of documents, as a run on these documents alone would select
    keep = again.halves[0].weights[0][again.halves[0].units] > 0
    rows = keep & split.mask("rare")
    influence = np.abs(split.delta_loss[rows]).mean(axis=0)
    assert sorted(documents[0]) == sorted(np.argsort(-influence)[:GROUP])
    # common rows have no say in a group that is selected on rare ones
    for groups in (common, common_cells):
        assert all((group == task.selection.group).all() for group in groups)
    assert any((group != task.selection.group).any() for group in rare)
    assert any((group != task.selection.group).any() for group in rare_cells)


def test_types_are_halved_alike_in_both_splits(task):
    again, split = task.reselected, task.evidence.selection
    for side, condition in enumerate(("rare", "common")):
        rows, joint = split.mask(condition), again.types[side]
        units = again.halves[1 + side].units
        assert (joint.group[np.searchsorted(joint.types, split.targets[rows])] == units[rows]).all()
        assert (units[~rows] == joint.n_groups).all()
        other = task.evidence.evaluation
        assert np.isin(other.targets[other.mask(condition)], joint.types).all()


def test_random_groups_stay_as_they_are_where_their_size_does(task):
    (name,) = task.reselected.controls
    drawn = [groups for factor in task.reselected.controls[name] for groups in factor]
    assert all(groups.shape == (CONTROLS, GROUP) and (groups == drawn[0]).all() for groups in drawn)


def test_its_errors_are_larger_than_those_of_the_group_and_its_outcome_the_same():
    evidence = make_evidence(1, effect=0.1, shared=2.0, quirks=0.1)  # now more, now fewer of the planted ones
    with_again, without = result_of(DIMENSION, evidence), result_of(DIMENSION, evidence, again=False)
    assert without.reselection is None
    assert dataclasses.replace(with_again, reselection=None) == without
    again = with_again.reselection
    assert again.standard_error > without.interval_95.standard_error
    # V = max(V_d, V_t, V_d + V_t - V_c), and the error of the null's mean over its draws
    parts = again.over_documents, again.over_types, again.over_documents + again.over_types - again.over_cells
    noise = with_again.reference_sd**2 / 199
    assert again.standard_error**2 == pytest.approx(max(parts) + noise)
    centre = (again.interval_95[0] + again.interval_95[1]) / 2
    assert centre == pytest.approx(with_again.effect)
    assert 0.2 < again.kept < 0.9 and again.sizes == (GROUP, GROUP)


def test_a_measure_of_weights_has_this_interval_and_no_other():
    without, result = result_of(HILL, again=False), result_of(HILL)
    assert without.interval is None and without.p_equivalence is None
    assert "intervals: {reselection: true}" in without.notes[0]
    assert without.outcome == "inconclusive"  # its value lies inside the margin, which proves nothing
    assert abs(result.effect) < 2
    assert result.interval_95.standard_error == result.reselection.standard_error
    assert result.interval.level == pytest.approx(0.9)
    assert result.p_equivalence < 0.05 and result.outcome == "equivalent"


def test_a_share_of_the_top_head_has_it_too():
    result = result_of({"measure": "top_head_share", "contrast": {"reference": 0.5}, **EXPECTS})
    assert result.reselection.standard_error > result.interval_95.standard_error


def test_where_nothing_is_selected_there_is_none():
    result = result_of(
        {
            "measure": "attention_gini",
            "contrast": {"conditions": ["rare", "common"], "by": "document"},
            **EXPECTS,
        }
    )
    assert result.reselection is None and result.interval_95 is not None


def test_why_there_is_none_is_said():
    result = result_of({"measure": "segregation", "contrast": {"null": "size_matched"}, **EXPECTS})
    assert result.reselection.standard_error is None
    assert result.reselection.reason == "no document interval is available for segregation"
    evidence = make_evidence(1)
    few = evidence.selection.of_documents(np.arange(12))
    result = result_of(HILL, dataclasses.replace(evidence, selection=few))
    assert "effectively only 12 documents" in result.reselection.reason
    assert result.interval is None


def test_the_size_of_a_plateau_moves_with_the_selection():
    evidence = make_evidence(2, effect=1.0, loud=3.0)
    protocol = make_protocol(DIMENSION, draws=199, select="plateau")
    protocol = protocol.model_copy(update={"intervals": Intervals(reselection=True)})
    task = make_task(protocol, evidence)
    assert task.selection.group.size == select(protocol, evidence, task.streams).group.size
    sizes = {len(group) for groups in task.reselected.groups for group in groups}
    (result,) = analyse(protocol, evidence).predictions
    assert result.reselection.sizes == (min(sizes), max(sizes))


@pytest.mark.slow
def test_studies_of_one_network_are_as_far_apart_as_it_says():
    """12 networks, 3 studies each: variance between studies, that of new selections, of fixed groups."""
    from hypotest.studies.calibration.documents import draw_evidence
    from hypotest.studies.calibration.layers import draw_layer
    from hypotest.studies.calibration.settings import Layer, Planted

    layer = Layer(n_neurons=96, size=12, n_documents=60, quirks=0.3, planted=Planted(rarity=0.4, shared=0.5))
    protocol = protocol_of(DIMENSION)
    between, again, fixed = [], [], []
    for number in range(12):
        rng = np.random.default_rng([3, number])
        drawn = draw_layer(layer, rng)
        effects = []
        for _ in range(3):
            (result,) = analyse(protocol, draw_evidence(drawn, rng)).predictions  # types of its own
            effects.append(result.effect)
            again.append(result.reselection.standard_error**2)
            fixed.append(result.interval_95.standard_error**2)
        between.append(np.var(effects, ddof=1))
    assert 0.6 < np.mean(again) / np.mean(between) < 2.0
    assert np.mean(fixed) / np.mean(between) < 0.6
