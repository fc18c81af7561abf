from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hypotest.engine.streams import Streams
from hypotest.inference.crossed_means import mean_contrast
from hypotest.measures import attention_gini, routing_similarity, top_head_share
from hypotest.pipeline.analysis.outcomes import classify_prediction
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.design import PERMUTATIONS
from hypotest.testing.attention import document_means, gini_of_heads
from hypotest.testing.group_measure import MeasuredRows
from hypotest.testing.intervals import UNDEFINED, interval_p_value
from hypotest.testing.left_out import left_out_of, reference_errors
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
    assert result.secondary["effective_documents"].value == pytest.approx(40)


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
    """Rows are independent here, so that neither documents nor types add to the error of a mean of rows."""
    item, evidence, protocol = setup(GINI)
    result = attention_gini.compare(item, make_task(protocol, evidence))
    gini, rare = gini_of_heads(evidence.evaluation).mean(axis=1), evidence.evaluation.mask("rare")
    for name, values in (("observed", gini[rare]), ("reference", gini[~rare])):
        low, high = getattr(result.own_intervals, name)
        assert (low + high) / 2 == pytest.approx(values.mean())
        error = stats.sem(values)
        assert 0.7 * error < (high - low) / (2 * stats.t.ppf(0.975, 30)) < 1.6 * error


def test_p_comes_from_the_same_t_as_the_interval():
    item, evidence, protocol = setup(GINI)
    measured = attention_gini.compare(item, make_task(protocol, evidence))
    middle = (measured.interval.low + measured.interval.high) / 2
    t = middle / measured.interval.standard_error
    assert middle == pytest.approx(measured.observed - measured.reference_value)
    assert measured.p_value == pytest.approx(2 * stats.t.sf(abs(t), measured.interval.degrees_of_freedom))
    (permuted,) = measured.ladder
    assert permuted.descriptive and permuted.observed == pytest.approx(t)
    assert permuted.n_draws == PERMUTATIONS


def test_types_that_differ_widen_the_interval():
    """Attention that is peculiar to types: to documents alone it would look like much evidence."""
    item, evidence, protocol = setup(GINI)
    plain = attention_gini.compare(item, make_task(protocol, evidence))
    split = evidence.evaluation
    power = np.random.default_rng(1).uniform(0.5, 3.0, split.targets.max() + 1)[split.targets]
    sharper = split.attention ** power[:, None, None]
    split = split.with_channels(attention=sharper / sharper.sum(-1, keepdims=True))
    evidence = replace(evidence, evaluation=split)
    measured = attention_gini.compare(item, make_task(protocol, evidence))
    gini, rare = gini_of_heads(split).mean(axis=1), split.mask("rare")
    contrast = mean_contrast(gini, rare, split.documents, split.targets)
    assert measured.interval.standard_error > 2 * plain.interval.standard_error
    assert measured.interval.standard_error > 1.3 * np.sqrt(contrast.variances.documents.variance)


def test_too_few_types_have_no_interval_and_a_p_by_permutation():
    item, evidence, protocol = setup(GINI)
    few = 2 * (evidence.evaluation.targets // 2 % 5) + ~evidence.evaluation.mask("rare")
    positions = evidence.evaluation.positions.with_columns(target=few)
    evidence = replace(evidence, evaluation=replace(evidence.evaluation, positions=positions))
    measured = attention_gini.compare(item, make_task(protocol, evidence))
    assert measured.interval is None
    assert "5 rare types and 5 common types" in measured.notes[0]
    assert measured.p_value == measured.ladder[0].p_value and not measured.ladder[0].descriptive


def test_the_plain_correlation_has_an_interval_that_holds_it():
    item, evidence, protocol = setup(ROUTING)
    secondary = routing_similarity.compare(item, make_task(protocol, evidence)).secondary
    spearman = secondary["spearman"]
    low, high = spearman.interval_95
    assert low < spearman.value < high
    assert (low + high) / 2 == pytest.approx(spearman.value)
    assert secondary["noise_ceiling"].interval_95 is None


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


def test_a_value_that_is_undefined_without_some_rows_has_no_interval():
    rng = np.random.default_rng(0)
    left = left_out_of(MeasuredRows(np.arange(90), np.arange(90) % 40), Streams(1))
    values = [rng.normal(size=1 + len(item.weights)) for item in left.each()]
    assert reference_errors(values, left, Conditions("rare", "common")).interval(0.5, 0.9).level == 0.9
    values[1][3] = np.nan
    assert reference_errors(values, left, Conditions("rare", "common")).reason == UNDEFINED
    few = left_out_of(MeasuredRows(np.arange(90), np.arange(90) % 19), Streams(1))
    assert "only 19 rare types" in reference_errors(values, few, Conditions("rare", "common")).reason


@pytest.mark.parametrize("prediction", [ROUTING, SHARE])
def test_types_that_differ_widen_intervals_against_a_declared_value(prediction):
    """What is peculiar to types would look like much evidence to documents alone."""
    item, evidence, protocol = setup(prediction)
    compare = {"routing_similarity": routing_similarity, "top_head_share": top_head_share}[
        item.measure
    ].compare
    errors = {}
    for sd in (0.0, 1.5):
        split = evidence.evaluation
        rng = np.random.default_rng(1)
        profile = np.exp(np.linspace(0, 2, 16) + sd * rng.normal(size=(split.targets.max() + 1, 4, 16)))
        attention = split.attention * profile[split.targets]
        heads = split.head_ablation
        factor = np.exp(sd * rng.normal(size=(heads.targets.max() + 1, 4)))[heads.targets][:, :, None]
        changed = replace(
            split.with_channels(attention=attention / attention.sum(-1, keepdims=True)),
            heads=replace(heads, single=heads.single * factor),
        )
        measured = compare(item, make_task(protocol, replace(evidence, evaluation=changed)))
        errors[sd] = measured.interval.standard_error
        assert measured.p_value == pytest.approx(interval_p_value(measured.interval))
    assert errors[1.5] > 1.5 * errors[0.0]


def test_routing_that_is_nowhere_reliable_is_said():
    item, evidence, protocol = setup(ROUTING)
    evidence.evaluation.attention[:] = 1 / evidence.evaluation.attention.shape[-1]
    with pytest.raises(Undefined, match="no head attends alike"):
        routing_similarity.compare(item, make_task(protocol, evidence))
