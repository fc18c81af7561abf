"""Bins of neighbours: where they begin, who can move, how much of the group a draw keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypotest.groups.local import local_bins, movable_members, shared_members
from hypotest.groups.matching import exchanged_within


def test_bins_are_full_where_the_group_is():
    # ranks by falling score: 23 neurons in bins of 10 are 10, and the last bin takes 3 more
    bins = local_bins(np.arange(23.0), size=10)
    assert bins[13:].tolist() == [0] * 10  # the ten largest scores
    assert bins[:13].tolist() == [1] * 13


@given(st.integers(1, 200), st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_every_bin_is_full_and_of_consecutive_ranks(n_neurons, size, seed):
    scores = np.random.default_rng(seed).normal(size=n_neurons)
    bins = local_bins(scores, size)
    counts = np.bincount(bins)
    assert (counts[:-1] == size).all()
    assert counts[-1] >= min(size, n_neurons)
    assert (np.diff(bins[np.argsort(-scores)]) >= 0).all()
    # only the order of the scores matters
    assert (local_bins(np.exp(scores), size) == bins).all()


def test_members_of_a_bin_of_members_cannot_move():
    bins = np.repeat([0, 1, 2], 4)
    group = np.array([0, 1, 2, 3, 4, 5])  # all of bin 0, two of bin 1
    assert movable_members(bins, group) == 2
    # bin 0 keeps 4 of 4, bin 1 keeps 2 * 2 / 4 = 1 of 2 on average: 5 of 6
    assert shared_members(bins, group) == pytest.approx(5 / 6)


def test_draws_keep_as_many_as_is_said():
    rng = np.random.default_rng(1)
    bins = local_bins(rng.normal(size=120), 10)
    group = np.sort(rng.permutation(120)[:30])
    draws = exchanged_within(bins, group, 4000, rng)
    assert all(
        (np.bincount(bins[row], minlength=12) == np.bincount(bins[group], minlength=12)).all()
        for row in draws
    )
    kept = np.isin(draws, group).mean()
    assert kept == pytest.approx(shared_members(bins, group), abs=0.01)


@pytest.mark.parametrize(
    ("scores", "size", "message"),
    [
        (np.array([[1.0]]), 10, "vector"),
        (np.array([]), 10, "vector"),
        (np.array([0.0, np.nan]), 10, "finite"),
        (np.arange(5.0), 1, "at least 2"),
    ],
)
def test_wrong_input(scores, size, message):
    with pytest.raises(ValueError, match=message):
        local_bins(scores, size)
