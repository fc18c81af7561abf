"""Q over resamples that share their partitions."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators.graphs.information import gaussian_copula_information
from hypotest.estimators.graphs.modularity import communities, modularity_resamples
from hypotest.estimators.graphs.shared_partitions import modularity_left_out, search_variance
from hypotest.inference.crossed import jackknife_variance
from hypotest.inference.left_out import leave_out


def activations(rng: np.random.Generator, n: int = 400, k: int = 30) -> np.ndarray:
    """Correlated through a few factors, without communities."""
    return rng.normal(size=(n, k)) + 0.8 * rng.normal(size=(n, 4)) @ rng.normal(size=(4, k))


def test_where_communities_are_plain_it_is_q_of_the_rows_left() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 18)) + 1.5 * rng.normal(size=(400, 3))[:, np.arange(18) % 3]
    item = leave_out(np.repeat(np.arange(40), 10), 10, rng)
    q = modularity_left_out(values, item.units, item.weights, restarts=20, rng=np.random.default_rng(1))
    expected = [
        communities(
            gaussian_copula_information(values[item.units != number]),
            np.arange(18)[None],
            restarts=20,
            rng=np.random.default_rng(2),
        ).modularity[0]
        for number in range(10)
    ]
    assert q == pytest.approx(expected, abs=1e-9)


def test_never_below_what_each_finds_alone_and_all_share_the_best() -> None:
    rng = np.random.default_rng(3)
    values, item = activations(rng), leave_out(np.arange(400), 20, rng)
    settings = {"restarts": 1, "resolution": 1.2}
    shared = modularity_left_out(values, item.units, item.weights, rng=np.random.default_rng(4), **settings)
    alone = modularity_resamples(values, item.units, item.weights, rng=np.random.default_rng(4), **settings)
    assert (shared >= alone - 1e-12).all()
    assert (shared > alone + 1e-6).any()  # the same seeds: some search had less luck than another
    # Literally the same rows, thrice: the search differs, what is found does not.
    thrice = modularity_left_out(
        values, np.zeros(400, dtype=int), np.ones((3, 1), dtype=int), restarts=1, rng=rng
    )
    assert np.ptp(thrice) == 0.0


def test_the_luck_of_the_search_does_not_become_a_standard_error() -> None:
    """Without communities, variance by leaving out groups: with luck in it, it is a multiple."""
    with_luck, shared = [], []
    for seed in range(8):
        rng = np.random.default_rng((5, seed))
        values, item = activations(rng), leave_out(np.arange(400), 32, rng)
        for variances, function in ((with_luck, modularity_resamples), (shared, modularity_left_out)):
            left_out = function(values, item.units, item.weights, restarts=1, rng=rng)
            variances.append(jackknife_variance(left_out))
    assert np.mean(with_luck) > 2 * np.mean(shared)


def test_undefined_where_nothing_is_drawn_or_nothing_varies() -> None:
    rng = np.random.default_rng(0)
    units = np.repeat([0, 1], 20)
    values = np.concatenate([activations(rng, n=20, k=5), np.zeros((20, 5))])
    q = modularity_left_out(values, units, np.array([[0, 0], [1, 1], [0, 1]]), rng=rng)
    assert np.isnan(q).tolist() == [True, False, True]


def test_refuses_rows_without_a_unit() -> None:
    with pytest.raises(ValueError, match="40 activations but 39 units"):
        modularity_left_out(np.ones((40, 3)), np.arange(39), np.ones((1, 39)), rng=np.random.default_rng(0))


class TestSearchVariance:
    def test_is_that_of_single_searches(self) -> None:
        information = gaussian_copula_information(np.random.default_rng(0).normal(size=(150, 40)))  # noise
        group = np.arange(5, 40)
        variance = search_variance(information, group, searches=400, restarts=1, rng=np.random.default_rng(1))
        alone = [
            communities(
                information, group[None], restarts=1, rng=np.random.default_rng((2, seed))
            ).modularity[0]
            for seed in range(400)
        ]
        assert variance == pytest.approx(np.var(alone, ddof=1), rel=0.3)
        settings = {"searches": 100, "rng": np.random.default_rng(3)}
        assert search_variance(information, group, restarts=10, **settings) < 0.5 * variance

    def test_nothing_where_communities_are_plain_or_there_is_no_graph(self) -> None:
        pairs = np.kron(np.eye(4), np.ones((3, 3)))
        for information in (pairs, np.zeros((12, 12))):
            assert search_variance(information, np.arange(12), rng=np.random.default_rng(0)) < 1e-20

    def test_refuses_a_single_search(self) -> None:
        with pytest.raises(ValueError, match="at least 2 searches"):
            search_variance(np.ones((4, 4)), np.arange(4), searches=1, rng=np.random.default_rng(0))
