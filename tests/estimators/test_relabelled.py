"""Measures under shuffled labels equal the plain measures on the labelled positions."""

import numpy as np
import pytest

from hypotest.estimators import covariances, dimension
from hypotest.estimators.graphs import information, modularity
from hypotest.estimators.relabelled import (
    effective_dimension_relabelled,
    modularity_relabelled,
    participation_ratio_relabelled,
)

N_POSITIONS, N_NEURONS, N_DRAWS, K = 60, 30, 12, 6


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    activations = rng.normal(size=(N_POSITIONS, N_NEURONS)).astype(np.float32)
    activations[:, ::3] = np.maximum(activations[:, ::3], 0)  # ties at zero
    groups = np.argsort(rng.random((N_DRAWS, N_NEURONS)), axis=1)[:, :K]
    labelled = rng.random((N_DRAWS, N_POSITIONS)) < rng.uniform(0.2, 0.8, size=(N_DRAWS, 1))
    return activations, groups, labelled


def plain(activations, group, mask, statistic):
    own = activations[mask][:, group]
    return statistic(own)[0]


def everyone(measure, scale="covariance"):
    def of_all(own):
        matrix = covariances.covariance(own)
        return measure(
            covariances.correlation(matrix) if scale == "correlation" else matrix, np.arange(K)[None, :]
        )

    return of_all


@pytest.mark.parametrize("scale", ["covariance", "correlation"])
def test_dimension_is_that_of_the_labelled_positions(drawn, scale):
    dimensions = effective_dimension_relabelled(*drawn, variance=0.9, scale=scale)
    activations, groups, labelled = drawn
    for value, group, mask in zip(dimensions, groups, labelled, strict=True):
        expected = plain(
            activations, group, mask, everyone(lambda c, g: dimension.effective_dimension(c, g, 0.9), scale)
        )
        assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", ["covariance", "correlation"])
def test_participation_ratio_is_that_of_the_labelled_positions(drawn, scale):
    ratios = participation_ratio_relabelled(*drawn, scale=scale)
    activations, groups, labelled = drawn
    for value, group, mask in zip(ratios, groups, labelled, strict=True):
        expected = plain(activations, group, mask, everyone(dimension.participation_ratio, scale))
        assert value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("estimator", ["gaussian_copula", "binned"])
def test_modularity_is_that_of_the_labelled_positions(drawn, estimator):
    activations, groups, labelled = drawn
    modularities = modularity_relabelled(
        *drawn, estimator=estimator, bins=3, restarts=20, rng=np.random.default_rng(1)
    )
    estimate = {
        "gaussian_copula": information.gaussian_copula_information,
        "binned": lambda own: information.binned_information(own, 3),
    }[estimator]
    for value, group, mask in zip(modularities, groups, labelled, strict=True):
        graph = estimate(activations[mask][:, group])
        best = modularity.communities(
            graph, np.arange(K)[None, :], restarts=20, rng=np.random.default_rng(2)
        ).modularity[0]
        assert value == pytest.approx(best, abs=1e-9)  # twenty restarts find the best of six neurons


def test_draws_without_positions_are_undefined(drawn):
    activations, groups, labelled = drawn
    labelled[3] = False
    labelled[4] = np.arange(N_POSITIONS) == 7
    for values in (
        effective_dimension_relabelled(activations, groups, labelled),
        participation_ratio_relabelled(activations, groups, labelled),
        modularity_relabelled(activations, groups, labelled, rng=np.random.default_rng(0)),
    ):
        assert np.flatnonzero(np.isnan(values)).tolist() == [3, 4]


@pytest.mark.parametrize("scale", ["covariance", "correlation"])
def test_constant_activations_have_no_dimension(drawn, scale):
    _, groups, labelled = drawn
    constant = np.full((N_POSITIONS, N_NEURONS), 1 / 3)
    constant[~labelled[0]] = 7.0
    assert np.isnan(effective_dimension_relabelled(constant, groups[:1], labelled[:1], scale=scale))[0]
    assert np.isnan(participation_ratio_relabelled(constant, groups[:1], labelled[:1], scale=scale))[0]


def test_labels_must_fit(drawn):
    activations, groups, labelled = drawn
    with pytest.raises(ValueError, match="one row per group"):
        effective_dimension_relabelled(activations, groups, labelled[:, :-1])
    with pytest.raises(ValueError, match="boolean"):
        effective_dimension_relabelled(activations, groups, labelled.astype(int))
