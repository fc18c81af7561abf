from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.decomposition import PCA

from hypotest.estimators import dimension
from hypotest.estimators.covariances import correlation, covariance


def correlated(seed: int, n: int = 300, n_neurons: int = 30) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_neurons, n_neurons)) * rng.exponential(size=n_neurons)
    return rng.normal(size=(n, n_neurons)) @ mixing + rng.normal(size=n_neurons)


def random_groups(seed: int, n_groups: int, k: int, n_neurons: int = 30) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(n_neurons, k, replace=False) for _ in range(n_groups)])


def test_interpolation_by_hand() -> None:
    # shares 0.5, 0.3, 0.2; c = 0.5, 0.8, 1.0
    # tau 0.95: j = 2, 2 + (0.95 - 0.8) / 0.2 = 2.75;  tau 0.65: j = 1, 1 + 0.15 / 0.3 = 1.5
    # tau 0.25: j = 0, 0.25 / 0.5 = 0.5
    matrix = np.diag([3.0, 5.0, 2.0])
    group = np.array([[0, 1, 2]])
    for tau, expected, integer in [(0.95, 2.75, 3), (0.65, 1.5, 2), (0.25, 0.5, 1)]:
        assert dimension.effective_dimension(matrix, group, tau)[0] == pytest.approx(expected)
        assert dimension.integer_dimension(matrix, group, tau)[0] == integer


def test_participation_ratio_by_hand() -> None:
    # eigenvalues 5, 3, 2: 10^2 / (25 + 9 + 4) = 100 / 38
    result = dimension.participation_ratio(np.diag([3.0, 5.0, 2.0]), np.array([[0, 1, 2]]))
    assert result[0] == pytest.approx(100 / 38)


@pytest.mark.parametrize("k", [2, 7, 20])
@pytest.mark.parametrize("variance", [0.5, 0.9, 0.95, 0.99])
def test_integer_dimension_equals_sklearn(k: int, variance: float) -> None:
    activations = correlated(k)
    groups = random_groups(k, 10, k)
    ours = dimension.integer_dimension(covariance(activations), groups, variance)
    theirs = [
        PCA(n_components=variance, svd_solver="full").fit(activations[:, g]).n_components_ for g in groups
    ]
    assert ours.tolist() == theirs


def test_fewer_positions_than_neurons_equals_sklearn() -> None:
    activations = correlated(1, n=12)
    group = np.arange(30)[None]
    ours = dimension.integer_dimension(covariance(activations), group, 0.95)
    assert ours[0] == PCA(0.95, svd_solver="full").fit(activations).n_components_


def test_chunks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = covariance(correlated(2))
    groups = random_groups(2, 50, 6)
    whole = dimension.eigenvalue_shares(matrix, groups)
    monkeypatch.setattr("hypotest.estimators.submatrices._GATHER_BYTES", 8 * 36 * 7)
    np.testing.assert_array_equal(dimension.eigenvalue_shares(matrix, groups), whole)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    assert np.all(np.diff(whole, axis=1) <= 0)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(1e-3, 1e3),
    variance=st.floats(0.05, 0.99),
)
def test_invariances_and_bounds(seed: int, scale: float, variance: float) -> None:
    activations = correlated(seed, n=60, n_neurons=8)
    rng = np.random.default_rng(seed)
    matrix = covariance(activations)
    order = rng.permutation(8)
    moved = covariance(activations * scale + 3.0)
    value = dimension.effective_dimension(matrix, np.arange(8)[None], variance)[0]
    assert 0 < value <= 8
    assert dimension.effective_dimension(moved, order[None], variance)[0] == pytest.approx(value)
    integer = dimension.integer_dimension(matrix, order[None], variance)[0]
    assert integer - 1 <= value <= integer
    assert 1 <= dimension.participation_ratio(matrix, order[None])[0] <= 8 + 1e-9
    # The eigenvalues majorise the variances (Schur-Horn): correlation only lowers the dimension.
    assert value <= dimension.independent_dimension(matrix, order[None], variance)[0] + 1e-9


def test_independent_dimension_is_the_diagonal_alone() -> None:
    matrix = covariance(correlated(3))
    groups = random_groups(3, 5, 9)
    np.testing.assert_allclose(
        dimension.independent_dimension(matrix, groups, 0.9),
        dimension.effective_dimension(np.diag(np.diag(matrix)), groups, 0.9),
    )


def test_a_group_without_variance_is_undefined() -> None:
    matrix = np.diag([0.0, 0.0, 1.0])
    groups = np.array([[0, 1], [1, 2]])
    for measure in (
        dimension.effective_dimension,
        dimension.integer_dimension,
        dimension.independent_dimension,
    ):
        value = measure(matrix, groups, 0.95)
        assert np.isnan(value[0]) and np.isfinite(value[1])
    assert np.isnan(dimension.participation_ratio(matrix, groups)[0])


