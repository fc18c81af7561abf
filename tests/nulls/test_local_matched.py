"""Groups in which members change places with neighbours, a few ranks apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.errors import EvidenceError
from hypotest.nulls.local_matched import split_half_reliability
from hypotest.nulls.registry import NULLS
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.design import FEWEST_MOVABLE
from hypotest.records.results.prediction_result import PredictionResult
from tests.nulls.tasks import compared, drawn, prepared, protocol_of, require_refused, task_of
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence

NAME = "local_matched"
NULL = NULLS[NAME]


def chosen() -> Evidence:
    """The planted neurons are chosen for the first condition alone: on the second they are as others."""
    return make_evidence(0, effect=2.0, quirks=0.3)


@pytest.mark.parametrize("bin_size", [2, 5, 10])
def test_members_change_places_within_their_bins(bin_size):
    task = task_of(NAME, chosen(), draws=200, bin=bin_size)
    matched = prepared(task, NAME)
    sizes = np.bincount(matched.strata)
    assert sizes.min() >= bin_size and sizes.max() < 2 * bin_size
    expected = np.bincount(matched.strata[task.selection.group], minlength=sizes.size)
    for group in matched.groups:
        assert np.array_equal(np.bincount(matched.strata[group], minlength=sizes.size), expected)
        assert len(set(group.tolist())) == GROUP


def test_every_neuron_of_a_members_bin_takes_its_place_as_often():
    task = task_of(NAME, chosen(), draws=4000)
    matched, group = prepared(task, NAME), task.selection.group
    share = np.bincount(matched.groups.ravel(), minlength=N_NEURONS) / 4000
    sizes = np.bincount(matched.strata)
    expected = np.bincount(matched.strata[group], minlength=sizes.size) / sizes
    np.testing.assert_allclose(share, expected[matched.strata], atol=0.04)
    assert matched.facts["shared"] == pytest.approx(np.isin(matched.groups, group).mean(), abs=0.01)
    movable = expected[matched.strata[group]] < 1
    assert matched.facts["movable"] == movable.sum()


def test_they_are_as_influential_on_the_second_condition_as_the_group():
    """Loud on every target: random neurons are not, and matched ones are, as nearly as there are any."""
    evidence = make_evidence(0, loud=1.3, quirks=0.3)
    matched = drawn(NAME, evidence, draws=500, on=["base_influence"])
    (row,) = matched.balance
    assert row.covariate == "base_influence"
    assert row.before > 0.5 and abs(row.after) < row.before / 3
    default = drawn(NAME, evidence, draws=50)
    assert [row.covariate for row in default.balance] == ["activation_sd", "base_influence"]


def test_the_evaluation_split_is_not_read_nor_the_first_conditions_influence():
    one = chosen()
    other = replace(one, evaluation=make_evidence(9, loud=3.0).evaluation)
    groups = drawn(NAME, one, draws=99, select={"ids": list(range(GROUP))}).groups
    again = drawn(NAME, other, draws=99, select={"ids": list(range(GROUP))}).groups
    assert np.array_equal(groups, again)
    changes = one.selection.delta_loss.copy()
    changes[one.selection.first] *= np.arange(N_NEURONS) + 1
    moved = replace(one, selection=one.selection.with_channels(influence=changes))
    assert np.array_equal(groups, drawn(NAME, moved, draws=99, select={"ids": list(range(GROUP))}).groups)


def test_a_seed_gives_its_groups():
    one, again = (drawn(NAME, chosen(), draws=99).groups for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, drawn(NAME, chosen(), draws=99, seed=2).groups)


def test_a_group_without_neighbours_concludes_nothing():
    task = task_of(NAME, make_evidence(0, loud=30.0), draws=99, on=["base_influence"])
    rung = compared(task, NAME)
    movable = prepared(task, NAME).facts["movable"]
    assert movable < FEWEST_MOVABLE
    assert rung.comparison.blocked.startswith(f"only {movable:.0f} of the group's 20 neurons have neighbours")
    fine = compared(task_of(NAME, chosen(), draws=99), NAME)
    assert fine.comparison.blocked is None and NULL.imbalance_blocks is False


def test_groups_that_keep_members_show_less_of_a_difference():
    task = task_of(NAME, chosen(), draws=500, bin=2)
    rung = compared(task, NAME)
    kept = np.isin(rung.groups, task.selection.group).mean()
    assert rung.exchanged(task.selection.group, N_NEURONS) == pytest.approx((1 - kept) / (1 - 0.1))


def test_reliability_is_that_of_the_halves():
    evidence = make_evidence(0)
    split, half = evidence.selection, np.asarray(evidence.selection.documents) % 2 == 0
    loud = np.exp(0.5 * np.random.default_rng(0).normal(size=N_NEURONS))
    reliable = split.with_channels(influence=split.delta_loss * loud)
    noise, same = (split_half_reliability(item, "common", half) for item in (split, reliable))
    assert same > 0.95 and 0 <= noise < 0.5
    means = [
        np.log(np.abs(reliable.delta_loss[reliable.mask("common") & rows]).mean(axis=0))
        for rows in (half, ~half)
    ]
    r = np.corrcoef(*means)[0, 1]
    assert same == pytest.approx(2 * r / (1 + r), rel=1e-5)  # Spearman and Brown
    assert split_half_reliability(split, "common", np.zeros_like(half)) is None
    still = split.with_channels(influence=np.ones_like(split.delta_loss))
    assert split_half_reliability(still, "common", half) is None


def test_without_ablation_or_weights_there_is_nothing_to_match():
    evidence = replace(make_evidence(0), weights=None)
    with pytest.raises(EvidenceError, match="no channel weights"):
        drawn(NAME, evidence, draws=9, on=["output_norm"])
    assert len(drawn(NAME, evidence, draws=9, on=["output_norm", "activation_sd"]).balance) == 1


def test_the_record_and_its_sentence():
    task = task_of(NAME, chosen(), draws=99)
    matched = prepared(task, NAME)
    described = NULL.describe(matched, task.selection.result)
    assert described.draws[NAME] == matched.facts
    (said,) = NULL.balanced(described)
    facts = matched.facts
    assert f"{facts['movable']:.0f} of the group's 20 neurons can change places" in said
    assert f"keeps {100 * facts['shared']:.0f} % of the members" in said
    assert f"a reliability of {facts['reliability']:.2f}" in said
    assert list(NULL.balanced(task.selection.result)) == []


def limits(draws: dict[str, float | None], *results: PredictionResult) -> list[str]:
    task = task_of(NAME, chosen(), draws=99)
    group = replace(task.selection.result, draws={NAME: draws})
    return list(NULL.limits(task.protocol.nulls.local_matched, None, results, task.evidence, group))


def test_limits_are_named_where_they_hold():
    fine = {"movable": 19.0, "shared": 0.4, "reliability": 0.95}
    assert limits(fine) == []
    assert "rests on 7 of the group's 20 neurons" in limits({**fine, "movable": 7.0})[0]
    assert "keep 90% of the group's neurons" in limits({**fine, "shared": 0.9})[0]
    assert "has a reliability of 0.50" in limits({**fine, "reliability": 0.5})[0]
    assert limits({**fine, "reliability": None}) == []


def test_options_are_refused_with_their_place():
    require_refused(NAME, "draws", 0, 10**6 + 1)
    require_refused(NAME, "bin", 1, 11, 2.5)  # in larger bins neurons are not alike enough
    require_refused(NAME, "on", [], ["loudness"])
    require_refused(NAME, "stop_after", 1)


def test_words_name_bins_and_covariates():
    plan = protocol_of(NAME, draws=77, bin=4, on=["base_influence"])
    options = plan.nulls.local_matched
    assert "77 groups" in NULL.words.explained(options, plan) and "among 4 at a time" in NULL.words.explained(
        options, plan
    )
    for words in (NULL.words.method, NULL.words.registered):
        assert "bins of 4 neurons" in words(options, plan)
        assert "influence on the condition that the group was not selected on" in words(options, plan)
    assert "rare" in NULL.words.question_of("", plan.names) and "common" in NULL.words.question_of(
        "", plan.names
    )
