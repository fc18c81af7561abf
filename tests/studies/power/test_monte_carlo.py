"""Monte Carlo intervals of a quick look: as wide as other draws of the same null are apart."""

import numpy as np
import pytest

from hypotest.studies.power.monte_carlo import monte_carlo
from tests.pipeline.planted import make_protocol
from tests.studies.power.test_grid import ATTENTION, DIMENSION, basis

pytestmark = pytest.mark.slow

PLAN = make_protocol(DIMENSION, draws=999)


def draws(seed: int, n: int = 499) -> np.ndarray:
    values = 3 * np.random.default_rng(seed).normal(size=n)
    return values - values.mean()


def test_they_cover_what_the_null_would_say():
    """Of a normal null, whose truth is that of 4,000 quantiles; 33 of 40 or fewer have chance below 0.01."""
    truth = basis()
    expected = (truth.seen(40, 999, 0.05), truth.ceiling(40), truth.power(3.0, 40, 999, 0.05))
    covered = np.zeros(3)
    for seed in range(40):
        intervals = monte_carlo(basis(draws=draws(seed)), PLAN, 40, np.random.default_rng(seed))
        # the effect of one unit is one SD of these draws, not of the null: powers are compared at one SD
        bounds = (intervals.seen, intervals.ceiling, intervals.power[1])
        covered += [low <= value <= high for (low, high), value in zip(bounds, expected, strict=True)]
    assert (covered >= 33).all(), covered


def test_they_shrink_with_the_root_of_the_draws():
    def width(n: int) -> float:
        intervals = monte_carlo(basis(draws=draws(0, n)), PLAN, 40, np.random.default_rng(0))
        return intervals.seen[1] - intervals.seen[0]

    assert width(400) / width(6400) == pytest.approx(4, rel=0.5)


def test_the_same_generator_gives_the_same_interval():
    one, two = (monte_carlo(basis(), PLAN, 40, np.random.default_rng(3)) for _ in range(2))
    assert one == two and one.draws == 4000


def test_a_contrast_without_a_null_has_none():
    assert monte_carlo(basis(ATTENTION), make_protocol(ATTENTION), 40, np.random.default_rng(0)) is None
