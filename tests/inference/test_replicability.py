import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hypotest.inference.replicability import lower_bound, partial_conjunctions


def test_by_hand():
    """Sorted .001, .02, .3, .8: 4 x .001, 3 x .02, 2 x .3, 1 x .8."""
    conjunctions = partial_conjunctions([0.3, 0.001, 0.8, 0.02])
    assert conjunctions == pytest.approx((0.004, 0.06, 0.6, 0.8))
    assert [lower_bound(conjunctions, level) for level in (0.001, 0.05, 0.1, 0.9)] == [0, 1, 2, 4]


def test_all_of_them_is_the_largest_p_and_one_of_them_bonferroni():
    conjunctions = partial_conjunctions([0.01, 0.04, 0.02])
    assert conjunctions[-1] == pytest.approx(0.04) and conjunctions[0] == pytest.approx(0.03)
    assert partial_conjunctions([]) == () and lower_bound((), 0.05) == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        partial_conjunctions([1.2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_more_models_are_never_easier_to_show(p_values):
    conjunctions = partial_conjunctions(p_values)
    assert all(a <= b for a, b in itertools.pairwise(conjunctions)) and conjunctions[-1] <= 1
    assert conjunctions[-1] >= max(p_values) - 1e-12


def test_the_bound_exceeds_the_truth_as_often_as_the_level_allows_whatever_is_shared():
    rng = np.random.default_rng(0)
    n_models, with_effect, n = 5, 2, 4000
    for shared in (0.0, 0.9):
        noise = np.sqrt(shared) * rng.normal(size=(n, 1)) + np.sqrt(1 - shared) * rng.normal(
            size=(n, n_models)
        )
        z = noise + np.where(np.arange(n_models) < with_effect, 5.0, 0.0)
        p_values = stats.norm.sf(z)
        bounds = np.array([lower_bound(partial_conjunctions(row), 0.05) for row in p_values])
        # 4,000 at 0.05: SD 0.0034
        assert np.mean(bounds > with_effect) < 0.05 + 3 * 0.0034
        assert np.mean(bounds >= with_effect) > 0.9
