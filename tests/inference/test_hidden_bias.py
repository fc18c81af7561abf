"""Rosenbaum's gamma for any statistic of a group: against enumeration, other code, and planted causes."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import nchypergeom_fisher

from hypotest.groups.matching import exchanged_within
from hypotest.inference.hidden_bias import LARGEST, hidden_bias, unit_scores
from hypotest.inference.tilted import Bin, Tilt, movable_bins, noncentral, worst_tilt


def every_subset(bins, n_members):
    """All groups with so many members in every bin, shape (n_groups, k)."""
    parts = [list(combinations(np.flatnonzero(bins == label), n_members)) for label in np.unique(bins)]
    return np.array([np.concatenate(chosen) for chosen in product(*parts)])


def worst_p(groups, extreme, n_units, strength):
    """Largest probability of the extreme groups over all hidden causes of 0 and 1, by enumeration."""
    inside = np.zeros((len(groups), n_units))
    inside[np.arange(len(groups))[:, None], groups] = 1
    causes = np.array(list(product([0, 1], repeat=n_units))).T
    weights = strength ** (inside @ causes)
    return float(((weights * extreme[:, None]).sum(axis=0) / weights.sum(axis=0)).max())


def test_numbers_of_favoured_members_agree_with_scipy():
    for favoured, others, taken, strength in ((4, 6, 3, 2.5), (2, 8, 9, 0.4), (7, 3, 5, 10.0)):
        x, probability = noncentral(favoured, others, taken, np.log(strength))
        expected = nchypergeom_fisher(favoured + others, favoured, taken, strength).pmf(x)
        np.testing.assert_allclose(probability, expected, rtol=1e-9)
        assert probability.sum() == pytest.approx(1.0)


def test_drawn_groups_have_the_probabilities_of_the_definition():
    units, strength = np.arange(5), 3.0
    tilt = Tilt((Bin(units, 2),), (np.array([0, 3]),))
    drawn = np.sort(tilt.draw(np.log(strength), 40_000, np.random.default_rng(0)), axis=1)
    weights = {pair: strength ** sum(unit in (0, 3) for unit in pair) for pair in combinations(range(5), 2)}
    shares = {pair: np.mean((drawn == pair).all(axis=1)) for pair in weights}
    for pair, weight in weights.items():
        expected = weight / sum(weights.values())
        assert shares[pair] == pytest.approx(expected, abs=5 * np.sqrt(expected / 40_000))


def test_weights_are_ratios_of_probabilities():
    tilt = Tilt((Bin(np.arange(5), 2),), (np.array([0, 3]),))
    groups = np.array(list(combinations(range(5), 2)))
    for value in (0.0, 1.3):
        odds = np.exp(tilt.log_odds(groups, 5, [value])[0])
        assert odds.sum() == pytest.approx(1.0)  # all groups there are


def test_scores_by_hand():
    # groups {0,1}, {0,2}, {1,2} with T 1, 2, 6: unit 0 is in 1, 2 (mean 1.5) and not in 6
    scores = unit_scores(np.array([[0, 1], [0, 2], [1, 2], [1, 2]]), np.array([1.0, 2.0, 6.0, np.nan]), 4)
    assert scores.tolist() == [1.5 - 6.0, 3.5 - 2.0, 4.0 - 1.0, 0.0]


def test_the_cut_raises_a_sum_more_than_any_other_cause():
    rng = np.random.default_rng(1)
    for strength in (1.2, 4.0, 30.0):
        scores = rng.normal(size=7)
        one = Bin(np.arange(7), 3)
        _, gain = worst_tilt([one], scores, np.log(strength))
        groups = np.array(list(combinations(range(7), 3)))
        inside = np.zeros((len(groups), 7))
        inside[np.arange(len(groups))[:, None], groups] = 1
        causes = np.array(list(product([0, 1], repeat=7))).T
        weights = strength ** (inside @ causes)
        means = (weights * (inside @ scores)[:, None]).sum(axis=0) / weights.sum(axis=0)
        assert gain == pytest.approx(means.max() - 3 * scores.mean(), abs=1e-9)


def test_members_of_bins_without_others_stay():
    parts, fixed = movable_bins(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 2]))
    assert [(item.units.tolist(), item.n_members) for item in parts] == [([2, 3], 1)]
    assert fixed.tolist() == [0, 1]


def test_a_sum_has_the_strength_of_enumeration():
    rng, bins = np.random.default_rng(2), np.repeat([0, 1, 2], 4)
    values = rng.normal(size=12)
    every = every_subset(bins, 2)
    sums = values[every].sum(axis=1)
    order = np.argsort(sums)
    group = every[order[3]]  # p = 2 * 4 / 216
    observed = float(sums[order[3]])

    bias = hidden_bias(
        observed,
        drawn := exchanged_within(bins, group, 1999, np.random.default_rng(3)),
        values[drawn].sum(axis=1),
        bins,
        group,
        lambda groups: values[groups].sum(axis=1),
        0.05,
        np.random.default_rng(4),
    )
    extreme = sums <= observed + 1e-12
    low, high = 1.0, 20.0
    for _ in range(30):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if worst_p(every, extreme, 12, middle) < 0.025 else (low, middle)
    assert bias is not None
    assert bias.strength == pytest.approx(low, rel=0.2)  # 499 draws: 25 % of a tail of 0.025
    assert bias.linear > 0.95


def test_stronger_effects_need_stronger_causes():
    bins, values = np.repeat(np.arange(6), 10), np.tile(np.arange(10.0), 6)
    strengths = []
    for first in (4, 7):  # members are those with the largest values, from `first` on
        group = np.flatnonzero((values >= first) & (values < first + 3))
        drawn = exchanged_within(bins, group, 999, np.random.default_rng(0))
        bias = hidden_bias(
            float(values[group].sum()),
            drawn,
            values[drawn].sum(axis=1),
            bins,
            group,
            lambda groups: values[groups].sum(axis=1),
            0.05,
            np.random.default_rng(1),
        )
        assert bias is not None
        strengths.append(bias.strength)
    assert 1.0 <= strengths[0] < 2 < strengths[1]


def test_no_cause_is_enough_where_no_cause_reaches_the_value():
    bins = np.repeat(np.arange(6), 10)
    group = np.arange(0, 60, 5)
    drawn = exchanged_within(bins, group, 199, np.random.default_rng(0))
    noise = np.random.default_rng(1).normal(size=199)
    rng = np.random.default_rng(2)
    bias = hidden_bias(
        100.0, drawn, noise, bins, group, lambda groups: rng.normal(size=len(groups)), 0.05, rng
    )
    assert bias is not None
    assert bias.strength == pytest.approx(LARGEST)
    assert bias.linear < 0.2


def test_a_statistic_that_does_not_vary_has_none():
    bins, group = np.repeat([0, 1], 10), np.array([0, 1, 10])
    drawn = exchanged_within(bins, group, 19, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    same = hidden_bias(1.0, drawn, np.ones(19), bins, group, lambda groups: np.ones(len(groups)), 0.05, rng)
    assert same is None
    alone = hidden_bias(1.0, drawn, np.arange(19.0), np.arange(20), group, np.sum, 0.05, rng)
    assert alone is None  # every bin is wholly of the group


@pytest.mark.slow
def test_a_planted_cause_is_rarely_found_too_weak():
    """Membership dealt out with odds of 2 for the larger half: p beyond that strength holds its level."""
    bins, n_strong, n_layers = np.repeat(np.arange(5), 10), 0, 200
    for number in range(n_layers):
        rng = np.random.default_rng(number)
        values = rng.normal(size=50)
        large = [np.flatnonzero((bins == place) & (values > 0)) for place in range(5)]
        tilt = Tilt(tuple(Bin(np.flatnonzero(bins == place), 3) for place in range(5)), tuple(large))
        group = np.sort(tilt.draw(np.log(2.0), 1, rng)[0])
        drawn = exchanged_within(bins, group, 399, rng)
        draws, observed = values[drawn].sum(axis=1), float(values[group].sum())
        if 2 * (np.count_nonzero(draws >= observed) + 1) / 400 > 0.05:
            continue
        bias = hidden_bias(
            observed,
            drawn,
            draws,
            bins,
            group,
            lambda groups, values=values: values[groups].sum(axis=1),
            0.05,
            rng,
        )
        assert bias is not None
        n_strong += bias.strength > 2.0
    assert n_strong <= 13  # P(X > 13) < 0.001 of 200 at 0.025
