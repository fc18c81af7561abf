from dataclasses import replace

import numpy as np
import pytest

from hypotest.pipeline.analysis.analysis import analyse
from tests.pipeline.planted import make_evidence, make_protocol

PREDICTION = {
    "measure": "influence_similarity",
    "contrast": {"reference": 0.9},
    "margin": {"raw": 0.05},
    "expects": {"modular": "less", "distributed": "greater"},
}


def result_of(evidence):
    (result,) = analyse(make_protocol(PREDICTION), evidence).predictions
    return result


def test_one_profile_is_one_and_profiles_apart_are_less():
    same, apart = result_of(make_evidence(2, loud=4.0)), result_of(make_evidence(2, effect=9.0))
    assert same.observed == pytest.approx(1, abs=0.01) and same.outcome == "greater"
    # means: 20 neurons of 10 on rare and of 1 on common targets, 180 of 1 on both
    expected = (20 * 10 + 180) / np.sqrt((20 * 100 + 180) * 200)
    assert apart.observed == pytest.approx(expected, abs=0.02) and apart.outcome == "less"
    assert apart.interval_95.low < expected - 0.9 < apart.interval_95.high
    assert apart.secondary["cosine"].value < apart.observed
    assert 0.9 < apart.secondary["split_half_ceiling"].value < 1


def test_without_influence_on_one_condition_there_is_no_value():
    evidence = make_evidence(2)
    split = evidence.evaluation
    silent = split.with_channels(influence=np.where(split.first[:, None], split.delta_loss, 0.0))
    result = result_of(replace(evidence, evaluation=silent))
    assert result.outcome == "undefined" and "no neuron has influence on both" in result.notes[0]
