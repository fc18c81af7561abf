from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import LogisticRegression

from hypotest.groups import matching
from hypotest.groups.nulls import random_groups
from hypotest.inference.randomization import compare_with_null


def group_by_covariates(covariates: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Members drawn by odds exp(first covariate + half the third): nothing else decides."""
    log_odds = covariates[:, 0] + covariates[:, 2] / 2
    return np.argsort(-(log_odds + rng.gumbel(size=log_odds.size)))[:size]


def covariates_and_group(
    seed: int, n_neurons: int = 400, size: int = 30
) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n_neurons, 3))
    covariates[:, 1] = 0.8 * covariates[:, 0] + 0.6 * covariates[:, 1]
    return covariates, group_by_covariates(covariates, size, rng), rng


def test_covariates_by_hand():
    activations = np.array([[1.0, -3.0], [3.0, -1.0], [-1.0, -2.0], [1.0, 2.0]], dtype=np.float32)
    covariates = matching.activation_covariates(activations, np.array([[3.0, 4.0], [0.0, 2.0]]))
    assert tuple(covariates) == matching.COVARIATES
    # first neuron: mean 1, squared deviations 0, 4, 4, 0; second: mean -1, deviations 4, 0, 1, 9
    np.testing.assert_allclose(covariates["activation_sd"], np.log(np.sqrt([2.0, 3.5])))
    np.testing.assert_allclose(covariates["activation_mean"], np.log([6 / 4, 8 / 4]))
    np.testing.assert_allclose(covariates["output_norm"], np.log([5.0, 2.0]))
    np.testing.assert_array_equal(covariates["activation_rate"], [3 / 4, 1 / 4])


def test_silent_neurons_count_as_a_thousandth_of_the_median():
    activations = np.random.default_rng(0).normal(size=(50, 5))
    activations[:, 3] = 0
    activations[:, 4] *= 1e-9
    covariates = matching.activation_covariates(activations, np.ones((5, 2)))
    sd = activations.std(axis=0)
    floor = np.median(sd[sd > 0]) / 1000
    np.testing.assert_allclose(covariates["activation_sd"][3:], np.log(floor))
    np.testing.assert_allclose(covariates["activation_sd"][:3], np.log(sd[:3]))
    assert covariates["activation_rate"][3] == 0
    silent = matching.activation_covariates(np.zeros((4, 3)), np.zeros((3, 2)))
    assert all((values == 0).all() for values in silent.values())


def test_blocks_do_not_change_the_covariates(monkeypatch):
    activations = np.random.default_rng(1).normal(size=(20, 7)).astype(np.float32)
    whole = matching.activation_covariates(activations, np.ones((7, 2)))
    monkeypatch.setattr(matching, "_BLOCK_BYTES", 8 * 20 * 3)
    parts = matching.activation_covariates(activations, np.ones((7, 2)))
    for name in matching.COVARIATES:
        np.testing.assert_allclose(whole[name], parts[name])


def test_scores_are_those_of_a_ridge_logistic_regression():
    covariates, group, _ = covariates_and_group(0)
    scores = matching.propensity_scores(covariates * [1, 100, 0.01] + [0, 7, -3], group)
    standardised = (covariates - covariates.mean(axis=0)) / covariates.std(axis=0)
    # sklearn minimises |b|^2 / 2 - C * log likelihood: C is the prior variance
    theirs = LogisticRegression(C=matching.PRIOR_SD**2, tol=1e-10, max_iter=1000)
    theirs.fit(standardised, np.isin(np.arange(400), group))
    np.testing.assert_allclose(scores, theirs.decision_function(standardised), atol=0.02)
    assert np.ptp(scores) > 3


def test_separated_groups_collinear_and_constant_covariates_do_no_harm():
    rng = np.random.default_rng(2)
    first = rng.standard_cauchy(300)
    covariates = np.column_stack([first, -2 * first, np.full(300, 0.1), rng.normal(size=300)])
    group = np.argsort(first)[-20:]
    scores = matching.propensity_scores(covariates, group)
    assert np.isfinite(scores).all()
    assert scores[group].min() > np.delete(scores, group).max()
    assert np.ptp(scores) > 1


def test_without_varying_covariates_the_null_is_the_size_matched_one():
    scores = matching.propensity_scores(np.full((50, 2), 0.3), np.arange(5))
    np.testing.assert_allclose(scores, np.log(5 / 45))
    assert (matching.strata(scores, np.arange(5)) == 0).all()
    assert (
        matching.strata(matching.propensity_scores(np.empty((50, 0)), np.arange(5)), np.arange(5)) == 0
    ).all()


def test_cuts_are_halfway_between_members_at_the_deciles():
    scores = np.arange(100.0)
    group = np.arange(0, 100, 5)  # 20 members: two per stratum
    strata = matching.strata(scores, group)
    assert np.bincount(strata[group]).tolist() == [2] * 10
    # members 5 and 10 are the neighbours of the first cut, at 7.5
    assert np.flatnonzero(strata == 0).tolist() == list(range(8))
    assert np.bincount(strata)[1:-1].tolist() == [10] * 8


def test_a_small_group_has_one_member_per_stratum():
    strata = matching.strata(np.arange(30.0), np.array([3, 10, 20]))
    assert strata[[3, 10, 20]].tolist() == [0, 1, 2]
    assert (matching.strata(np.arange(30.0), np.array([3])) == 0).all()


def test_tied_members_stay_together():
    scores = np.array([0.0, 0, 0, 0, 1, 1, 2, 2, 2, 3])
    # four members of score 0, one of 1, one of 2: a cut can lie at 0.5 and 1.5 only
    strata = matching.strata(scores, np.array([0, 1, 2, 3, 4, 6]))
    assert strata.tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]
    assert (matching.strata(np.zeros(10), np.arange(4)) == 0).all()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n_neurons=st.integers(2, 60),
    n_strata=st.integers(1, 25),
    levels=st.integers(1, 40),
)
def test_strata_are_ordered_and_all_hold_members(seed: int, n_neurons: int, n_strata: int, levels: int):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, n_neurons) * 0.1 + 1e6
    group = rng.choice(n_neurons, rng.integers(1, n_neurons + 1), replace=False)
    strata = matching.strata(scores, group, n_strata)
    assert set(strata[group].tolist()) == set(range(strata.max() + 1)) == set(strata.tolist())
    assert strata.max() < min(n_strata, group.size)
    order = np.argsort(scores, kind="stable")
    assert (np.diff(strata[order]) >= 0).all()
    assert all(np.unique(strata[scores == score]).size == 1 for score in scores)
    if np.unique(scores[group]).size == group.size:
        counts = np.bincount(strata[group])
        assert counts.size == min(n_strata, group.size)
        assert counts.max() - counts.min() <= 1


def test_cuts_between_neighbouring_floats():
    scores = np.array([1.0, np.nextafter(1.0, 2.0)])
    assert matching.strata(scores, np.array([0, 1])).tolist() == [0, 1]


def test_every_allowed_group_is_drawn_equally_often():
    strata = np.array([0, 1, 0, 1, 0, 0, 2])
    group = np.array([1, 0, 2, 6])
    draws = matching.exchanged_within(strata, group, 12_000, np.random.default_rng(3))
    assert draws.shape == (12_000, 4)
    allowed = {
        (*zeros, *ones, 6) for zeros in combinations([0, 2, 4, 5], 2) for ones in combinations([1, 3], 1)
    }
    expected = {tuple(sorted(each)) for each in allowed}
    groups, counts = np.unique(np.sort(draws, axis=1), axis=0, return_counts=True)
    # 4 choose 2 times 2 choose 1 times 1; the group itself is one of the 12
    assert {tuple(row) for row in groups.tolist()} == expected
    assert 10 ** matching.log10_distinct_groups(strata, group) == pytest.approx(12)
    assert stats.chisquare(counts).pvalue > 0.001


def test_blocks_keep_the_numbers_per_stratum(monkeypatch):
    monkeypatch.setattr(matching, "_BLOCK_BYTES", 8 * 100)
    rng = np.random.default_rng(4)
    strata, group = rng.integers(0, 3, 90), rng.choice(90, 20, replace=False)
    draws = matching.exchanged_within(strata, group, 50, rng)
    assert (np.diff(np.sort(draws, axis=1), axis=1) > 0).all()
    np.testing.assert_array_equal(np.sort(strata[draws], axis=1), np.tile(np.sort(strata[group]), (50, 1)))


def test_strata_without_members_are_left_out():
    strata = np.array([0, 0, 1, 1, 2, 2])
    draws = matching.exchanged_within(strata, np.array([0, 4]), 20, np.random.default_rng(5))
    assert set(strata[draws].ravel().tolist()) == {0, 2}


def test_balance_by_hand():
    covariates = np.column_stack([[0.0, 1, 2, 3, 4, 5], np.full(6, 0.1)])
    before, after = matching.balance(covariates, np.array([4, 5]), np.array([[4, 3], [5, 2]]))
    sd = np.sqrt(35 / 12)  # of 0 to 5
    # group 4.5, layer 2.5, draws (4 + 3 + 5 + 2) / 4 = 3.5; nothing to balance in a constant
    np.testing.assert_allclose(before, [2 / sd, 0], atol=1e-12)
    np.testing.assert_allclose(after, [1 / sd, 0], atol=1e-12)


def test_matching_removes_most_of_the_difference():
    covariates, group, rng = covariates_and_group(6, n_neurons=1000, size=40)
    strata = matching.strata(matching.propensity_scores(covariates, group), group)
    before, after = matching.balance(covariates, group, matching.exchanged_within(strata, group, 999, rng))
    assert before[0] > 0.7
    assert np.abs(after).max() < 0.1


@pytest.mark.slow
def test_the_level_holds_where_size_matched_groups_fail():
    # Membership depends on the covariates only; the statistic is the mean of a variable that correlates
    # 0.5 with one of them.
    n_simulations, n_draws, size = 1000, 99, 40
    matched, unmatched = 0, 0
    for seed in range(n_simulations):
        covariates, group, rng = covariates_and_group(seed, n_neurons=1000, size=size)
        irrelevant = 0.5 * covariates[:, 0] + np.sqrt(0.75) * rng.normal(size=1000)
        strata = matching.strata(matching.propensity_scores(covariates, group), group)
        draws = matching.exchanged_within(strata, group, n_draws, rng)
        controls = random_groups(1000, size, n_draws, rng)
        observed = irrelevant[group].mean()
        matched += compare_with_null(observed, irrelevant[draws].mean(axis=1)).p_value <= 0.05
        unmatched += compare_with_null(observed, irrelevant[controls].mean(axis=1)).p_value <= 0.05
    # p is a multiple of 2/100, so that 0.04 is what it can reach
    low, high = stats.binom.ppf([0.005, 0.995], n_simulations, 0.04)
    assert low <= matched <= high
    assert unmatched > 0.7 * n_simulations


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: matching.propensity_scores(np.array([[np.nan], [1.0]]), np.array([0])), "finite"),
        (lambda: matching.propensity_scores(np.zeros((3, 1)), np.arange(3)), "whole layer"),
        (lambda: matching.propensity_scores(np.zeros((3, 1)), np.array([1, 1])), "distinct"),
        (lambda: matching.strata(np.zeros(3), np.array([3])), "0 to 2"),
        (lambda: matching.strata(np.zeros(3), np.array([], dtype=int)), "distinct"),
        (lambda: matching.strata(np.zeros(3), np.array([0]), 0), "at least 1"),
        (lambda: matching.strata(np.array([0, np.inf]), np.array([0])), "finite"),
        (lambda: matching.balance(np.zeros((3, 1)), np.array([0]), np.empty((0, 1), dtype=int)), "draws"),
        (lambda: matching.activation_covariates(np.zeros((4, 3)), np.zeros((2, 5))), "agree"),
        (lambda: matching.activation_covariates(np.full((4, 3), np.nan), np.zeros((3, 5))), "finite"),
    ],
)
def test_refusals(call, message: str):
    with pytest.raises(ValueError, match=message):
        call()
