from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hypotest.estimators.graphs import modularity
from hypotest.estimators.graphs.altered import altered_modularity, share_above_all
from hypotest.estimators.graphs.rewiring import SWEEPS, rewired


def weights(seed: int, size: int = 12, density: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = np.triu(rng.exponential(size=(size, size)) * (rng.random((size, size)) < density), 1)
    return matrix + matrix.T


def pass_rate(layer: np.ndarray, groups: np.ndarray, n_draws: int, seed: int, **options: float) -> float:
    rng = np.random.default_rng(seed)
    observed = modularity.communities(layer, groups, rng=rng).modularity
    draws = [rewired_modularity(layer, group, n_draws, rng=rng, **options) for group in groups]
    return share_above_all(observed, np.asarray(draws))


def rewired_modularity(
    layer: np.ndarray,
    group: np.ndarray,
    n_draws: int,
    *,
    rng: np.random.Generator,
    sweeps: float = SWEEPS,
    **options: float,
) -> np.ndarray:
    graphs = partial(rewired, layer[np.ix_(group, group)], sweeps=sweeps)
    return altered_modularity(graphs, len(group), n_draws, rng=rng, **options)


def modules(n_modules: int, size: int) -> np.ndarray:
    matrix = np.kron(np.eye(n_modules), np.ones((size, size))) + 0.1
    np.fill_diagonal(matrix, 0)
    return matrix


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 14),
    density=st.sampled_from([0.2, 1.0]),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_strengths_stay_and_weights_remain_weights(seed: int, size: int, density: float, scale: float):
    matrix = weights(seed, size, density) * scale
    draws = rewired(matrix + np.eye(size), 5, np.random.default_rng(seed), sweeps=30)
    assert draws.shape == (5, size, size)
    np.testing.assert_array_equal(draws, draws.transpose(0, 2, 1))
    assert (draws >= 0).all()
    assert (np.einsum("gii->gi", draws) == 0).all()
    np.testing.assert_allclose(draws.sum(axis=2), np.tile(matrix.sum(axis=1), (5, 1)), atol=1e-12 * scale)
    if size > 4 and density == 1:
        assert (np.abs(draws - matrix).max(axis=(1, 2)) > 0.01 * scale).all()


class LargestDraws(np.random.Generator):
    """The largest number below 1 every time: where rounding passes the bounds."""

    def random(self, size: tuple[int, ...]) -> np.ndarray:  # type: ignore[override]  # one call of many
        return np.full(size, 1 - 2.0**-53)


def test_rounding_at_the_bounds_makes_no_negative_weights():
    for seed in range(20):
        draws = rewired(weights(seed), 1, LargestDraws(np.random.PCG64(seed)), sweeps=20)
        assert (draws >= 0).all()
        np.testing.assert_allclose(draws[0].sum(axis=1), weights(seed).sum(axis=1))


def test_three_neurons_leave_no_freedom_and_no_sweeps_no_change():
    matrix = weights(0, 3)
    np.testing.assert_array_equal(rewired(matrix, 2, np.random.default_rng(0)), [matrix, matrix])
    matrix = weights(1)
    np.testing.assert_array_equal(rewired(matrix, 1, np.random.default_rng(0), sweeps=0)[0], matrix)


def test_four_neurons_of_equal_strength_are_uniform_on_a_triangle():
    # With all strengths 1 opposite pairs have equal weights, and the three values add up to 1: uniform on
    # the simplex, so that each is Beta(1, 2).
    start = np.kron(np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]]))
    draws = rewired(start, 2000, np.random.default_rng(2))
    np.testing.assert_allclose(draws[:, 0, 1], draws[:, 2, 3], atol=1e-12)
    for other in (1, 2, 3):
        assert stats.kstest(draws[:, 0, other], stats.beta(1, 2).cdf).pvalue > 0.001


def test_the_start_is_forgotten():
    # A ring of six, and two triangles: strengths 2 for all.
    ring = np.roll(np.eye(6), 1, axis=0) + np.roll(np.eye(6), -1, axis=0)
    triangles = np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3))
    first = rewired(ring, 1500, np.random.default_rng(3))
    second = rewired(triangles, 1500, np.random.default_rng(4))
    for pair in ((0, 1), (0, 3), (2, 4)):
        assert stats.ks_2samp(first[:, *pair], second[:, *pair]).pvalue > 0.001
    few = rewired(triangles, 1500, np.random.default_rng(4), sweeps=0.5)
    assert stats.ks_2samp(first[:, 0, 1], few[:, 0, 1]).pvalue < 1e-6


