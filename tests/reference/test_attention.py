"""Attention: Gini against scikit-learn and closed forms, profiles against pandas, Spearman against scipy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.metrics import auc

from hypotest.estimators import routing
from hypotest.estimators.concentration import gini
from tests import strategies
from tests.reference import values


@given(row=strategies.samples(2, 30))
@settings(deadline=None, max_examples=60)
def test_gini_is_the_area_above_the_lorenz_curve(row: np.ndarray) -> None:
    row, n = np.abs(row), len(row)
    assume(row.any())
    lorenz = np.append(0, np.cumsum(np.sort(row)) / row.sum())
    area = 1 - 2 * auc(np.linspace(0, 1, n + 1), lorenz)
    assert float(gini(row, n)) == pytest.approx(area * n / (n - 1), abs=1e-12)
    # The paper's formula lacks 1/n and the factor.
    assert float(gini(row, n, literal=True)) == pytest.approx(area - 1 / n, abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 10, 64])
def test_gini_in_closed_form(n: int) -> None:
    """Of expected order statistics it is that of the distribution, whatever n: linear in them."""
    i = np.arange(1, n + 1)
    for m in range(1, n + 1):  # m equal keys, the others without attention
        assert float(gini((i <= m).astype(float), n)) == pytest.approx((n - m) / (n - 1))
    assert float(gini(i.astype(float), n)) == pytest.approx(1 / 3)  # uniform
    assert float(gini(np.cumsum(1 / i[::-1]), n)) == pytest.approx(1 / 2)  # exponential
    for a in (1.2, 2.0, 5.0):  # Pareto: 1 / (2 a - 1)
        pareto = np.exp(special.gammaln(n - i + 1 - 1 / a) - special.gammaln(n - i + 1))
        assert float(gini(pareto, n)) == pytest.approx(1 / (2 * a - 1))


@given(
    seed=strategies.SEEDS,
    n=st.integers(1, 12),
    n_heads=st.integers(1, 3),
    context=st.integers(1, 6),
    window=st.integers(1, 8),
)
@settings(deadline=None, max_examples=40)
def test_profiles_equal_grouped_sums(seed: int, n: int, n_heads: int, context: int, window: int) -> None:
    rng = np.random.default_rng(seed)
    attention = rng.random((n, n_heads, context))
    index, documents = rng.integers(0, context, n), rng.integers(0, 3, n)
    windows = np.full(n_heads, window)
    found = routing.attention_profiles(attention, index, documents, np.arange(3), windows)
    position, head, key = np.indices(attention.shape).reshape(3, -1)
    table = pd.DataFrame({"document": documents[position], "head": head, "key": key})
    table["distance"] = index[position] - key
    table["attention"] = attention.ravel()
    before = table[table["distance"] >= 0]
    grouping = ["document", "head", "distance"]
    sums, counts = np.zeros((3, n_heads, context)), np.zeros((3, n_heads, context))
    for where, value in before[before["distance"] < window].groupby(grouping)["attention"].sum().items():
        sums[where] = value
    for where, value in before.groupby(grouping)["attention"].count().items():
        counts[where] = value
    np.testing.assert_allclose(found.sums, sums, atol=1e-12)
    np.testing.assert_array_equal(found.counts, counts[:, 0])


@pytest.mark.parametrize("case", values.read("dependence", "routing"))
def test_stored_spearman(case: values.Case) -> None:
    # The same sums in two documents, seen twice as often in the second.
    counts = np.array([[1.0] * len(case["rare"][0]), [2.0] * len(case["rare"][0])])
    both = [
        routing.AttentionProfiles(np.array([case[name]] * 2, dtype=float), counts)
        for name in ("rare", "common")
    ]
    assert routing.routing_similarity(*both) == pytest.approx(case["spearman"])


@given(seed=strategies.SEEDS, context=st.integers(3, 12), highest=st.integers(2, 30))
@settings(deadline=None, max_examples=25)
def test_similarity_and_reliability_of_random_profiles(seed: int, context: int, highest: int) -> None:
    rng = np.random.default_rng(seed)
    shape = 6, 2, context
    rare, common = (
        routing.AttentionProfiles(
            rng.integers(0, highest, shape).astype(float), rng.integers(1, 4, shape[::2]).astype(float)
        )
        for _ in range(2)
    )
    halves = routing.halvings(6, 3, rng)

    def profile(profiles: routing.AttentionProfiles, chosen: np.ndarray, head: int) -> np.ndarray:
        return profiles.sums[chosen, head].sum(axis=0) / profiles.counts[chosen].sum(axis=0)

    similarity = routing.routing_similarity(rare, common)
    reliability = routing.routing_reliability(rare, common, halves)
    for head in range(2):
        x, y = (profile(p, np.arange(6), head) for p in (rare, common))
        split = [[profile(p, half, head) for half in (h, ~h)] for p in (rare, common) for h in halves]
        assume(all(np.ptp(one) > 1e-9 for pair in [(x, y), *split] for one in pair))
        assert similarity[head] == pytest.approx(stats.spearmanr(x, y).statistic)
        r = [stats.spearmanr(first, second).statistic for first, second in split]
        a, b = np.mean(r[:3]), np.mean(r[3:])
        assert reliability[head] == pytest.approx(math.sqrt(max(a, 0) * max(b, 0)), abs=1e-9)
