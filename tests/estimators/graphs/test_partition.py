import numpy as np
import pytest
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score

from hypotest.estimators.graphs.partition import (
    agreement,
    concentration_over_parts,
    permuted_agreement,
    spectral_clusters,
)


def block_graph(sizes, inside=1.0, between=0.05, seed=0):
    rng = np.random.default_rng(seed)
    parts = np.repeat(np.arange(len(sizes)), sizes)
    weights = np.where(parts[:, None] == parts, inside, between) * rng.uniform(0.5, 1.5, (parts.size,) * 2)
    return (weights + weights.T) / 2, parts


def test_blocks_are_found_as_the_library_finds_them():
    weights, parts = block_graph([12, 20, 8])
    clusters = spectral_clusters(weights, 3, 1)
    assert agreement(clusters, parts) == 1.0
    theirs = SpectralClustering(3, affinity="precomputed", random_state=0).fit_predict(weights)
    assert agreement(clusters, theirs) == 1.0


def test_the_order_and_the_scale_of_a_graph_do_not_matter():
    weights, parts = block_graph([10, 14], between=0.3)
    order = np.random.default_rng(2).permutation(24)
    moved = spectral_clusters(7 * weights[np.ix_(order, order)], 2, 1)
    assert agreement(moved, spectral_clusters(weights, 2, 1)[order]) == 1.0
    assert agreement(moved, parts[order]) == 1.0


def test_graphs_without_edges_have_clusters_that_say_nothing():
    clusters = spectral_clusters(np.zeros((6, 6)), 2, 0)
    assert clusters.shape == (6,)
    assert agreement(clusters, np.array([0, 0, 0, 1, 1, 1])) <= 0.2


def test_what_is_no_graph_is_refused():
    with pytest.raises(ValueError, match="square matrix"):
        spectral_clusters(np.ones((3, 2)), 2, 0)
    with pytest.raises(ValueError, match="not negative"):
        spectral_clusters(-np.ones((3, 3)), 2, 0)


def test_chance_agrees_by_zero_on_average():
    weights, parts = block_graph([30, 30], between=1.0)
    clusters = spectral_clusters(weights, 2, 0)
    draws = permuted_agreement(clusters, parts, 500, np.random.default_rng(1))
    assert abs(draws.mean()) < 4 * draws.std() / np.sqrt(500)


def test_concentration_by_hand():
    parts = np.array([0, 0, 0, 1, 1, 2])
    groups = np.array([[0, 1, 2], [0, 3, 5], [0, 1, 3]])
    # counts 3 0 0 -> 1; 1 1 1 -> 0; 2 1 0, sorted 0, 1/3, 2/3: (1 + 1/3 - 2/3 (2/3 + 2/3)) 3/2 = 2/3
    np.testing.assert_allclose(concentration_over_parts(parts, groups, 3), [1, 0, 2 / 3])
    with pytest.raises(ValueError, match="two parts"):
        concentration_over_parts(np.zeros(3, dtype=int), np.array([[0, 1]]), 1)


def test_agreement_is_that_of_the_library():
    rng = np.random.default_rng(5)
    for n_clusters, n_parts in ((2, 2), (3, 5), (1, 4), (4, 1), (1, 1)):
        clusters, parts = rng.integers(0, n_clusters, 40), rng.integers(0, n_parts, (6, 40))
        expected = [adjusted_rand_score(row, clusters) for row in parts]
        np.testing.assert_allclose(agreement(clusters, parts), expected, atol=1e-12)
    # pairs together in both: 1 + 0; in clusters 1 + 1, in parts 1 + 0 of 6: (1 - 1/3) / (3/2 - 1/3) = 4/7
    assert agreement(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2])) == pytest.approx(4 / 7)