def test_draws_are_as_good_as_independent():
    # They share the cycles: were that to tie them together, means over 20 draws would vary more than
    # a twentieth of the variance of one.
    matrix = weights(5, 8)
    upper = np.triu_indices(8, 1)
    batches = np.stack(
        [rewired(matrix, 20, np.random.default_rng(seed), sweeps=60)[:, *upper] for seed in range(80)]
    )
    ratio = batches.mean(axis=1).var(axis=0, ddof=1) * 20 / batches.var(axis=1, ddof=1).mean(axis=0)
    # mean of 28 dependent ratios (20 degrees of freedom), each with SD sqrt(2/79) = 0.16
    assert abs(ratio.mean() - 1) < 0.12


def test_q_is_that_of_the_rewired_graphs(monkeypatch: pytest.MonkeyPatch):
    matrix = weights(6, 30)
    group = np.array([3, 9, 27, 1, 14, 20, 5, 11])
    options = {"method": "leiden", "resolution": 0.8, "restarts": 4}
    modularities = rewired_modularity(matrix, group, 6, **options, sweeps=20, rng=np.random.default_rng(7))
    rng = np.random.default_rng(7)
    graphs = rewired(matrix[np.ix_(group, group)], 6, rng, sweeps=20)
    expected = modularity.graph_communities(graphs, **options, rng=rng).modularity
    np.testing.assert_array_equal(modularities, expected)
    monkeypatch.setattr("hypotest.estimators.graphs.altered.CHUNK_BYTES", 8 * 64 * 4)
    parts = rewired_modularity(matrix, group, 6, **options, sweeps=20, rng=np.random.default_rng(7))
    assert parts.shape == (6,)
    assert np.isfinite(parts).all()


def test_rewiring_dissolves_modules_and_stays_there():
    matrix = modules(4, 8)
    group = np.arange(32)
    rng = np.random.default_rng(8)
    observed = modularity.communities(matrix, group[None], rng=rng).modularity[0]
    default = rewired_modularity(matrix, group, 60, rng=rng)
    longer = rewired_modularity(matrix, group, 60, sweeps=800, rng=rng)
    assert default.max() < observed / 2
    standard_error = np.sqrt((default.var() + longer.var()) / 60)
    assert abs(default.mean() - longer.mean()) < 4 * standard_error


def test_pass_rate_counts_groups_that_beat_all_their_rewirings():
    # Three modules of four pass. Twelve neurons with equal weights have the smallest Q of all
    # graphs of their strengths.
    layer = np.full((24, 24), 0.1)
    layer[:12, :12] = modules(3, 4)
    layer[12:, 12:] = 1.0
    groups = np.arange(24).reshape(2, 12)
    assert pass_rate(layer, groups, 30, seed=9) == 0.5
    assert pass_rate(layer, groups[:1], 30, seed=9) == 1.0
    # Three neurons have no other graph of the same strengths: a tie is no pass.
    assert pass_rate(weights(10, 9), np.arange(9).reshape(3, 3), 5, seed=9) == 0.0


def test_graphs_that_are_rewirings_themselves_pass_once_in_thirty_one():
    graphs = rewired(weights(11, 8), 20, np.random.default_rng(12))
    layer = np.zeros((160, 160))
    groups = np.arange(160).reshape(20, 8)
    for group, graph in zip(groups, graphs, strict=True):
        layer[np.ix_(group, group)] = graph
    rate = pass_rate(layer, groups, 30, seed=13, sweeps=100)
    assert rate * 20 <= stats.binom.ppf(0.999, 20, 1 / 31)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: rewired(-weights(0), 1, rng), "negative"),
        (lambda rng: rewired(np.triu(weights(0)), 1, rng), "symmetric"),
        (lambda rng: rewired(weights(0), 1, rng, sweeps=-1), "sweeps"),
        (lambda rng: share_above_all(np.ones(2), np.empty((2, 0))), "groups"),
        (lambda rng: share_above_all(np.empty(0), np.empty((0, 5))), "groups"),
        (lambda rng: share_above_all(np.ones(2), np.ones((3, 5))), "groups"),
    ],
)
def test_refusals(call, message: str):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))
