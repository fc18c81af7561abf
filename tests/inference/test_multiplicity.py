"""Adjusted p-values: by hand, against statsmodels, and the error rate they promise."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from hypotest.inference.multiplicity import adjust, benjamini_yekutieli, monte_carlo_floor
from hypotest.inference.randomization import compare_with_null
from hypotest.records.protocol.protocol import Correction

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def by_statsmodels(p: list[float], method: str) -> NDArray[np.float64]:
    """Adjusted p-values of statsmodels, whose Holm otherwise collects garbage, a third of a second each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "collect", lambda: 0)
        return np.asarray(multipletests(p, method=method)[1])


@given(p=P_VALUES)
@settings(deadline=None, max_examples=50)
def test_agrees_with_statsmodels(p: list[float]) -> None:
    assert adjust(p, len(p)) == pytest.approx(by_statsmodels(p, "bonferroni"))
    assert adjust(p, len(p), "holm") == pytest.approx(by_statsmodels(p, "holm"))
    assert benjamini_yekutieli(p) == pytest.approx(by_statsmodels(p, "fdr_by"))


@given(p=P_VALUES, missing=st.integers(0, 5))
@settings(deadline=None, max_examples=50)
def test_predictions_without_a_p_value_count_as_one(p: list[float], missing: int) -> None:
    padded = [*p, *[1.0] * missing]
    methods: tuple[Correction, ...] = ("bonferroni", "holm")
    for method in methods:
        reference = by_statsmodels(padded, method)[: len(p)]
        assert adjust(p, len(padded), method) == pytest.approx(reference)


@given(p=P_VALUES, n_tests=st.integers(1, 12))
@settings(deadline=None, max_examples=50)
def test_invariants(p: list[float], n_tests: int) -> None:
    bonferroni, holm = adjust(p, n_tests), adjust(p, n_tests, "holm")
    assert all(a >= b for a, b in zip(bonferroni, holm, strict=True))
    assert all(x <= b + 1e-15 and b <= 1 for x, b in zip(p, holm, strict=True))
    assert adjust(p[::-1], n_tests, "holm") == holm[::-1]
    order = np.argsort(p)
    assert (np.diff(np.array(holm)[order]) >= 0).all()


def test_by_hand() -> None:
    # M = 3, four p-values: factors min(3, 4), min(3, 3), min(3, 2), min(3, 1) in ascending order.
    p = [0.04, 0.001, 0.03, 0.2]
    assert adjust(p, 3) == pytest.approx((0.12, 0.003, 0.09, 0.6))
    # 0.001 * 3, 0.03 * 3 = 0.09, max(0.09, 0.04 * 2 = 0.08) = 0.09, max(0.09, 0.2) = 0.2.
    assert adjust(p, 3, "holm") == pytest.approx((0.09, 0.003, 0.09, 0.2))
    assert adjust([0.5, 0.9], 3) == (1.0, 1.0)
    assert adjust([], 3, "holm") == ()
    assert benjamini_yekutieli([]) == ()


@pytest.mark.parametrize("method", ["bonferroni", "holm"])
def test_family_wise_error_of_both_kinds_together(method: Correction) -> None:
    """M predictions: of half the difference is zero, of half it lies on the margin.

    Each prediction has a p-value of the difference and one of equivalence, and exactly one of the
    two hypotheses is true. The other has full power in the worst case, which gives Holm its
    smallest factors.
    """
    rng = np.random.default_rng(6)
    n_simulations, n_tests, level = 4000, 6, 0.05
    errors = 0
    for _ in range(n_simulations):
        true, false = rng.random(n_tests), np.full(n_tests, 1e-12)
        adjusted = adjust([*true, *false], n_tests, method)
        errors += min(adjusted[:n_tests]) <= level
    # 1 - (1 - 0.05 / 6)^6 = 0.049.
    assert errors <= stats.binom.ppf(0.999, n_simulations, level)
    assert errors >= stats.binom.ppf(0.001, n_simulations, 0.049)


def test_monte_carlo_floor_is_the_smallest_two_sided_p_value() -> None:
    for n_draws in (1, 19, 1999):
        smallest = compare_with_null(1e9, np.arange(float(n_draws))).p_value
        assert monte_carlo_floor(n_draws) == pytest.approx(smallest)
    assert monte_carlo_floor(0) == 1.0


def test_refuses() -> None:
    for wrong in ([-0.1], [1.1], [float("nan")]):
        with pytest.raises(ValueError, match="between 0 and 1"):
            adjust(wrong, 1)
        with pytest.raises(ValueError, match="between 0 and 1"):
            benjamini_yekutieli(wrong)
    with pytest.raises(ValueError, match="at least 1"):
        adjust([0.1], 0)
    with pytest.raises(ValueError, match="'sidak'"):
        adjust([0.1], 1, "sidak")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(ValueError, match="negative"):
        monte_carlo_floor(-1)
