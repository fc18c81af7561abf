import numpy as np
import pytest
import torch

from hypotest.collect.last_block.enclosure import enclose_by_skewness, enclose_by_variance


def moments(values, weights):
    """Mean-free values, their second and third moment and range, and log E[exp y]."""
    y = values - (weights * values).sum(axis=1, keepdims=True)
    k2, k3 = ((weights * y**power).sum(axis=1) for power in (2, 3))
    truth = np.log1p((weights * np.expm1(y)).sum(axis=1))
    tensors = (torch.from_numpy(item) for item in (k2, k3, y.min(axis=1), y.max(axis=1)))
    return *tensors, truth


def enclosures(values, weights):
    k2, k3, low, high, truth = moments(values, weights)
    return (
        [bound.numpy() for bound in enclose_by_variance(k2, low, high)],
        [bound.numpy() for bound in enclose_by_skewness(k2, k3, low, high)],
        truth,
    )


@pytest.mark.parametrize("spread", [1e-3, 0.05, 0.5, 3.0, 10.0])
@pytest.mark.parametrize("n_values", [2, 3, 4, 50])
def test_no_distribution_escapes(spread, n_values):
    """Dirichlet weights from nearly equal to nearly all on one value, heavy-tailed values."""
    rng = np.random.default_rng([n_values, int(1000 * spread)])
    concentration = rng.choice([0.02, 0.3, 1.0, 10.0], size=(20_000, 1))
    weights = rng.gamma(np.broadcast_to(concentration, (20_000, n_values))) + 1e-12
    weights /= weights.sum(axis=1, keepdims=True)
    values = spread * np.clip(rng.standard_t(2, size=(20_000, n_values)) / 4, -1, 1)
    (low_2, high_2), (low_3, high_3), truth = enclosures(values, weights)
    # rounding moves the nodes by units, and exp there
    slack = 1e-13 * np.exp(np.ptp(values, axis=1))
    assert (low_2 <= truth + slack).all() and (truth <= high_2 + slack).all()
    known = np.isfinite(low_3) & np.isfinite(high_3)  # few values leave third moments on the edge
    assert known.mean() > (0.95 if n_values > 3 else 0.2)
    rounding = 1e-12 * np.exp(np.ptp(values, axis=1)) + 1e-6 * np.abs(truth)  # nodes are differences
    assert (low_3 <= truth + rounding)[known].all() and (truth <= high_3 + rounding)[known].all()
    assert np.median((high_3 - low_3)[known]) <= np.median((high_2 - low_2)[known])


def test_bounds_are_reached():
    """The extremal distributions themselves: a bound that is not reached could be sharper."""
    a, b, k2 = -0.4, 1.1, 0.09
    for end, bound in ((a, 0), (b, 1)):
        nodes = np.array([[end, -k2 / end]])
        weights = np.array([[k2, end**2]]) / (k2 + end**2)
        k2_computed, _, low, high, truth = moments(nodes, weights)
        assert k2_computed.item() == pytest.approx(k2)
        enclosed = enclose_by_variance(k2_computed, torch.tensor([a]), torch.tensor([b]))[bound]
        assert enclosed.item() == pytest.approx(truth[0], rel=1e-6)
    values, weights = np.array([[-0.5, 0.7]]), np.array([[0.6, 0.4]])
    k2, k3, _, _, truth = moments(values, weights)
    lower, _ = enclose_by_skewness(k2, k3, torch.tensor([-2.0]), torch.tensor([2.0]))
    assert lower.item() == pytest.approx(truth[0], abs=1e-12)
    values, weights = np.array([[-0.5, 0.2, 0.9]]), np.array([[0.5, 0.3, 0.2]])
    k2, k3, low, high, truth = moments(values, weights)
    assert enclose_by_skewness(k2, k3, low, high)[1].item() == pytest.approx(truth[0], abs=1e-12)


def test_nothing_that_varies_changes_nothing():
    zero = torch.zeros(1)
    lower, upper = enclose_by_variance(zero, zero, zero)
    assert lower.item() == upper.item() == 0.0


def test_what_cannot_be_bounded_is_not_a_number_below_any_tolerance():
    """An overflow, or moments that no distribution has, must never pass for a narrow enclosure."""
    huge = torch.tensor([1.0]), torch.tensor([-1.0]), torch.tensor([1000.0])
    lower, upper = enclose_by_variance(*huge)
    assert not (upper - lower).item() <= 1.0
    k2, k3 = torch.tensor([0.1], dtype=torch.float64), torch.tensor([5.0], dtype=torch.float64)
    ends = torch.tensor([-1.0], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)
    lower, upper = enclose_by_skewness(k2, k3, *ends)
    assert not (upper - lower).item() <= 1.0
