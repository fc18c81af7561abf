"""Document bootstraps with one position per document, against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hypotest.estimators import dimension, heads, modularity
from hypotest.inference.bootstrap import (
    document_interval,
    document_weights,
    jackknife_weights,
)
from tests import strategies
from tests.reference import values
from tests.reference.make_bootstrap import SHARE

STORED = {case["kind"]: case for case in values.read("bootstrap")}


def columns_of(kind: str) -> np.ndarray:
    return np.array(STORED[kind]["columns"])


def replicates(kind: str, weights: np.ndarray) -> np.ndarray:
    """Of the function of hypotest that has resamples of this kind."""
    columns = columns_of(kind)
    n = columns.shape[1]
    if kind == "mean":
        return weights @ columns[0] / weights.sum(axis=1)
    if kind == "share":
        head, layer = columns[:, :, None, None]
        return heads.top_head_share(head, layer, np.array([0]), np.array([0]), 0, weights)
    if kind == "dimension":
        return dimension.effective_dimension_resamples(columns.T, np.arange(n), weights, SHARE)
    rng = np.random.default_rng(1)
    return modularity.modularity_resamples(columns.T, np.arange(n), weights, rng=rng)


@pytest.mark.parametrize(
    ("kind", "n_resamples"),
    [("mean", 20_000), ("share", 20_000), ("dimension", 4_000), ("modularity", 1_000)],
)
def test_stored_standard_errors(kind: str, n_resamples: int) -> None:
    case, n = STORED[kind], columns_of(kind).shape[1]
    estimate = float(replicates(kind, np.ones((1, n)))[0])
    assert estimate == pytest.approx(case["estimate"])
    drawn = replicates(kind, document_weights(n, n_resamples, np.random.default_rng(0)))
    still = np.full(n, estimate)  # the interval then has the SD of the resamples
    found = document_interval(estimate, drawn, still, n, 0.90).standard_error
    # An SD of R resamples has a relative error of about 1 / sqrt(2 R); four of both together.
    error = math.sqrt(1 / (2 * n_resamples) + 1 / (2 * case["n_resamples"]))
    assert found == pytest.approx(case["standard_error"], rel=4 * error)


@given(sample=strategies.pareto(size=(20, 60)), level=st.floats(0.5, 0.99))
@settings(deadline=None, max_examples=40)
def test_jackknife_interval_of_a_mean_is_that_of_t(sample: np.ndarray, level: float) -> None:
    n = len(sample)
    without = jackknife_weights(n) @ sample / (n - 1)
    found = document_interval(float(sample.mean()), np.full(2, sample.mean()), without, n, level)
    assert found.standard_error == pytest.approx(stats.sem(sample))
    expected = stats.t.interval(level, n - 1, sample.mean(), stats.sem(sample))
    assert (found.low, found.high) == pytest.approx(expected)


@pytest.mark.parametrize("n_documents", [1, 5, 30])
def test_weights_are_multinomial(n_documents: int) -> None:
    weights = document_weights(n_documents, 4000, np.random.default_rng(2))
    assert (weights.sum(axis=1) == n_documents).all()
    if n_documents > 1:
        counts = np.bincount(weights[:, 0].clip(max=3), minlength=4)
        share = stats.binom(n_documents, 1 / n_documents)
        expected = 4000 * np.append(share.pmf([0, 1, 2]), share.sf(2))
        assert stats.chisquare(counts, expected).pvalue > 0.001
