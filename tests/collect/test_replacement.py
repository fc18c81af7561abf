import numpy as np
import pytest

from hypotest.collect.replacement import Replacement

BLOCK, INDEX = np.array([0, 0, 2, 5]), np.array([1, 3, 0, 2])
ACTIVATIONS = np.arange(12, dtype=np.float32).reshape(4, 3)


def replacement(kind, seed=1, rows=slice(None)):
    return Replacement.of(kind, ACTIVATIONS[rows], BLOCK[rows], INDEX[rows], seed)


def test_mean_and_zero_are_the_same_everywhere():
    assert replacement("mean").at(BLOCK, INDEX, 4).tolist() == [4.5, 5.5, 6.5]
    assert replacement("mean").within(7, 4).tolist() == [[4.5, 5.5, 6.5]]
    assert replacement("zero").at(BLOCK, INDEX, 4).tolist() == [0, 0, 0]


def test_donors_are_other_positions_and_the_same_for_all_neurons():
    replaced = replacement("resample").at(BLOCK, INDEX, 4)
    rows = replaced[:, 0] / 3  # the first column tells the row
    assert (replaced == ACTIVATIONS[rows.astype(int)]).all()
    for seed in range(50):
        own = replacement("resample", seed).at(BLOCK, INDEX, 4)
        assert not (own == ACTIVATIONS).any()


def test_donors_do_not_depend_on_what_is_asked_for_together():
    drawn = replacement("resample")
    whole = drawn.at(BLOCK, INDEX, 4)
    for row in range(4):
        alone = drawn.at(BLOCK[row : row + 1], INDEX[row : row + 1], 4)
        assert (alone[0] == whole[row]).all()
        assert (drawn.within(BLOCK[row], 4)[INDEX[row]] == whole[row]).all()


def test_donors_follow_the_seed():
    many = np.arange(200)
    one, other = (replacement("resample", seed).at(many, np.zeros(200, int), 4) for seed in (1, 2))
    assert (one != other).any()
    assert (one == replacement("resample", 1).at(many, np.zeros(200, int), 4)).all()
    counts = np.bincount((one[:, 0] / 3).astype(int), minlength=4)
    assert counts.min() > 25  # all donors, about equally


@pytest.mark.parametrize("kind", ["mean", "zero", "resample"])
def test_shapes(kind):
    assert replacement(kind).within(1, 4).shape in ((1, 3), (4, 3))
    assert replacement(kind).at(BLOCK, INDEX, 4).shape in ((3,), (4, 3))
