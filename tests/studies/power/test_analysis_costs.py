import pytest

from hypotest.nulls.registry import NULLS
from hypotest.studies.power.analysis_costs import _n_groups, extrapolate_analysis, repeated_work
from hypotest.studies.power.record import StageCost
from tests.pipeline.planted import make_protocol

DIMENSION = {"measure": "effective_dimension", "contrast": {"null": "size_matched"}}


def test_groups_are_counted_as_a_run_measures_them():
    plan = make_protocol(DIMENSION, draws=9999)
    # size_matched, and for each unit of relabelling two groups a draw; 199 in the two that are only shown
    assert _n_groups(plan, None) == 9999 + 2 * (9999 + 2 * 199)
    assert _n_groups(plan, 399) == 399 + 2 * (399 + 2 * 199)


def test_times_of_draws_and_of_documents_are_told_apart():
    plan = make_protocol(DIMENSION, draws=9999)
    all_groups, fewer = _n_groups(plan, None), _n_groups(plan, 1999)
    stage = "one: effective_dimension"
    # 2 ms a group, 50 ms a document
    full = {stage: 0.002 * all_groups + 0.05 * 100, "groups under shuffled labels (type)": 3.0}
    thinned = {stage: 0.002 * fewer + 0.05 * 50}
    costs, per_1000 = extrapolate_analysis(plan, full, thinned, 1999, 100, 300)
    seconds = {item.stage: item.seconds for item in costs}
    assert seconds[stage] == pytest.approx(0.002 * all_groups + 0.05 * 300)
    assert per_1000["one"] == pytest.approx(2.0)
    assert seconds["groups under shuffled labels (type)"] == pytest.approx(9.0)  # three times the documents


def test_weights_take_no_longer_with_more_documents():
    plan = make_protocol({"measure": "hill_alpha", "contrast": {"null": "size_matched"}}, draws=499)
    costs, _ = extrapolate_analysis(plan, {"one: hill_alpha": 2.0}, {"one: hill_alpha": 2.0}, 499, 100, 300)
    assert costs[0].seconds == 2.0


def test_untrained_networks_and_other_splits_are_repeated_work():
    plan = make_protocol(DIMENSION)
    collecting = [
        StageCost("forward, selection split", 3.0, True, ""),
        StageCost("forward, evaluation split", 4.0, False, ""),
        StageCost("self-check", 9.0, False, ""),
    ]
    tests = [StageCost("one", 5.0, False, "")]
    assert list(repeated_work(plan, collecting, tests)) == []
    nulls = plan.nulls.model_copy(update={"untrained": NULLS["untrained"].options(networks=2)})
    more = plan.model_copy(update={"nulls": nulls, "splits": 4})
    networks, splits = repeated_work(more, collecting, tests)
    assert networks.seconds == 2 * (3.0 + 4.0)  # as if it collected all that the subject does
    timed, _ = repeated_work(more, collecting, tests, (1.5, "one"))
    assert timed.seconds == 2 * 1.5 and timed.basis == "2 times one"
    assert splits.seconds == 3 * 5.0
    assert not networks.cached
