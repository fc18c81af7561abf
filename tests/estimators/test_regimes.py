from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.estimators import regimes

GRID = regimes.rank_grid(1024, 40)
X = np.log(GRID)


def planted(
    slopes: tuple[float, ...], ranks: tuple[int, ...], noise: float = 0.0, curves: int = 1
) -> np.ndarray:
    """Continuous piecewise lines that bend at grid points, -5 at rank 1."""
    y = -5 + slopes[0] * X
    for before, after, rank in zip(slopes[:-1], slopes[1:], ranks, strict=True):
        y = y + (after - before) * np.maximum(X - np.log(rank), 0)
    return y + noise * np.random.default_rng(0).normal(size=(curves, X.size))


def nearest(rank: float) -> int:
    return int(GRID[np.argmin(np.abs(GRID - rank))])


def least_squares(y: np.ndarray, knots: tuple[int, ...]) -> tuple[float, np.ndarray]:
    columns = [np.ones_like(X), X, *(np.maximum(X - X[knot], 0) for knot in knots)]
    design = np.stack(columns, axis=1)
    coefficients = np.linalg.lstsq(design, y, rcond=None)[0]
    return float(np.sum((y - design @ coefficients) ** 2)), coefficients


def test_plateau_power_law_and_decay_are_recovered() -> None:
    first, second = nearest(20), nearest(400)
    fit = regimes.fit_regimes(X, planted((-0.1, -0.8, -3.0), (first, second)))
    np.testing.assert_allclose(fit.breakpoints, [[first, second]])
    np.testing.assert_allclose(fit.slopes, [[-0.1, -0.8, -3.0]], rtol=1e-8)
    assert fit.kappa[0] == pytest.approx(0.8)
    assert fit.plateau_flatness[0] == pytest.approx(1 - 0.1 / 0.8)
    assert fit.plateau.tolist() == [True] and fit.plateau_size.tolist() == [first]
    # The head lies under the extended power law by 0.7 (log first - log rank), on average:
    below = 0.7 * np.mean(np.log(first) - X[first > GRID])
    assert fit.head_excess[0] == pytest.approx(-below)


def test_recovery_under_noise() -> None:
    first, second = nearest(20), nearest(400)
    curves = planted((0.0, -1.2, -3.0), (first, second), noise=0.1, curves=200)
    fit = regimes.fit_regimes(X, curves)
    assert fit.plateau.mean() > 0.95
    assert np.median(fit.breakpoints[:, 0]) == pytest.approx(first, rel=0.3)
    assert np.mean(fit.kappa) == pytest.approx(1.2, abs=0.05)


def rates(flat: float, kappa: float, end: int) -> tuple[bool, float]:
    """Whether a plateau is found, and the fall at its end."""
    fit = regimes.fit_regimes(X, planted((-flat, -kappa), (nearest(end),)))
    return bool(fit.plateau[0]), float(fit.fall[0])


def test_each_part_of_the_rule_alone_refuses() -> None:
    # between 0.8 and 3 times the breakpoint, natural logs: flat log(1 / 0.8) + kappa log 3
    has_plateau, fall = rates(0.0, 1.0, 20)
    assert has_plateau and fall == pytest.approx(np.log(3), abs=0.02)
    assert rates(0.14, 1.0, 20)[0] and not rates(0.16, 1.0, 20)[0]  # flatness 0.86 and 0.84
    assert rates(0.0, 1.0, 6)[0] and not rates(0.0, 1.0, 5)[0]
    assert rates(0.0, 1.0, 50)[0] and not rates(0.0, 1.0, 60)[0]  # 5 % of 1,024 is 51
    assert rates(0.0, 0.82, 20)[0] and not rates(0.0, 0.74, 20)[0]  # 0.82 log 3 = 0.90, 0.74 log 3 = 0.81


def test_the_fall_is_read_off_the_curve_and_not_off_its_fit() -> None:
    curve = planted((0.0, -1.0), (nearest(20),))
    bent = curve.copy()
    bent[0, np.abs(X - np.log(60)) < 0.2] += 0.5  # a bump at 3 times the breakpoint
    fit = regimes.fit_regimes(X, bent)
    place = fit.breakpoints[0, 0]
    by_hand = np.interp(np.log(0.8 * place), X, bent[0]) - np.interp(np.log(3 * place), X, bent[0])
    assert fit.fall[0] == pytest.approx(by_hand)
    assert fit.fall[0] < 0.7 and not fit.plateau[0]


def test_no_breakpoint_no_fall_and_none_beyond_the_last_rank() -> None:
    assert np.isnan(regimes.fit_regimes(X, planted((-0.7,), ())).fall).all()
    fit = regimes.fit_regimes(X, planted((-0.2, -3.0), (nearest(600),)))  # 3 x 600 > 1,024
    assert np.isnan(fit.fall[0]) and not fit.plateau[0]


def test_a_raised_head_has_positive_excess_and_is_no_plateau() -> None:
    fit = regimes.fit_regimes(X, planted((-2.0, -0.8), (nearest(20),)))
    assert fit.head_excess[0] > 0
    assert fit.kappa[0] == pytest.approx(0.8)
    assert fit.plateau_flatness[0] == pytest.approx(1 - 2 / 0.8)
    assert fit.plateau_size.tolist() == [0]


def test_one_breakpoint_is_a_head_or_a_tail_by_its_place() -> None:
    head = regimes.fit_regimes(X, planted((-0.1, -1.0), (nearest(30),)))
    assert head.kappa[0] == pytest.approx(1.0)
    assert head.plateau[0]
    tail = regimes.fit_regimes(X, planted((-0.2, -1.0), (nearest(300),)))
    assert tail.kappa[0] == pytest.approx(0.2)
    assert not tail.plateau[0]
    assert tail.plateau_flatness[0] == pytest.approx(0.0)
    assert tail.head_excess[0] == 0.0
    assert np.isnan(tail.breakpoints[0, 1]) and np.isnan(tail.slopes[0, 2])


