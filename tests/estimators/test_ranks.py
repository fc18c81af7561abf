"""Mid-ranks under weights equal scipy's ranks of literally repeated rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from hypotest.estimators.ranks import RankOrder


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), distinct=st.integers(1, 30), looked_up=st.booleans())
def test_ranks_of_repeated_rows(seed: int, distinct: int, looked_up: bool) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(distinct, size=(25, 4)).astype(float)
    weights = rng.integers(0, 4, size=(3, 25)).astype(float)
    weights[2, ::2] = 0
    columns = np.stack([rng.permutation(4)[:2] for _ in weights])
    order = RankOrder(values)
    ranks, kept = order.twice_mid_ranks(columns, weights)
    if looked_up:
        squares, _ = order.twice_mid_ranks(columns, weights, lambda total: np.arange(2.0 * total + 1) ** 2)
        assert squares.tolist() == (ranks**2).tolist()
    for number, (row, chosen) in enumerate(zip(weights, columns, strict=True)):
        counts = row.astype(int)
        n_present = np.count_nonzero(counts)
        assert kept[number].tolist() == [*row[row > 0], *[0] * (kept.shape[1] - n_present)]
        for member, column in enumerate(chosen):
            repeated = np.repeat(values[:, column], counts)
            expected = 2 * rankdata(repeated) - 1
            of_rows = expected[np.cumsum(counts[counts > 0]) - 1]
            assert ranks[number, member, :n_present].tolist() == of_rows.tolist()
            assert not ranks[number, member, n_present:].any()


def test_fractions_of_rows_scale_the_ranks() -> None:
    rng = np.random.default_rng(0)
    order, columns = RankOrder(rng.normal(size=(12, 3))), np.array([[0, 1, 2]])
    whole, _ = order.twice_mid_ranks(columns, np.ones((1, 12)))
    half, _ = order.twice_mid_ranks(columns, np.full((1, 12), 0.25))
    np.testing.assert_allclose(half, whole / 4)


@pytest.mark.parametrize("n_sets", [0, 2])
def test_no_sets_or_no_weight(n_sets: int) -> None:
    order = RankOrder(np.arange(6.0).reshape(3, 2))
    ranks, kept = order.twice_mid_ranks(np.zeros((n_sets, 1), dtype=np.int64), np.zeros((n_sets, 3)))
    assert (ranks.shape, kept.shape) == ((n_sets, 1, 0), (n_sets, 0))
