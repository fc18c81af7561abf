import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.measures.registry import measure_of
from hypotest.pipeline.analysis.outcomes import adjust_together, classify_prediction, null_frame
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.relabelled import SHOWN_DRAWS
from hypotest.testing.selection import select
from hypotest.testing.shuffled import _without_size
from hypotest.testing.undefined import Undefined
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence, make_protocol, make_task

SELECTIVITY = {
    "role": "premise",
    "measure": "selectivity",
    "contrast": {"null": "label_shuffled"},
    "expects": {"modular": "greater", "distributed": "greater"},
}
DIMENSION = {
    "measure": "effective_dimension",
    "contrast": {"null": "size_matched"},
    "margin": {"null_sd": 2},
    "expects": {"modular": "any", "distributed": "less"},
}


def compare(prediction, seed=0, effect=0.0, shared=0.0, loud=1.0, quirks=0.0, select_rule=None):
    protocol = make_protocol(prediction, select=select_rule)
    evidence, streams = make_evidence(seed, effect, shared, loud, quirks), Streams(protocol.seed)
    selection = select(protocol, evidence, streams)
    (item,) = protocol.predictions
    comparison = measure_of(item).compare(item, make_task(protocol, evidence))
    result = classify_prediction(item, comparison, protocol)
    return selection, comparison, adjust_together([result], protocol)[0]


def test_selection_finds_the_planted_neurons():
    selection, _, _ = compare(SELECTIVITY, effect=1.0)
    assert set(selection.group.tolist()) == set(range(GROUP))


def test_a_planted_preference_is_found_by_the_premise():
    _, _, result = compare(SELECTIVITY, effect=1.0)
    assert result.outcome == "greater"
    assert (result.reference, result.variant) == ("label_shuffled", "type")
    against_random = next(rung for rung in result.ladder if rung.null == "size_matched")
    assert against_random.p_value < 0.01
    assert result.observed == pytest.approx(against_random.observed)  # the group itself, no difference


def test_margins_are_as_narrow_as_what_neighbours_can_show():
    """A margin that is meant for whole groups, where a fifth of the group stays in every draw."""
    against = {**DIMENSION, "contrast": {"null": "local_matched"}}
    protocol = make_protocol(against, nulls={"local_matched": {"draws": 199, "bin": 10}})
    evidence = make_evidence(0, effect=1.0)
    task = make_task(protocol, evidence)
    (item,) = protocol.predictions
    comparison = measure_of(item).compare(item, task)
    matched = task.drawn["local_matched"]
    group = task.selection.group
    kept = np.isin(matched.groups, group).mean()
    assert kept > 1.9 * group.size / N_NEURONS
    assert kept == pytest.approx(matched.facts["shared"], abs=0.05)
    assert comparison.exchanged == pytest.approx((1 - kept) / (1 - group.size / N_NEURONS))
    result = classify_prediction(item, comparison, protocol)
    assert result.secondary["margin_share"].value == comparison.exchanged
    assert result.margin[1] == pytest.approx(2 * np.std(comparison.sd_draws, ddof=1) * comparison.exchanged)


def test_among_random_groups_margins_are_as_wide_as_declared():
    _, comparison, result = compare(DIMENSION)
    assert comparison.exchanged == 1.0 and "margin_share" not in result.secondary
    assert result.margin[1] == 2 * np.std(comparison.sd_draws, ddof=1)


@pytest.mark.slow
def test_loud_neurons_without_a_preference_do_not_pass_for_rare_ones():
    p_values = [compare(SELECTIVITY, seed=seed, loud=2.0)[2].p_value for seed in range(12)]
    # 12 layers in which nothing is planted: more than 4 below 0.05 has a chance of 0.0002
    assert sum(p <= 0.05 for p in p_values) <= 4


@pytest.mark.slow
def test_types_that_keep_their_quirks_in_both_splits_do_not_pass_for_rarity():
    p_values = [compare(SELECTIVITY, seed=seed, quirks=1.0)[2].p_value for seed in range(12)]
    # with evaluation labels held fixed, about 0.8 of such layers were rejected at 0.05
    assert sum(p <= 0.05 for p in p_values) <= 4


def test_a_shared_factor_lowers_the_dimension():
    _, _, result = compare(DIMENSION, effect=1.0, shared=1.5)
    assert result.outcome == "less"
    assert result.stances == {"modular": "silent", "distributed": "supports"}
    assert result.interval is not None
    assert result.interval.high < 0
    assert result.interval.low < result.effect < result.interval.high
    assert result.p_adjusted == result.p_value  # one deciding prediction


@pytest.mark.slow
def test_nothing_planted_is_equivalent_or_open_never_significant_on_both_sides():
    outcomes = {compare(DIMENSION, seed=seed)[2].outcome for seed in range(6)}
    assert outcomes <= {"equivalent", "inconclusive", "less", "greater"}
    assert "equivalent" in outcomes or "inconclusive" in outcomes