@pytest.mark.parametrize("scale", ["covariance", "correlation"])
@pytest.mark.parametrize("kind", ["integer", "fractional", "float32"])
def test_resamples_equal_repeated_rows(kind: str, scale: dimension.Scale) -> None:
    rng = np.random.default_rng(5)
    activations = correlated(5, n=80, n_neurons=6) + 50.0
    if kind == "float32":
        activations = activations.astype(np.float32)
    documents = rng.choice([3, 900, -4, 17, 8], 80)
    weights = rng.multinomial(5, np.full(5, 0.2), size=6)
    values = dimension.effective_dimension_resamples(
        activations, documents, weights * 0.5 if kind == "fractional" else weights, 0.9, scale
    )
    unique = np.unique(documents)
    for row, value in zip(weights, values, strict=True):
        repeated = np.concatenate(
            [np.tile(activations[documents == d], (w, 1)) for d, w in zip(unique, row, strict=True)]
        )
        matrix = covariance(repeated)
        if scale == "correlation":
            matrix = correlation(matrix)
        expected = dimension.effective_dimension(matrix, np.arange(6)[None], 0.9)[0]
        assert value == pytest.approx(expected, rel=1e-9)


def test_a_neuron_that_a_resample_does_not_move_is_left_out_of_its_correlations() -> None:
    rng = np.random.default_rng(8)
    activations = rng.normal(size=(60, 4)) + 1 / 3
    documents = np.repeat(np.arange(6), 10)
    activations[documents < 3, 2] = 1 / 3  # silent in three documents
    weights = np.array([[2, 2, 2, 0, 0, 0], [1, 1, 1, 1, 1, 1]])
    silent, whole = dimension.effective_dimension_resamples(
        activations, documents, weights, 0.9, "correlation"
    )
    moving = correlation(covariance(activations[documents < 3][:, [0, 1, 3]]))
    assert silent == pytest.approx(
        dimension.effective_dimension(moving, np.arange(3)[None], 0.9)[0], rel=1e-9
    )
    every = correlation(covariance(activations))
    assert whole == pytest.approx(dimension.effective_dimension(every, np.arange(4)[None], 0.9)[0], rel=1e-9)


def test_the_dimension_of_correlations_does_not_depend_on_how_loud_a_neuron_is() -> None:
    activations = correlated(9, n=90, n_neurons=5)
    documents, weights = np.arange(90) // 9, np.ones((1, 10))
    louder = activations * np.array([1.0, 1000.0, 1.0, 0.01, 1.0])
    one, other = (
        dimension.effective_dimension_resamples(values, documents, weights, 0.9, "correlation")[0]
        for values in (activations, louder)
    )
    assert one == pytest.approx(other, rel=1e-9)
    assert dimension.effective_dimension_resamples(louder, documents, weights, 0.9)[0] < 1


def test_resamples_with_one_position_per_document_agree_with_scipy() -> None:
    rng = np.random.default_rng(6)
    activations = correlated(6, n=60, n_neurons=5)

    def statistic(index: np.ndarray, axis: int = -1) -> np.ndarray:
        flat = index.reshape(-1, 60)
        values = [
            dimension.effective_dimension(covariance(activations[row]), np.arange(5)[None], 0.9)[0]
            for row in flat
        ]
        return np.array(values).reshape(index.shape[:-1])

    theirs = stats.bootstrap(
        (np.arange(60),), statistic, n_resamples=800, method="percentile", rng=rng, batch=100
    )
    weights = rng.multinomial(60, np.full(60, 1 / 60), size=800)
    ours = dimension.effective_dimension_resamples(activations, np.arange(60), weights, 0.9)
    # Standard error of an SD from 800 draws: 1 / sqrt(1600) = 2.5 % each; four of the combined.
    assert ours.std(ddof=1) == pytest.approx(theirs.standard_error, rel=0.15)


def test_resamples_without_variance_are_undefined() -> None:
    activations = np.array([[1.0, 2.0], [1.0, 2.0], [4.0, 9.0]])
    weights = np.array([[3, 0], [0, 0], [1, 1]])
    values = dimension.effective_dimension_resamples(activations, np.array([0, 0, 1]), weights)
    assert np.isnan(values[:2]).all() and np.isfinite(values[2])


@pytest.mark.parametrize(
    ("matrix", "groups", "variance", "message"),
    [
        (np.eye(3), np.array([[0, 3]]), 0.9, "from 0 to 2"),
        (np.eye(3), np.array([[1, 1]]), 0.9, "twice"),
        (np.eye(3), np.array([0, 1]), 0.9, "n_groups"),
        (np.eye(3), np.array([[0.0, 1.0]]), 0.9, "integers"),
        (np.ones((2, 3)), np.array([[0, 1]]), 0.9, "square"),
        (np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[0, 1]]), 0.9, "symmetric"),
        (np.full((2, 2), np.nan), np.array([[0, 1]]), 0.9, "finite"),
        (np.eye(3), np.array([[0, 1]]), 1.0, "between 0 and 1"),
    ],
)
def test_refusals(matrix: np.ndarray, groups: np.ndarray, variance: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dimension.effective_dimension(matrix, groups, variance)


def test_refused_weights() -> None:
    with pytest.raises(ValueError, match="one column per document"):
        dimension.effective_dimension_resamples(np.eye(3), np.array([0, 1, 1]), np.ones((2, 3)))
    with pytest.raises(ValueError, match="not negative"):
        dimension.effective_dimension_resamples(np.eye(3), np.arange(3), -np.ones((2, 3)))
    with pytest.raises(ValueError, match="documents"):
        dimension.effective_dimension_resamples(np.eye(3), np.arange(2), np.ones((2, 2)))
