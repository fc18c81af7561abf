from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators import profiles


def test_profiles_by_hand() -> None:
    attention = np.array([[[0.2, 0.8, 0.0]], [[0.1, 0.3, 0.6]], [[1.0, 0.0, 0.0]]], dtype=np.float32)
    index, documents = np.array([1, 2, 0]), np.array([7, 7, 3])
    order = np.array([7, 5, 3])
    found = profiles.attention_profiles(attention, index, documents, order)
    # Query 1 sees distances 0, 1 = keys 1, 0; query 2 distances 0, 1, 2 = keys 2, 1, 0.
    np.testing.assert_allclose(found.sums[0, 0], [0.8 + 0.6, 0.2 + 0.3, 0.1], rtol=1e-6)
    assert found.counts.tolist() == [[2, 2, 1], [0, 0, 0], [1, 0, 0]]
    assert found.sums[2, 0].tolist() == [1, 0, 0] and not found.sums[1].any()
    assert found.reach is None


def test_a_window_limits_what_a_head_can_see() -> None:
    attention = np.array([[[0.0, 0.4, 0.6], [0.1, 0.3, 0.6]]])
    found = profiles.attention_profiles(
        attention, np.array([2]), np.array([0]), np.array([0]), np.array([2, 3])
    )
    assert found.reach is not None
    assert found.reach.tolist() == [[True, True, False], [True, True, True]]
    assert found.sums[0].tolist() == [[0.6, 0.4, 0], [0.6, 0.3, 0.1]]
    assert found.counts.tolist() == [[1, 1, 1]]  # of queries with so many tokens before them


def test_refusals() -> None:
    attention = np.ones((2, 1, 3))
    for index, documents, order, message in [
        ([0, 3], [1, 1], [1], "index"),
        ([0, 1], [1, 2], [1], "exactly once"),
        ([0, 1], [1, 1], [1, 1], "exactly once"),
        ([0], [1, 1], [1], "shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            profiles.attention_profiles(attention, np.array(index), np.array(documents), np.array(order))
    with pytest.raises(ValueError, match="windows"):
        profiles.attention_profiles(
            attention, np.zeros(2, int), np.ones(2, int), np.ones(1, int), np.zeros(1)
        )
