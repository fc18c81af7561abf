from __future__ import annotations

import numpy as np
import pytest

from hypotest.measures import profiles


def test_profiles_by_hand() -> None:
    attention = np.array([[[0.2, 0.8, 0.0]], [[0.1, 0.3, 0.6]], [[1.0, 0.0, 0.0]]], dtype=np.float32)
    index, documents = np.array([1, 2, 0]), np.array([7, 7, 3])
    order = np.array([7, 5, 3])
    found = profiles.attention_profiles(attention, index, documents, order)
    # Query 1 sees distances 0, 1 = keys 1, 0; query 2 distances 0, 1, 2 = keys 2, 1, 0.
    np.testing.assert_allclose(found.sums[0, 0], [0.8 + 0.6, 0.2 + 0.3, 0.1], rtol=1e-6)
    assert found.counts.tolist() == [[2, 2, 1], [0, 0, 0], [1, 0, 0]]
    assert found.sums[2, 0].tolist() == [1, 0, 0] and not found.sums[1].any()
    keys = profiles.attention_profiles(attention, index, documents, order, over="key")
    np.testing.assert_allclose(keys.sums[0, 0], [0.2 + 0.1, 0.8 + 0.3, 0.6], rtol=1e-6)


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
