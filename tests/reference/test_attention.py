"""Attention: Gini against scikit-learn and closed forms, profiles against pandas, Spearman against scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import special
from sklearn.metrics import auc

from hypotest.estimators.attention.concentration import gini
from hypotest.estimators.attention.correlations import routing_correlations
from hypotest.estimators.attention.profiles import by_distance
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


@given(seed=strategies.SEEDS, n=st.integers(1, 12), n_heads=st.integers(1, 3), context=st.integers(1, 6))
@settings(deadline=None, max_examples=40)
def test_distances_equal_those_of_a_table(seed: int, n: int, n_heads: int, context: int) -> None:
    rng = np.random.default_rng(seed)
    attention, index = rng.random((n, n_heads, context)), rng.integers(0, context, n)
    position, head, key = np.indices(attention.shape).reshape(3, -1)
    table = pd.DataFrame({"position": position, "head": head, "distance": index[position] - key})
    table["attention"] = attention.ravel()
    expected = np.zeros(attention.shape)
    for where, value in table[table["distance"] >= 0].groupby(["position", "head", "distance"])["attention"]:
        expected[where] = value.item()
    np.testing.assert_array_equal(by_distance(attention, index), expected)


@pytest.mark.parametrize("case", values.read("dependence", "routing"))
def test_stored_spearman(case: values.Case) -> None:
    both = np.array([case["rare"], case["common"]], dtype=float)
    last = both.shape[2] - 1
    # one query of each condition, whose keys are distances reversed
    correlations = routing_correlations(both[:, :, ::-1], np.full(2, last), np.array([True, False]))
    assert correlations == pytest.approx(case["spearman"])
