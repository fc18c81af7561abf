import numpy as np
import pytest

from hypotest.pipeline.analysis.analysis import analyse
from hypotest.studies.calibration.cases import choose_cases
from hypotest.studies.calibration.documents import draw_evidence, other_texts
from hypotest.studies.calibration.layers import draw_layer
from hypotest.studies.calibration.settings import Layer, Planted
from hypotest.studies.calibration.truth import true_effects


def truth_of(layer, seed=1):
    rng = np.random.default_rng(seed)
    drawn = draw_layer(layer, rng)
    evidence = draw_evidence(drawn, rng)
    analysis = analyse(choose_cases(["nothing"])[0].protocol, evidence)
    texts = other_texts(evidence, drawn, 6, rng)
    return analysis, true_effects(analysis, texts, 300)


def test_with_nothing_planted_the_truth_of_conditions_is_zero():
    analysis, truth = truth_of(Layer(n_neurons=60, size=6))
    assert set(truth) == {item.id for item in analysis.predictions if item.interval is not None}
    intervals = {item.id: item.interval for item in analysis.predictions}
    for name in ("attention", "routing", "single-head"):
        error = intervals[name].standard_error
        assert abs(truth[name].at_large) < 2 * error  # 1/6 of the variance: five of its own errors
        assert truth[name].at_large != truth[name].at_this_size or name == "attention"


def test_means_are_the_same_at_any_size_and_what_is_planted_is_found():
    layer = Layer(n_neurons=60, size=6, concentration=0.5, planted=Planted(rarity=1.5, shared=0.8))
    _, truth = truth_of(layer)
    assert truth["attention"].at_large == pytest.approx(truth["attention"].at_this_size, rel=1e-4)
    assert truth["attention"].at_large > 0.08
    assert truth["coordination"].at_large < -0.5
    assert truth["specialization"].at_large > 0
