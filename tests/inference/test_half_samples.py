import numpy as np
import pytest

from hypotest.inference.crossed import jackknife_variance
from hypotest.inference.half_samples import half_sample_variance, half_samples
from hypotest.inference.left_out import leave_out


def halves_of(values, seed=0):
    rng = np.random.default_rng(seed)
    left_out = leave_out(np.arange(values.size), values.size, rng)
    return left_out, half_samples(left_out, rng)


def test_by_hand():
    """Of 0, 1, 2, 5 (mean 2) the pairs have means 0.5, 1, 2.5, 1.5, 3, 3.5: mean square about 2 is 7/6.

    Of a mean of 4 the variance is S^2 / 4 = (4 + 1 + 0 + 9) / 3 / 4 = 7/6.
    """
    values = np.array([0.0, 1.0, 2.0, 5.0])
    left_out, halves = halves_of(values)
    of_unit = values[np.argsort(left_out.units)]  # of each group
    means = halves.weights @ of_unit / 2
    assert sorted(means) == [0.5, 1.0, 1.5, 2.5, 3.0, 3.5]
    assert half_sample_variance(means) == pytest.approx(7 / 6)
    assert half_sample_variance(means, noise=1.0) == pytest.approx(1 / 6)
    assert half_sample_variance(means, noise=2.0) == 0.0


@pytest.mark.parametrize("n_groups", [8, 16, 32])
def test_of_a_mean_they_give_the_jackknife_exactly(n_groups):
    values = np.random.default_rng(n_groups).normal(size=n_groups) ** 2
    _, halves = halves_of(values)
    means = halves.weights @ values / halves.weights.sum(axis=1)
    without = (values.sum() - values) / (n_groups - 1)
    assert half_sample_variance(means) == pytest.approx(jackknife_variance(without))


def test_with_groups_that_are_no_power_of_two_it_is_close():
    values = np.random.default_rng(3).normal(size=23)
    _, halves = halves_of(values)
    means = halves.weights @ values / halves.weights.sum(axis=1)
    assert half_sample_variance(means) == pytest.approx(values.var(ddof=1) / 23, rel=0.3)


def test_rows_that_always_stay_do():
    rng = np.random.default_rng(0)
    left_out = leave_out(np.arange(10), 4, rng, np.arange(10) < 8)
    halves = half_samples(left_out, rng)
    assert halves.weights.shape == (6, 5)
    assert (halves.weights[:, 4] == 1).all() and (halves.weights[:, :4].sum(axis=1) == 2).all()
    assert halves.effective == left_out.effective == 4


def test_a_selected_value_needs_halves():
    """The value of the unit of the largest mean score is a jump: leaving out one group is far too large."""
    rng = np.random.default_rng(5)
    n_units, n_rows, size, repeats = 300, 64, 30, 60
    over_samples, halved, one_out = [], [], []
    for _ in range(repeats):
        truth, property_ = rng.normal(size=n_units), rng.normal(size=n_units)

        def chosen(scores, property_=property_):
            return property_[np.argpartition(-scores, size)[:size]].mean()

        samples = truth + 4 * rng.normal(size=(8, n_rows, n_units))
        over_samples.append(np.var([chosen(sample.mean(axis=0)) for sample in samples], ddof=1))
        left_out = leave_out(np.arange(n_rows), 32, rng)
        halves = half_samples(left_out, rng)
        for weights, into in ((halves.weights, halved), (left_out.weights, one_out)):
            values = np.array([chosen(samples[0][row[left_out.units] > 0].mean(axis=0)) for row in weights])
            into.append(half_sample_variance(values) if into is halved else jackknife_variance(values))
    assert 0.7 < np.mean(halved) / np.mean(over_samples) < 1.6
    assert np.mean(one_out) / np.mean(over_samples) > 2.5