def test_every_draw_is_kept_and_the_ladder_is_complete():
    _, comparison, result = compare(DIMENSION)
    assert [rung.id for rung in result.ladder] == [
        "size_matched",
        "label_shuffled (type)",
        "label_shuffled (document_type)",
        "label_shuffled (position)",
    ]
    frame = null_frame({"one": comparison})
    assert frame.columns == ["prediction", "null", "draw", "value"]
    # size_matched; the rare arm, the common arm and their difference; two units that are only shown
    assert frame.height == 4 * 399 + 2 * SHOWN_DRAWS


def test_both_arms_and_their_difference_stand_beside_each_other():
    _, comparison, result = compare(SELECTIVITY, effect=1.0)
    rare, (common, difference) = result.ladder[0], result.arms
    assert [rare.statistic, common.statistic, difference.statistic] == [
        "T(rare)",
        "T(common)",
        "T(rare) - T(common)",
    ]
    assert difference.observed == pytest.approx(rare.observed - common.observed)
    of_rare, of_common, of_both = (comparison.draws[rung.key] for rung in (rare, common, difference))
    assert of_both == pytest.approx(of_rare - of_common)
    assert not rare.descriptive
    assert common.descriptive and difference.descriptive


@pytest.mark.slow
@pytest.mark.parametrize("select_rule", [None, "plateau"])
def test_shuffled_labels_describe_whatever_is_not_selectivity(select_rule):
    for measure in ("effective_dimension", "modularity", "hill_alpha", "top_head_impact"):
        prediction = {**DIMENSION, "measure": measure}
        _, _, result = compare(prediction, effect=1.0, select_rule=select_rule)
        shuffled = [rung for rung in result.ladder if rung.null == "label_shuffled"]
        assert shuffled and all(rung.descriptive for rung in shuffled), measure


def test_effects_under_shuffled_labels_are_in_the_measures_unit_whatever_sets_the_size():
    by_rule = {
        rule: compare({**SELECTIVITY, "margin": {"null_sd": 3}}, effect=1.0, select_rule=rule)[2]
        for rule in (None, "plateau")
    }
    for result in by_rule.values():
        assert result.effect == pytest.approx(result.observed - result.reference_value)
        assert result.reference_value == result.ladder[0].mean
        assert result.interval.low < result.effect < result.interval.high
    fixed, varying = by_rule[None], by_rule["plateau"]
    assert varying.observed == pytest.approx(fixed.observed)  # the same group
    sd = next(rung for rung in fixed.ladder if rung.null == "size_matched").sd
    # a mean over neurons: sizes differ and the mean of random groups does not
    assert varying.effect == pytest.approx(fixed.effect, abs=sd)
    for result in by_rule.values():
        assert result.margin[1] == pytest.approx(3 * sd)


def test_weights_have_no_interval_and_say_why():
    prediction = {**DIMENSION, "measure": "hill_alpha"}
    _, _, result = compare(prediction)
    assert result.interval is None
    assert result.p_equivalence is None
    assert any("no documents" in note for note in result.notes)


def test_all_group_measures_run_and_agree_with_their_resamples():
    """With every document drawn once, a resample is the value itself."""
    for name in ("selectivity", "effective_dimension", "modularity", "top_head_impact"):
        protocol = make_protocol({**DIMENSION, "measure": name})
        evidence, streams = make_evidence(3, 1.0, 1.0), Streams(1)
        (item,) = protocol.predictions
        measure = measure_of(item).bind(item, evidence, Session(streams))
        assert measure.resamples is not None
        group = np.arange(GROUP)
        assert measure.rows is not None
        _, units = np.unique(measure.rows.documents, return_inverse=True)
        once = np.ones((1, units.max() + 1), dtype=np.int32)
        value = measure.values(group[None, :])[0]
        tolerance = 0.02 if name == "modularity" else 1e-9  # restarts find communities by chance
        assert measure.resamples(group[None, :], units, once)[0, 0] == pytest.approx(value, abs=tolerance), (
            name
        )


def test_what_a_size_alone_does_is_taken_off():
    """A dimension grows in proportion to k; between grid points no offset may arise from it."""

    def values(groups):
        size = groups.shape[1]
        return 0.7 * size + np.resize([-0.5, 0.5], len(groups))

    scale, noise = _without_size(BoundMeasure(values=values), [10, 100], 40, N_NEURONS, Streams(1))
    for size in range(10, 101):
        assert scale(np.array([0.7 * size + 0.5]), size)[0] == pytest.approx(0.7 * 40 + 0.5)
    assert noise == pytest.approx(2 * 0.25 / 399)  # variance 0.25 x 400 / 399, of means over 400


def test_sizes_of_which_no_random_group_has_a_value_cannot_be_compared():
    measure = BoundMeasure(values=lambda groups: np.full(len(groups), np.nan))
    with pytest.raises(Undefined, match="random groups of 10 neurons have no value"):
        _without_size(measure, [10, 100], 40, N_NEURONS, Streams(1))


@pytest.mark.parametrize("rule", [None, "plateau"])
def test_the_group_has_an_interval_of_its_own(rule):
    _, _, result = compare(SELECTIVITY, effect=1.0, select_rule=rule)
    value, (low, high) = result.observed, result.own_intervals.observed
    assert low < value < high
    assert (low + high) / 2 == pytest.approx(value)
