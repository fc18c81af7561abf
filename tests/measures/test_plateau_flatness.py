import numpy as np

from hypotest.measures.plateau_flatness import compare
from hypotest.pipeline.analysis.outcomes import classify_prediction
from hypotest.studies.calibration.documents import simulate
from hypotest.studies.calibration.settings import Layer
from tests.pipeline.planted import make_evidence, make_protocol, make_task

REGIMES = {
    "role": "descriptive",
    "measure": "plateau_flatness",
    "contrast": {"null": "label_shuffled"},
}


def setup(prediction, **truth):
    protocol = make_protocol(prediction)
    return protocol.predictions[0], make_evidence(2, **truth), protocol


def test_regimes_are_compared_on_the_evaluation_split():
    item, evidence, protocol = setup(REGIMES, effect=1.0)
    comparison = compare(item, make_task(protocol, evidence))
    fits = comparison.regimes
    assert [fit.condition for fit in fits] == ["rare", "common"]
    assert comparison.observed == fits[0].plateau_flatness
    assert all(rung.descriptive and rung.statistic == "T(rare)" for rung in comparison.ladder)
    assert {rung.id for rung in comparison.ladder} == {
        "label_shuffled (type)",
        "label_shuffled (document_type)",
        "label_shuffled (position)",
    }
    result = classify_prediction(item, comparison, protocol)
    assert set(result.stances.values()) == {"silent"}


def test_each_condition_is_a_statement_of_its_own():
    other = {**REGIMES, "options": {"condition": "common"}}
    item, evidence, protocol = setup(other, effect=1.0)
    comparison = compare(item, make_task(protocol, evidence))
    fits = comparison.regimes
    assert comparison.observed == fits[1].plateau_flatness
    assert comparison.secondary["has_plateau"].value == float(fits[1].plateau)
    assert any("common targets has" in note for note in comparison.notes)
    assert {rung.statistic for rung in comparison.ladder} == {"T(common)"}


def test_without_a_falling_power_law_flatness_counts_as_zero_in_the_draws_too():
    # Every neuron has the same influence, so that all curves are flat or rise by chance.
    item, _, protocol = setup(REGIMES)
    flat = Layer(n_neurons=60, size=6, influence_spread=0.0, noise_of_activation=1.0, loading=0.95)
    undefined = 0
    for seed in range(8):
        comparison = compare(item, make_task(protocol, simulate(flat, seed)))
        fits = comparison.regimes
        undefined += fits[0].kappa <= 0
        for draws in comparison.draws.values():
            assert np.isfinite(draws).all()
        assert any("counts as 0" in note for note in comparison.notes) == (fits[0].kappa <= 0)
    assert undefined
