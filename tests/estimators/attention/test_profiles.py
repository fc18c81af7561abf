from __future__ import annotations

import numpy as np
import pytest

from hypotest.estimators.attention.profiles import by_distance, visible_distances


def test_distances_by_hand() -> None:
    attention = np.array([[[0.2, 0.8, 0.0]], [[0.1, 0.3, 0.6]], [[1.0, 0.0, 0.0]]], dtype=np.float32)
    profile = by_distance(attention, np.array([1, 2, 0]))
    # query 1 sees distances 0, 1 = keys 1, 0; query 2 distances 0, 1, 2 = keys 2, 1, 0; query 0 itself
    expected = np.array([[[0.8, 0.2, 0]], [[0.6, 0.3, 0.1]], [[1, 0, 0]]], dtype=np.float32)
    np.testing.assert_array_equal(profile, expected)
    assert profile.dtype == np.float32


def test_a_window_limits_what_a_head_can_see() -> None:
    assert visible_distances(np.array([2, 3]), 2, 3).tolist() == [[True, True, False], [True, True, True]]
    assert visible_distances(None, 2, 3).all()


def test_refusals() -> None:
    attention = np.ones((2, 1, 3))
    for index in ([0, 3], [0, -1]):
        with pytest.raises(ValueError, match="index must lie"):
            by_distance(attention, np.array(index))
    with pytest.raises(ValueError, match="one value per row"):
        by_distance(attention, np.array([0]))
    with pytest.raises(ValueError, match="windows"):
        visible_distances(np.zeros(1), 1, 3)
