from dataclasses import replace

import numpy as np
import pytest

from hypotest.collect.self_check import FORWARD_ROUNDING
from hypotest.studies.verify.array_differences import FORWARD_RELATIVE, compare_evidence
from tests.pipeline.planted import certified, make_evidence


@pytest.fixture(scope="module")
def evidence():
    made = certified(make_evidence(5))
    split = made.evaluation
    bounded = np.full(split.delta_loss.shape, 1e-5, dtype=np.float16)
    bounded[0] = np.nan  # nothing bounds it
    return replace(made, evaluation=split.with_channels(error_bound=bounded))


def changed(evidence, name, change):
    values = evidence.evaluation[name].copy()
    values[0, 0] += change
    return replace(evidence, evaluation=evidence.evaluation.with_channels(**{name: values}))


def wrong(one, two, exact):
    checks = compare_evidence(one, two, exact, "again")
    return [each.where.split("[")[0] for item in checks for each in item.differences]


def test_evidence_agrees_with_itself(evidence):
    assert [item.status for item in compare_evidence(evidence, evidence, True, "again")] == ["agrees"] * 3


def test_on_the_same_machine_the_last_bit_counts(evidence):
    one = evidence
    for name in ("influence", "activations"):
        assert wrong(one, changed(one, name, 1e-12), exact=True) == [name]
        assert wrong(one, changed(one, name, 1e-12), exact=False) == []


def test_certified_changes_may_differ_by_their_bounds(evidence):
    one, split = evidence, evidence.evaluation
    assert wrong(one, changed(one, "influence", 0.99 * FORWARD_ROUNDING), exact=False) == []
    assert wrong(one, changed(one, "influence", 1.01 * FORWARD_ROUNDING), exact=False) == ["influence"]
    values = split.delta_loss.copy()
    values[1, 0] += FORWARD_ROUNDING + 1.9e-5  # both bounds are 1e-5
    assert wrong(one, replace(one, evaluation=split.with_channels(influence=values)), exact=False) == []
    values[1, 0] += 0.3e-5
    assert wrong(one, replace(one, evaluation=split.with_channels(influence=values)), exact=False) == [
        "influence"
    ]


def test_activations_may_differ_by_rounding(evidence):
    one = evidence
    largest = float(np.abs(one.evaluation.activations).max())
    assert wrong(one, changed(one, "activations", 0.9 * FORWARD_RELATIVE * largest), exact=False) == []
    assert wrong(one, changed(one, "activations", 1.1 * FORWARD_RELATIVE * largest), exact=False) == [
        "activations"
    ]


def test_weights_and_positions_must_be_equal_everywhere(evidence):
    weights = replace(evidence.weights, output=evidence.weights.output * 1.001)
    assert wrong(evidence, replace(evidence, weights=weights), exact=False) == ["output weights"]
    positions = evidence.evaluation.positions.reverse()
    moved = replace(evidence, evaluation=replace(evidence.evaluation, positions=positions))
    assert wrong(evidence, moved, exact=False) == ["positions"]


def test_what_was_not_collected_is_equal_to_nothing_else(evidence):
    values = evidence.evaluation.activations.copy()
    values[:, :3] = np.nan  # of an untrained network, what no measure reads
    partly = replace(evidence, evaluation=evidence.evaluation.with_channels(activations=values))
    assert wrong(partly, partly, exact=False) == wrong(partly, partly, exact=True) == []
    assert wrong(partly, evidence, exact=False) == ["activations"]
    largest = float(np.nanmax(np.abs(values)))
    moved = values.copy()
    moved[0, 5] += 0.9 * FORWARD_RELATIVE * largest
    again = replace(evidence, evaluation=evidence.evaluation.with_channels(activations=moved))
    assert wrong(partly, again, exact=False) == []


def test_windows_that_one_model_has_and_the_other_has_not(evidence):
    heads = evidence.evaluation.attention.shape[1]
    windows = np.full(heads, 4)
    other = replace(evidence, evaluation=replace(evidence.evaluation, windows=windows))
    assert wrong(other, other, exact=True) == []
    assert wrong(evidence, other, exact=False) == ["windows"]
