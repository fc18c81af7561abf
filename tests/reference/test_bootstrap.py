"""Document bootstraps with one position per document, against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hypotest.estimators import dimension
from hypotest.estimators.attention import heads
from hypotest.estimators.graphs import modularity
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
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    standard_error = replicates(kind, weights).std(ddof=1)
    # An SD of R resamples has a relative error of about 1 / sqrt(2 R); four of both together.
    error = math.sqrt(1 / (2 * n_resamples) + 1 / (2 * case["n_resamples"]))
    assert standard_error == pytest.approx(case["standard_error"], rel=4 * error)
