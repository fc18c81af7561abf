"""Groups of as many random neurons: every neuron may be one of them, the tested ones as well."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from hypotest.nulls.registry import NULLS
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.testing.group_measure import BoundMeasure
from tests.nulls.tasks import MEAN_NUMBER, compared, drawn, protocol_of, require_refused, task_of
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence

NAME = "size_matched"
NULL = NULLS[NAME]


@pytest.mark.parametrize("size", [1, 2, 20, 199])
def test_groups_are_of_the_groups_size_and_of_different_neurons(size):
    groups = drawn(NAME, select={"top": size}, draws=150)
    assert groups.shape == (150, size)
    assert groups.min() >= 0 and groups.max() < N_NEURONS
    assert (np.diff(np.sort(groups, axis=1)) > 0).all()


def test_every_neuron_is_drawn_as_often_as_any_other():
    groups = drawn(NAME, draws=2000)
    counts = np.bincount(groups.ravel(), minlength=N_NEURONS)
    assert stats.chisquare(counts).pvalue > 0.01
    assert counts.min() > 0.7 * counts.mean() and counts.max() < 1.3 * counts.mean()


def test_the_tested_neurons_are_among_them_as_chance_has_it():
    task = task_of(NAME, draws=2000)
    shared = np.isin(task.random_groups(2000), task.selection.group).sum(axis=1)
    # hypergeometric: mean k k / N = 2, variance 2 (180/200) (180/199)
    assert shared.mean() == pytest.approx(2, abs=0.1)
    assert shared.var() == pytest.approx(2 * 0.9 * 180 / 199, rel=0.1)


def test_a_seed_gives_its_groups_and_fewer_are_the_first_of_more():
    one, again, few = drawn(NAME, draws=200), drawn(NAME, draws=200), drawn(NAME, draws=50)
    assert np.array_equal(one, again) and np.array_equal(few, one[:50])
    assert not np.array_equal(one, drawn(NAME, draws=200, seed=2))


def test_p_counts_the_draws_on_either_side():
    rung = compared(task_of(NAME, draws=199), NAME)
    assert np.array_equal(rung.draws, rung.groups.mean(axis=1))
    below, above = (
        (rung.draws <= rung.comparison.observed).sum(),
        (rung.draws >= rung.comparison.observed).sum(),
    )
    assert rung.comparison.p_value == min(1, 2 * (min(below, above) + 1) / 200)
    assert rung.comparison.mean == pytest.approx(rung.draws.mean())
    # the mean of 20 of 0 to 199 without replacement: mean 99.5, SD 57.74 sqrt((1 - 20/200) / 20)
    assert rung.comparison.mean == pytest.approx(99.5, abs=3)
    assert rung.comparison.sd == pytest.approx(57.88 * math.sqrt(0.9 / 20), rel=0.1)


def test_draws_stop_where_more_change_nothing():
    task = task_of(NAME, draws=50_000, stop_after=20)
    rung = compared(task, NAME)
    whole = compared(task_of(NAME, draws=50_000), NAME)
    assert len(rung.draws) < 50_000 and rung.comparison.planned_draws == 50_000
    assert whole.comparison.planned_draws is None and len(whole.draws) == 50_000
    assert rung.comparison.p_value == pytest.approx(whole.comparison.p_value, abs=0.1)


def without(neuron: int) -> BoundMeasure:
    def values(groups):
        return np.where((groups == neuron).any(axis=1), np.nan, MEAN_NUMBER.values(groups))

    return BoundMeasure(values=values)


def test_few_draws_without_a_value_are_drawn_again_and_many_are_not():
    task = task_of(NAME, draws=999, select={"top": 4})
    spare = next(number for number in range(N_NEURONS) if number not in task.selection.group)
    rung = compared(task, NAME, without(spare))  # 2 % of groups hold it
    assert np.isfinite(rung.draws).all() and not (rung.groups == spare).any()
    assert np.array_equal(rung.draws, rung.groups.mean(axis=1))
    many = compared(task_of(NAME, draws=999), NAME, without(GROUP + 100))  # 10 % do
    assert 0.05 < np.isnan(many.draws).mean() < 0.15
    assert many.comparison.n_undefined == np.isnan(many.draws).sum()


@pytest.mark.parametrize(("n_neurons", "size"), [(200, 20), (12, 3), (2, 1)])
def test_how_many_different_groups_there_are(n_neurons, size):
    plan = protocol_of(NAME, {"top": size}, draws=99)
    logarithm, what = NULL.distinct(plan.nulls.size_matched, plan, None, n_neurons)
    assert logarithm == pytest.approx(math.log10(math.comb(n_neurons, size)))
    assert what == f"groups of {size} of {n_neurons} neurons"
    assert NULL.distinct(plan.nulls.size_matched, plan, None, None) is None


def test_the_whole_layer_is_the_only_group_of_its_size():
    plan = protocol_of(NAME, "all", draws=99)
    logarithm, _ = NULL.distinct(plan.nulls.size_matched, plan, None, 50)
    assert logarithm == pytest.approx(0, abs=1e-9)


def test_options_are_refused_with_their_place():
    require_refused(NAME, "draws", 0, -1, 10**6 + 1, 2.5, "many")
    require_refused(NAME, "stop_after", 1, 0)
    require_refused(NAME, "on", ["activation_sd"])


def test_words_say_how_many_and_of_what():
    plan = protocol_of(NAME, draws=1234)
    options = plan.nulls.size_matched
    for words in (NULL.words.explained, NULL.words.method, NULL.words.registered):
        assert words(options, plan).startswith("1,234 groups of as many")
        assert "layer" in words(options, plan)
    assert "without replacement" in NULL.words.method(options, plan)
    stopped = options.model_copy(update={"stop_after": 30})
    assert "up to 1,234 (stopped early once 30" in NULL.words.explained(stopped, plan)


def test_its_limit_is_named_where_a_prediction_rests_on_it():
    plan = protocol_of(NAME, draws=39)
    (result,) = analyse(plan, make_evidence(0)).predictions
    said = list(NULL.limits(plan.nulls.size_matched, None, [result], None, None))
    assert len(said) == 1 and "Random groups answer whether" in said[0]
    other = dataclasses.replace(result, reference="value")
    assert list(NULL.limits(plan.nulls.size_matched, None, [other], None, None)) == []
