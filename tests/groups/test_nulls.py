import numpy as np
from scipy import stats

from hypotest.groups.nulls import influences_under, labelled_sums, random_groups


def test_groups_have_distinct_neurons_of_the_whole_layer():
    groups = random_groups(50, 7, 4000, np.random.default_rng(0))
    assert groups.shape == (4000, 7)
    assert (np.diff(np.sort(groups, axis=1), axis=1) > 0).all()
    counts = np.bincount(groups.ravel(), minlength=50)
    # each neuron is in a group with probability 7/50: 4,000 draws, 50 neurons, level 0.001
    expected = 4000 * 7 / 50
    statistic = ((counts - expected) ** 2 / (expected * (1 - 7 / 50))).sum() * (49 / 50)
    assert statistic < stats.chi2.ppf(0.999, 49)


def test_pairs_of_neurons_occur_as_often_as_they_should():
    groups = random_groups(6, 2, 15_000, np.random.default_rng(1))
    pairs = np.sort(groups, axis=1) @ [6, 1]
    _, counts = np.unique(pairs, return_counts=True)
    assert counts.size == 15  # 6 choose 2
    assert stats.chisquare(counts).pvalue > 0.001


def test_influences_equal_means_over_labelled_positions():
    rng = np.random.default_rng(2)
    delta = rng.normal(size=(60, 5)).astype(np.float32)
    units = rng.integers(0, 12, size=60)
    units[:12] = np.arange(12)
    half = rng.random(60) < 0.5
    labels = rng.random((4, 12)) < 0.5
    influences = influences_under(labels, labelled_sums(delta, units, half))
    for draw in range(4):
        chosen = labels[draw][units]
        np.testing.assert_allclose(influences.whole[draw], np.abs(delta[chosen]).mean(axis=0), rtol=1e-5)
        for which in (0, 1):
            rows = chosen & (half == bool(which))
            np.testing.assert_allclose(
                influences.halves[draw, which], np.abs(delta[rows]).mean(axis=0), rtol=1e-5
            )


def test_a_half_without_positions_is_undefined():
    delta = np.ones((4, 2), dtype=np.float32)
    sums = labelled_sums(delta, np.array([0, 0, 1, 1]), np.array([False, False, True, True]))
    influences = influences_under(np.array([[True, False]]), sums)
    assert np.isnan(influences.halves[0, 1]).all()
    assert (influences.whole == 1).all()
