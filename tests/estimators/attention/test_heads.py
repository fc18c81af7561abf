from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators.attention import heads


def test_head_impact_equals_the_norms_of_eq_8() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(50, 8))
    ablated = base + rng.normal(size=(3, 50, 8)) * np.array([0.1, 1.0, 0.0])[:, None, None]
    groups = np.array([[0, 3, 5], [1, 2, 7]])
    result = heads.head_impact(((base - ablated) ** 2).sum(axis=1), (base**2).sum(axis=0), groups)
    for row, group in enumerate(groups):
        for head in range(3):
            expected = np.linalg.norm((base - ablated[head])[:, group])
            expected /= np.linalg.norm(base[:, group])
            assert result[row, head] == pytest.approx(expected)
    assert result[:, 2].tolist() == [0.0, 0.0]


def test_the_top_head_is_chosen_on_selection_and_read_on_evaluation() -> None:
    selection = np.array([[9.0, 0.0, 1.0], [1.0, 2.0, 8.0]])
    evaluation = np.array([[1.0, 1.0, 0.0], [100.0, 0.0, 4.0]])
    base = np.array([2.0, 2.0, 14.0])
    groups = np.array([[0, 1], [1, 2]])
    # group (0, 1): selection 9 against 3 -> head 0; evaluation (1 + 1) / (2 + 2) = 0.5
    # group (1, 2): 1 against 10 -> head 1; (0 + 4) / (2 + 14) = 0.25
    assert heads.top_head(selection, groups).tolist() == [0, 1]
    np.testing.assert_allclose(
        heads.top_head_impact(selection, evaluation, base, groups), np.sqrt([0.5, 0.25])
    )


def test_top_head_share_by_hand() -> None:
    # two documents, two heads in two layers, three neurons; group (0, 2), head 1 in layer 0
    single = np.zeros((2, 2, 3))
    layer = np.zeros((2, 2, 3))
    single[:, 1] = [[1, 50, 2], [4, 50, 1]]
    layer[:, 0] = [[4, 50, 2], [6, 50, 4]]
    layer[:, 1] = 999
    weights = np.array([[1, 1], [2, 0], [0, 0]])
    # ones: (3 + 5) / (6 + 10) = 0.5; first document twice: 6 / 12 = 0.5
    share = heads.top_head_share(single, layer, np.array([1, 0]), np.array([0, 2]), 1, weights)
    np.testing.assert_allclose(share, [0.5, 0.5, np.nan])
    weights = np.array([[1.0, 3.0]])  # (3 + 15) / (6 + 30) = 0.5 again; unequal documents:
    single[1, 1, 0] = 0  # (3 + 3) / 36
    share = heads.top_head_share(single, layer, np.array([1, 0]), np.array([0, 2]), 1, weights)
    assert share[0] == pytest.approx(6 / 36)


def test_equal_independent_heads_share_one_hth() -> None:
    rng = np.random.default_rng(1)
    changes = rng.normal(size=(40, 100, 4, 6))  # documents, positions, heads, neurons
    share = heads.top_head_share(
        (changes**2).sum(axis=1),
        (changes.sum(axis=2) ** 2).sum(axis=1)[:, None],
        np.zeros(4, dtype=int),
        np.arange(6),
        2,
        np.ones((1, 40)),
    )
    assert share[0] == pytest.approx(1 / 4, rel=0.05)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
def test_invariances(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    single = rng.exponential(size=(3, 10))
    base = rng.exponential(size=10)
    groups = np.array([rng.choice(10, 4, replace=False) for _ in range(3)])
    impact = heads.head_impact(single, base, groups)
    moved = heads.head_impact(single * scale, base * scale, rng.permuted(groups, axis=1))
    np.testing.assert_allclose(impact, moved)
    # The whole is a weighted mean of its parts.
    parts = heads.head_impact(single, base, np.arange(10)[:, None])
    whole = heads.head_impact(single, base, np.arange(10)[None])[0]
    assert np.all(parts.min(axis=0) <= whole) and np.all(whole <= parts.max(axis=0))


def test_silent_groups_are_undefined() -> None:
    result = heads.head_impact(np.ones((2, 3)), np.array([0.0, 0.0, 1.0]), np.array([[0, 1]]))
    assert np.isnan(result).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: heads.head_impact(np.ones((2, 3)), np.ones(4), np.array([[0]])), "neurons"),
        (lambda: heads.head_impact(-np.ones((2, 3)), np.ones(3), np.array([[0]])), "negative"),
        (lambda: heads.head_impact(np.ones(3), np.ones(3), np.array([[0]])), "dimensions"),
        (
            lambda: heads.top_head_impact(np.ones((2, 3)), np.ones((3, 3)), np.ones(3), np.array([[0]])),
            "same heads",
        ),
        (lambda: share(head=2), "head must be"),
        (lambda: share(head_layer=np.array([0, 1])), "head_layer"),
        (lambda: share(weights=np.ones((1, 3))), "column for each"),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def share(**changed: object) -> np.ndarray:
    arguments: dict = {
        "single": np.ones((2, 2, 3)),
        "layer": np.ones((2, 1, 3)),
        "head_layer": np.array([0, 0]),
        "group": np.array([0]),
        "head": 0,
        "weights": np.ones((1, 2)),
    }
    return heads.top_head_share(**(arguments | changed))
