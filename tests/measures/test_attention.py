import numpy as np
import pytest
from scipy import stats

from hypotest.measures import attention_gini, routing_similarity
from hypotest.pipeline.outcomes import classify_prediction
from hypotest.testing.attention import document_means, gini_of_heads
from hypotest.testing.intervals import TOO_FEW, UNDEFINED, contrast_intervals
from hypotest.testing.randomness import Streams
from hypotest.testing.undefined import Undefined
from tests.pipeline.planted import make_evidence, make_protocol, make_task

GINI = {
    "measure": "attention_gini",
    "contrast": {"conditions": ["rare", "common"], "by": "document"},
    "margin": {"raw": 0.05},
}
ROUTING = {"measure": "routing_similarity", "contrast": {"reference": 1.0}, "margin": {"raw": 0.1}}
SHARE = {"measure": "top_head_share", "contrast": {"reference": 0.5}}


def setup(prediction, **truth):
    protocol = make_protocol(prediction)
    return protocol.predictions[0], make_evidence(2, **truth), protocol


def test_equal_attention_is_shown_to_be_equivalent():
    item, evidence, protocol = setup(GINI)
    result = classify_prediction(item, attention_gini.compare(item, make_task(protocol, evidence)), protocol)
    assert result.outcome == "equivalent"
    assert result.p_equivalence <= 0.05
    assert result.secondary["documents"].value == 40


def test_sharper_attention_on_rare_targets_is_greater():
    item, evidence, protocol = setup(GINI)
    rare = evidence.evaluation.mask("rare")
    evidence.evaluation.attention[rare] **= 3
    evidence.evaluation.attention[rare] /= evidence.evaluation.attention[rare].sum(-1, keepdims=True)
    result = classify_prediction(item, attention_gini.compare(item, make_task(protocol, evidence)), protocol)
    assert result.outcome == "greater"
    gini = gini_of_heads(evidence.evaluation)
    assert gini[rare].mean() > gini[~rare].mean()
    assert result.standardized > 1


def test_each_condition_has_its_own_interval():
    """Over 40 documents a bootstrap interval of a mean is nearly Student's."""
    item, evidence, protocol = setup(GINI)
    result = attention_gini.compare(item, make_task(protocol, evidence))
    gini = gini_of_heads(evidence.evaluation).mean(axis=1)
    rare, common, _ = document_means(evidence.evaluation, gini)
    for name, values in (("observed", rare), ("reference", common)):
        low, high = stats.t.interval(0.95, values.size - 1, values.mean(), stats.sem(values))
        found = getattr(result.own_intervals, name)
        assert found == pytest.approx([low, high], abs=0.15 * (high - low))


def test_the_plain_correlation_has_an_interval_that_holds_it():
    item, evidence, protocol = setup(ROUTING)
    found = routing_similarity.compare(item, make_task(protocol, evidence)).secondary
    spearman = found["spearman"]
    low, high = spearman.interval_95
    assert low < spearman.value < high
    assert (low + high) / 2 == pytest.approx(spearman.value)
    assert found["noise_ceiling"].interval_95 is None


def test_document_means_by_hand():
    evidence = make_evidence(0)
    split = evidence.evaluation
    values = np.arange(split.positions.height, dtype=float)
    rare, common, documents = document_means(split, values)
    # document 0 holds rows 0 to 19, the even ones rare: means 9 and 10
    assert (rare[0], common[0], documents[0]) == (9.0, 10.0, 0)


def test_routing_alike_in_both_conditions_reaches_its_ceiling():
    item, evidence, protocol = setup(ROUTING)
    attention = evidence.evaluation.attention
    profile = np.linspace(1, 8, 16)  # near tokens get more attention, whatever the target
    attention *= profile
    attention /= attention.sum(-1, keepdims=True)
    comparison = routing_similarity.compare(item, make_task(protocol, evidence))
    assert comparison.observed == pytest.approx(1.0, abs=0.1)
    assert comparison.p_value > 0.01


def test_routing_that_differs_falls_below_its_ceiling():
    item, evidence, protocol = setup(ROUTING)
    attention, rare = evidence.evaluation.attention, evidence.evaluation.mask("rare")
    profile = np.linspace(1, 8, 16)
    attention[rare] *= profile
    # alike at most distances, but for common targets the nearest half is turned around
    attention[~rare] *= np.r_[profile[:8], profile[:7:-1]]
    attention /= attention.sum(-1, keepdims=True)
    result = classify_prediction(
        item, routing_similarity.compare(item, make_task(protocol, evidence)), protocol
    )
    assert result.observed < 0.9
    assert result.outcome == "less"


def test_an_effect_without_a_value_on_some_resample_has_no_interval():
    _, _, protocol = setup(GINI)

    def undefined_without_document_3(weights):
        return np.where(weights[:, 3] > 0, 0.5, np.nan)

    found = contrast_intervals(0.5, undefined_without_document_3, 40, protocol, Streams(1))
    assert found == (None, None, (UNDEFINED,))
    assert contrast_intervals(0.5, lambda weights: weights[:, 3] * 0.1, 19, protocol, Streams(1))[2] == (
        TOO_FEW,
    )


def test_routing_that_is_nowhere_reliable_is_said():
    item, evidence, protocol = setup(ROUTING)
    evidence.evaluation.attention[:] = 1 / evidence.evaluation.attention.shape[-1]
    with pytest.raises(Undefined, match="no head attends alike"):
        routing_similarity.compare(item, make_task(protocol, evidence))
