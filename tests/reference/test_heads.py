"""Head impact against norms of the activations themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from hypotest.estimators.attention import heads
from tests import strategies


@given(
    seed=strategies.SEEDS,
    n=st.integers(1, 12),
    n_heads=st.integers(1, 4),
    n_neurons=st.integers(2, 6),
    data=st.data(),
)
@settings(deadline=None, max_examples=40)
def test_impact_is_a_ratio_of_frobenius_norms(
    seed: int, n: int, n_heads: int, n_neurons: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    groups = data.draw(strategies.groups(n_neurons))
    impact, single, base = [], [], []
    for _ in range(2):  # selection, evaluation
        activations = rng.normal(size=(n, n_neurons))
        change = rng.normal(size=(n_heads, n, n_neurons)) * rng.exponential(size=(n_heads, 1, 1))
        single.append((change**2).sum(axis=1))
        base.append((activations**2).sum(axis=0))
        impact.append(
            [
                [linalg.norm(change[h][:, g]) / linalg.norm(activations[:, g]) for h in range(n_heads)]
                for g in groups
            ]
        )
    np.testing.assert_allclose(heads.head_impact(single[1], base[1], groups), impact[1])
    top = np.argmax(impact[0], axis=1)
    assert heads.top_head(single[0], groups).tolist() == top.tolist()
    assert heads.top_head_impact(single[0], single[1], base[1], groups) == pytest.approx(
        np.array(impact[1])[np.arange(len(groups)), top]
    )