def test_a_wide_flat_left_segment_is_no_plateau() -> None:
    # 5 % of 1,024 is 51.2.
    fit = regimes.fit_regimes(X, planted((-0.1, -0.8, -3.0), (nearest(100), nearest(500))))
    assert fit.plateau_flatness[0] > 0.85 and not fit.plateau[0]


def test_a_line_has_no_breakpoints() -> None:
    fit = regimes.fit_regimes(X, planted((-0.7,), ()))
    assert np.isnan(fit.breakpoints).all()
    assert fit.slopes[0, 0] == pytest.approx(-0.7) and np.isnan(fit.slopes[0, 1:]).all()
    assert (fit.plateau_flatness[0], fit.plateau_size[0]) == (pytest.approx(0.0), 0)
    np.testing.assert_allclose(fit.fitted, planted((-0.7,), ()))


def test_search_is_exhaustive_least_squares() -> None:
    rng = np.random.default_rng(1)
    curves = np.cumsum(-rng.exponential(size=(2, X.size)), axis=1) * 0.1
    fit = regimes.fit_regimes(X, curves)
    n = X.size
    for row, y in enumerate(curves):
        ones = [(i,) for i in range(3, n - 3)]
        twos = [(i, j) for i in range(3, n - 3) for j in range(i + 3, n - 3)]
        best = [min((least_squares(y, knots)[0], knots) for knots in family) for family in ([()], ones, twos)]
        bic = [n * np.log(rss / n) + (2 + 2 * count) * np.log(n) for count, (rss, _) in enumerate(best)]
        np.testing.assert_allclose(fit.bic[row], bic, rtol=1e-9)
        knots = best[int(np.argmin(bic))][1]
        breakpoints = fit.breakpoints[row][~np.isnan(fit.breakpoints[row])]
        np.testing.assert_allclose(breakpoints, GRID[list(knots)])
        slopes = np.cumsum(least_squares(y, knots)[1][1:])
        np.testing.assert_allclose(fit.slopes[row, : slopes.size], slopes, rtol=1e-7)


@pytest.mark.parametrize("kind", ["lognormal", "pareto"])
def test_bic_finds_breakpoints_where_there_are_none(kind: str) -> None:
    # Why BIC is descriptive: samples with no regimes at all get breakpoints nearly always.
    rng = np.random.default_rng(2)
    sample = rng.lognormal(size=(200, 1024)) if kind == "lognormal" else rng.pareto(2, (200, 1024))
    curves = np.log(regimes.rank_curve(sample, sample, GRID))
    fit = regimes.fit_regimes(X, curves)
    assert np.mean(np.isfinite(fit.breakpoints[:, 0])) > 0.9


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), shift=st.floats(-20, 20))
def test_the_unit_of_influence_does_not_matter(seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    curves = np.cumsum(-rng.exponential(size=(3, X.size)), axis=1) * 0.1
    fit, moved = regimes.fit_regimes(X, curves), regimes.fit_regimes(X, curves + shift)
    np.testing.assert_allclose(moved.slopes, fit.slopes, rtol=1e-6)
    np.testing.assert_allclose(moved.head_excess, fit.head_excess, atol=1e-8)
    np.testing.assert_allclose(moved.fitted, fit.fitted + shift, atol=1e-8)
    np.testing.assert_array_equal(moved.plateau_size, fit.plateau_size)


def test_batches_equal_single_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    curves = planted((-0.1, -0.8, -3.0), (nearest(20), nearest(400)), noise=0.3, curves=11)
    monkeypatch.setattr(regimes, "CURVES_AT_A_TIME", 4)
    fit = regimes.fit_regimes(X, curves)
    for row, curve in enumerate(curves):
        alone = regimes.fit_regimes(X, curve[None])
        np.testing.assert_allclose(fit.slopes[row], alone.slopes[0], rtol=1e-9)


def test_rising_flat_and_undefined_curves() -> None:
    rising = planted((0.5,), ())
    flat = np.zeros((1, X.size))
    undefined = np.full((1, X.size), np.nan)
    fit = regimes.fit_regimes(X, np.concatenate([rising, flat, undefined]))
    assert np.isnan(fit.plateau_flatness).all()
    assert fit.kappa[:2].tolist() == pytest.approx([-0.5, 0.0])
    assert np.isnan(fit.kappa[2]) and np.isnan(fit.bic[2]).all() and np.isnan(fit.head_excess[2])
    assert not fit.plateau.any() and not fit.plateau_size.any()


@pytest.mark.parametrize("n_points", [2, 4, 9])
def test_few_ranks_have_a_power_law_and_no_breakpoint(n_points: int) -> None:
    x = X[:n_points]
    curves = np.stack([3 - 0.7 * x, np.r_[np.nan, x[1:]]])
    fit = regimes.fit_regimes(x, curves)
    assert fit.kappa[0] == pytest.approx(0.7) and fit.plateau_flatness[0] == pytest.approx(0)
    np.testing.assert_allclose(fit.fitted[0], curves[0])
    assert np.isfinite(fit.bic[0]).tolist() == [True, False, False]
    assert np.isnan(fit.breakpoints).all() and not fit.plateau.any() and np.isnan(fit.kappa[1])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:1], np.zeros((1, 1)), "at least 2"),
        (X[::-1], np.zeros((1, X.size)), "ascend"),
        (X, np.zeros(X.size), "shape"),
        (X, np.zeros((1, X.size + 1)), "shape"),
    ],
)
def test_refusals(x: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regimes.fit_regimes(x, y)
