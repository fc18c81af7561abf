from hypotest.pipeline.comparison import classify_prediction
from hypotest.pipeline.randomness import Streams
from hypotest.pipeline.regime_tests import compare_regimes
from tests.pipeline.planted import make_evidence, make_protocol

REGIMES = {
    "role": "descriptive",
    "measure": "plateau_flatness",
    "contrast": {"conditions": ["rare", "common"], "null": "label_shuffled"},
}


def setup(prediction, **truth):
    protocol = make_protocol(prediction)
    return protocol.predictions[0], make_evidence(2, **truth), protocol, Streams(protocol.seed)


def test_regimes_are_compared_on_the_evaluation_split():
    item, evidence, protocol, streams = setup(REGIMES, effect=1.0)
    comparison, fits = compare_regimes(item, evidence, protocol, streams)
    assert [fit.condition for fit in fits] == ["rare", "common"]
    assert comparison.observed == fits[0].plateau_flatness
    assert {rung.null for rung in comparison.ladder} == {
        "label_shuffled (type)",
        "label_shuffled (document_type)",
        "label_shuffled (position)",
    }
    result = classify_prediction(item, comparison, protocol)
    assert set(result.stances.values()) == {"silent"}
