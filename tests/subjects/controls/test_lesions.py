"""Lesions of single units, beside hooks of the tests' own, and where the truth is known."""

import numpy as np
import pytest
import torch

from hypotest.subjects.controls import two_tasks
from hypotest.subjects.controls.lesions import Changes, interactions, lesion, single_changes, unit_means
from hypotest.subjects.controls.registry import CONTROLS
from tests.networks import ablated_by_hooks

QUICK = ("two-blocks", "same-function", "experts-by-kind", "addition-mlp")


def by_own_hooks(trained, unit):
    """Change of each row's loss, by a pre-forward that multiplies: other code than that of the package."""
    network = trained.network
    keep = torch.ones(network.n_neurons)
    keep[unit] = 0
    every = np.arange(network.rows.n)
    args, kwargs = network.inputs.of(every)
    losses = []
    for mask in (torch.ones_like(keep), keep):
        handle = trained.module.get_submodule(network.units.module).register_forward_hook(
            lambda module, given, output, mask=mask: output * mask
        )
        with torch.no_grad():
            losses.append(network.outcome(trained.module(*args, **kwargs), every)[0].numpy())
        handle.remove()
    return losses[1] - losses[0]


def distance_by_own_hooks(trained):
    column, one, two = trained.control.sides
    side = np.array(trained.network.rows.frame[column].to_list())
    sizes = np.array([np.abs(by_own_hooks(trained, unit)) for unit in range(trained.network.n_neurons)])
    a, b = (sizes[:, side == value].mean(axis=1) for value in (one, two))
    return 0.5 * np.abs(a / a.sum() - b / b.sum()).sum()


@pytest.mark.parametrize("name", QUICK)
def test_a_lesion_is_what_other_hooks_give(name):
    network = CONTROLS[name].without_training(3).network
    rows = np.arange(network.rows.n)
    for unit in (0, network.n_neurons - 1):
        wanted = ablated_by_hooks(network, unit, 0.0, axis=-1)
        np.testing.assert_allclose(lesion(network, rows, (unit,)), wanted, atol=1e-6)


def test_means_are_those_of_the_layer():
    trained = CONTROLS["two-blocks"].without_training(0)
    network, rows = trained.network, np.arange(50)
    (x,), _ = network.inputs.of(rows)
    with torch.no_grad():
        units = trained.module.units(
            torch.nn.functional.linear(
                x, trained.module.hidden.weight * trained.module.own_inputs, trained.module.hidden.bias
            )
        )
    means = unit_means(network, rows)
    np.testing.assert_allclose(means, units.mean(dim=0), atol=1e-6)
    wanted = ablated_by_hooks(network, 5, means[5], axis=-1)[:50]
    np.testing.assert_allclose(lesion(network, rows, (5,), means), wanted, atol=1e-6)


def test_blocks_are_apart_by_wiring_alone():
    """Before any training: no unit of one block reaches the other task, and no two units of both interact."""
    trained = CONTROLS["two-blocks"].without_training(0)
    changes = single_changes(trained)
    assert changes.distance == pytest.approx(1.0)
    assert not changes.one[two_tasks.HIDDEN // 2 :].any() and not changes.two[: two_tasks.HIDDEN // 2].any()


def test_interactions_of_blocks_lie_within_them(monkeypatch):
    monkeypatch.setattr(
        "hypotest.subjects.controls.lesions.combinations", lambda units, n: [(0, 1), (0, 100), (90, 100)]
    )
    pairs = interactions(CONTROLS["two-blocks"].without_training(0), 40)
    assert pairs.one[1] < 1e-6 and pairs.two[1] < 1e-6  # of either block
    assert pairs.one[0] > 1e-6 and pairs.two[2] > 1e-6
    assert pairs.distance > 0.99


def test_the_distance_knows_no_loudness():
    one, two = np.array([1.0, 2, 3]), np.array([3.0, 2, 1])
    # 1/6 - 3/6, 0, 3/6 - 1/6: half of 4/6
    assert Changes(one, two).distance == pytest.approx(1 / 3)
    assert Changes(one, 10 * two).distance == pytest.approx(1 / 3)
    assert Changes(one, one).distance == 0
    assert Changes(one, np.zeros(3)).distance is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("two-blocks", 1.0, 1.0), ("same-function", 0.0, 0.15), ("addition-mlp", 0.5, 1.0)],
)
def test_trained_networks_are_as_far_apart_as_is_known(name, low, high, tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path))
    trained = CONTROLS[name].trained(0)
    distance = distance_by_own_hooks(trained)
    assert single_changes(trained).distance == pytest.approx(distance, abs=1e-5)
    assert low - 1e-6 <= distance <= high + 1e-6
