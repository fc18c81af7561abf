from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hypotest.estimators import routing
from hypotest.estimators.routing import AttentionProfiles, attention_profiles


def sampled(
    seed: int, same: bool = True, n_documents: int = 40, noise: float = 0.3
) -> tuple[AttentionProfiles, AttentionProfiles]:
    """Documents whose profiles scatter about one truth per head, or one per head and condition."""
    rng = np.random.default_rng(seed)
    n_heads, context = 4, 24
    counts = np.maximum(rng.integers(1, 6, (n_documents, 1)) - np.arange(context) // 6, 0)
    truth = rng.normal(size=(2, n_heads, context))
    both = []
    for condition in range(2):
        mean = truth[0 if same else condition]
        scatter = rng.normal(size=(n_documents, n_heads, context)) * noise
        attention = np.exp(mean + scatter)
        both.append(AttentionProfiles(attention * counts[:, None], counts.astype(float)))
    return both[0], both[1]


def by_definition(
    rare: AttentionProfiles, common: AttentionProfiles, weights: np.ndarray, halves: np.ndarray
) -> float:
    """The ratio in plain loops, with scipy's Spearman."""

    def profile(profiles: AttentionProfiles, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sums = np.einsum("d,dhc->hc", chosen, profiles.sums)
        return sums, chosen @ profiles.counts

    n_heads = rare.sums.shape[1]
    parts = np.zeros((3, n_heads))
    for half in halves:
        first, second = weights * half, weights * ~half
        four = [profile(p, w) for p in (rare, common) for w in (first, second)]
        seen = np.all([count > 0 for _, count in four], axis=0)
        for head in range(n_heads):
            a, b, c, d = (sums[head, seen] / count[seen] for sums, count in four)

            def r(x: np.ndarray, y: np.ndarray) -> float:
                return float(stats.spearmanr(x, y).statistic)

            parts[:, head] += [(r(a, d) + r(b, c)) / 2, r(a, b), r(c, d)]
    parts /= len(halves)
    ceiling = np.sqrt(np.maximum(parts[1], 0) * np.maximum(parts[2], 0))
    return float(parts[0].mean() / ceiling.mean())


def test_spearman_per_head_equals_scipy() -> None:
    rare, common = sampled(0, same=False)
    result = routing.routing_similarity(rare, common)
    for head in range(4):
        x, y = (p.sums.sum(axis=0)[head] / p.counts.sum(axis=0) for p in (rare, common))
        assert result[head] == pytest.approx(stats.spearmanr(x, y).statistic)


def test_distances_that_one_condition_never_saw_are_left_out() -> None:
    rare, common = sampled(1)
    counts = common.counts.copy()
    counts[:, 15:] = 0
    cut = AttentionProfiles(common.sums * (counts > 0)[:, None], counts)
    result = routing.routing_similarity(rare, cut)
    x, y = (p.sums.sum(axis=0)[2, :15] / p.counts.sum(axis=0)[:15] for p in (rare, cut))
    assert result[2] == pytest.approx(stats.spearmanr(x, y).statistic)


@pytest.mark.parametrize("ties", [False, True])
def test_resamples_equal_the_definition(ties: bool) -> None:
    rare, common = sampled(2, noise=1.0)
    if ties:
        rare = AttentionProfiles(np.where(rare.sums > 2, rare.sums, 0), rare.counts)
        rare.sums[:, :, 5:9] = 0.0
    rng = np.random.default_rng(2)
    weights = rng.multinomial(40, np.full(40, 1 / 40), size=4)
    halves = routing.halvings(40, 3, rng)
    result = routing.routing_similarity_resamples(rare, common, weights, halves)
    for row, value in zip(weights, result, strict=True):
        assert value == pytest.approx(by_definition(rare, common, row, halves))


def test_correlations_of_resamples_are_those_of_repeated_documents() -> None:
    rare, common = sampled(4)
    weights = np.random.default_rng(1).multinomial(40, np.full(40, 1 / 40), size=5)
    found = routing.routing_correlation_resamples(rare, common, weights)
    for row, value in zip(weights, found, strict=True):
        repeated = [
            AttentionProfiles(np.repeat(one.sums, row, axis=0), np.repeat(one.counts, row, axis=0))
            for one in (rare, common)
        ]
        assert value == pytest.approx(routing.routing_similarity(*repeated).mean(), abs=1e-12)


def test_swaps_equal_exchanged_rows() -> None:
    rare, common = sampled(3, same=False)
    rng = np.random.default_rng(3)
    swaps = rng.random((4, 40)) < 0.5
    halves = routing.halvings(40, 3, rng)
    result = routing.routing_similarity_swaps(rare, common, swaps, halves)
    for flags, value in zip(swaps, result, strict=True):

        def exchanged(
            one: AttentionProfiles, other: AttentionProfiles, flags: np.ndarray = flags
        ) -> AttentionProfiles:
            return AttentionProfiles(
                np.where(flags[:, None, None], other.sums, one.sums),
                np.where(flags[:, None], other.counts, one.counts),
            )

        pair = exchanged(rare, common), exchanged(common, rare)
        expected = routing.routing_similarity_resamples(*pair, np.ones((1, 40)), halves)[0]
        assert value == pytest.approx(expected)


def test_same_routing_reaches_the_ceiling_and_different_routing_does_not() -> None:
    halves = routing.halvings(40, 5, np.random.default_rng(4))
    ones = np.ones((1, 40))
    same = [routing.routing_similarity_resamples(*sampled(s, noise=1.5), ones, halves)[0] for s in range(30)]
    other = [
        routing.routing_similarity_resamples(*sampled(s, same=False), ones, halves)[0] for s in range(10)
    ]
    # The ceiling is needed: profiles themselves correlate well below 1.
    plain = [routing.routing_similarity(*sampled(s, noise=1.5)).mean() for s in range(30)]
    assert np.mean(same) == pytest.approx(1, abs=0.02)
    assert np.mean(plain) < 0.95
    assert np.mean(other) < 0.3


def test_reliability_rises_with_documents_and_stays_in_bounds() -> None:
    values = []
    for n in (6, 200):
        halves = routing.halvings(n, 6, np.random.default_rng(5))
        reliability = routing.routing_reliability(*sampled(5, n_documents=n, noise=2.0), halves)
        assert np.all((reliability >= 0) & (reliability <= 1))
        values.append(reliability.mean())
    assert values[1] > values[0] + 0.1


def test_weights_are_only_relative_and_chunks_do_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rare, common = sampled(6)
    rng = np.random.default_rng(6)
    weights = rng.multinomial(40, np.full(40, 1 / 40), size=7)
    halves = routing.halvings(40, 2, rng)
    whole = routing.routing_similarity_resamples(rare, common, weights, halves)
    monkeypatch.setattr(routing, "PROFILE_BYTES", 1)
    parts = routing.routing_similarity_resamples(rare, common, weights * 3.0, halves)
    np.testing.assert_allclose(parts, whole)
    swapped = routing.routing_similarity_resamples(common, rare, weights, halves)
    np.testing.assert_allclose(swapped, whole)


def test_halvings_are_even_random_and_reproducible() -> None:
    halves = routing.halvings(11, 50, np.random.default_rng(7))
    assert set(halves.sum(axis=1).tolist()) == {6}
    assert len(np.unique(halves, axis=0)) > 40
    assert np.array_equal(halves, routing.halvings(11, 50, np.random.default_rng(7)))


def test_undefined() -> None:
    constant = AttentionProfiles(np.ones((4, 2, 5)), np.ones((4, 5)))
    short = AttentionProfiles(np.random.default_rng(8).random((4, 2, 2)), np.ones((4, 2)))
    halves = routing.halvings(4, 2, np.random.default_rng(8))
    for profiles in (constant, short):
        assert np.isnan(routing.routing_similarity(profiles, profiles)).all()
        values = routing.routing_similarity_resamples(profiles, profiles, np.ones((1, 4)), halves)
        assert np.isnan(values).all()


def test_refusals() -> None:
    rare, common = sampled(9)
    halves = routing.halvings(40, 2, np.random.default_rng(9))
    with pytest.raises(ValueError, match="same documents"):
        routing.routing_similarity(rare, sampled(9, n_documents=5)[0])
    with pytest.raises(ValueError, match="weights"):
        routing.routing_similarity_resamples(rare, common, np.ones((1, 3)), halves)
    with pytest.raises(ValueError, match="negative"):
        routing.routing_similarity_resamples(rare, common, -np.ones((1, 40)), halves)
    with pytest.raises(ValueError, match="at least one"):
        routing.routing_similarity_swaps(rare, common, np.ones((1, 40)) > 0, halves[:0])
    with pytest.raises(ValueError, match="two documents"):
        routing.halvings(1, 1, np.random.default_rng(0))


def test_a_halving_that_a_resample_leaves_nearly_empty_is_left_out() -> None:
    # documents 0 and 1 see distances 0 to 3 only together with the others; drawn alone they share too few
    rare, common = sampled(10, n_documents=6)
    halves = np.array([[True, True, True, False, False, False], [True, False, True, False, True, False]])
    weights = np.array([[0, 0, 0, 2, 2, 2], [1, 1, 1, 1, 1, 1]])  # the first half of halving 0 is empty
    both = routing.routing_similarity_resamples(rare, common, weights, halves)
    assert np.isfinite(both).all()
    second = routing.routing_similarity_resamples(rare, common, weights, halves[1:])
    assert both[0] == pytest.approx(second[0], rel=1e-12)
    first = routing.routing_similarity_resamples(rare, common, weights, halves[:1])
    assert np.isnan(first[0]) and np.isfinite(first[1])


def test_what_no_head_can_see_does_not_make_profiles_alike() -> None:
    rng = np.random.default_rng(11)
    windows, context, n = np.array([6, 6]), 24, 40
    index, documents = np.full(n, context - 1), np.repeat(np.arange(20), 2)
    both = []
    for _ in range(2):  # within the window the conditions have nothing in common
        attention = np.zeros((n, 2, context))
        attention[:, :, -6:] = np.exp(rng.normal(size=(2, 6)) + 0.1 * rng.normal(size=(n, 2, 6)))
        both.append((attention, index, documents, np.arange(20)))
    blind = [attention_profiles(*arguments) for arguments in both]
    seeing = [attention_profiles(*arguments, windows) for arguments in both]
    short = [attention_profiles(arguments[0][..., -6:], index - 18, *arguments[2:]) for arguments in both]
    halves = routing.halvings(20, 3, rng)
    ones = np.ones((1, 20))
    assert routing.routing_similarity(*blind).min() > 0.8  # the zeros that they share
    np.testing.assert_allclose(routing.routing_similarity(*seeing), routing.routing_similarity(*short))
    for measured in (routing.routing_similarity_resamples, routing.routing_similarity_swaps):
        weights = ones if measured is routing.routing_similarity_resamples else ones > 2
        np.testing.assert_allclose(measured(*seeing, weights, halves), measured(*short, weights, halves))
