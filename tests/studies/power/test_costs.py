import numpy as np
import pytest

from hypotest.nulls.registry import NULLS
from hypotest.studies.power.costs import (
    _few_blocks,
    _n_groups,
    evidence_bytes,
    extrapolate_analysis,
    repeated_work,
)
from hypotest.studies.power.record import StageCost
from tests.pipeline.planted import make_evidence, make_protocol

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


def test_bytes_of_the_evidence_are_those_of_its_arrays():
    split = make_evidence(0).selection
    rows, neurons = split.activations.shape
    # float64 activations and changes, float16 bounds, and the rest is smaller
    assert evidence_bytes(split) > rows * neurons * (8 + 8 + 2)
    assert evidence_bytes(split.of_documents(np.arange(20))) == pytest.approx(
        evidence_bytes(split) / 2, rel=0.01
    )


def test_few_blocks_hold_heads_and_positions():
    from hypotest.collect.sample import Sample

    positions = make_evidence(0).selection.positions  # 40 blocks
    sample = Sample(np.zeros((40, 16), dtype=np.int32), positions, np.arange(0, 40, 3))
    few = _few_blocks(sample, 16)
    assert few.positions["block"].n_unique() == 16
    assert few.head_blocks.tolist() == [0, 3]
    assert set(few.head_blocks.tolist()) <= set(few.positions["block"].to_list())
    assert _few_blocks(sample, 64).positions.height == positions.height


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
    assert networks.seconds == 2 * (3.0 + 4.0)
    assert splits.seconds == 3 * 5.0
    assert not networks.cached
