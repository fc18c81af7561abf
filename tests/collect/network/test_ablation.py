"""Every way from ablated units to outcomes, against plain hooks in float64, one ablation at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hypotest
from hypotest.collect.network.ablation import ablation_arrays, group_changes, route_of
from hypotest.collect.network.check import intervene_at
from hypotest.subjects.network.network import Network
from tests import networks as small

EVERY = np.arange(small.N_ROWS)
CLOSE = 2e-7
"""Of changes that are kept in float32."""


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(5, 16), nn.ReLU(inplace=True), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3)
    )


def logits(output: Any, given: Any) -> torch.Tensor:
    return nn.functional.cross_entropy(output["logits"], torch.tensor(given["target"]), reduction="none")


def network(name: str, units: str | hypotest.Units, **changed: Any) -> Network:
    made: dict[str, tuple[Any, Any]] = {
        "mlp": (mlp, small.inputs(5)),
        "functional": (small.Functional, small.inputs(5)),
        "residual": (small.Residual, small.inputs(5)),
        "normed": (small.Normed, small.inputs(5)),
        "leaking": (small.Leaking, small.inputs(5)),
        "two": (small.TwoBranches, {"x": small.inputs(5), "y": small.inputs(4, seed=4)}),
        "conv": (small.Convolutional, small.inputs(1, 8, 8)),
    }
    make, given = made[name]
    outcome = logits if name == "two" else "cross_entropy"
    keys = {"rows": small.rows(), "inputs": given, "outcome": outcome, "clusters": "cluster", **changed}
    return hypotest.Network(small.seeded(make), units=units, **keys)


CASES = [
    ("mlp", "0", -1, "Linear"),
    ("mlp", "1", -1, "Linear"),
    ("mlp", "2", -1, "Linear"),
    ("mlp", "3", -1, "Linear"),
    ("functional", "one", -1, "Linear"),
    ("functional", "two", -1, "Linear"),
    ("residual", "up", -1, "Linear"),
    ("normed", "up", -1, "Whole"),
    ("leaking", "up", -1, "Whole"),
    ("two", "a", -1, "Linear"),  # a part of what the map behind reads
    ("two", "b", -1, "Linear"),
    ("two", "fusion", -1, "Linear"),  # by two maps
    ("conv", "first", 1, "Whole"),
    ("conv", "act", 1, "Whole"),
    ("conv", "second", 1, "Linear"),  # a channel's mean over places is read by a map
]


@pytest.mark.parametrize(("name", "units", "axis", "way"), CASES)
def test_every_unit_as_by_hooks(name: str, units: str, axis: int, way: str) -> None:
    given = network(name, units)
    route = route_of(given)
    assert type(route).__name__ == way
    values = np.linspace(-1.0, 1.0, given.n_neurons)
    arrays = ablation_arrays(route, given, EVERY, values, memory=1.0)
    for unit in range(given.n_neurons):
        wanted = small.ablated_by_hooks(given, unit, values[unit], axis=axis)
        np.testing.assert_allclose(arrays["delta_loss"][:, unit], wanted, atol=CLOSE)
    assert np.abs(arrays["delta_loss"]).max() > 1e-3


@pytest.mark.parametrize(("name", "units", "axis", "way"), CASES)
def test_batches_of_any_size_and_other_values_at_every_row(
    name: str, units: str, axis: int, way: str
) -> None:
    """Little memory: a row and a unit at a time; values that differ by row, as under resample."""
    given = network(name, units)
    route = route_of(given)
    values = np.random.default_rng(3).normal(size=(small.N_ROWS, given.n_neurons))
    whole = ablation_arrays(route, given, EVERY, values, memory=1.0)["delta_loss"]
    parts = ablation_arrays(route, given, EVERY, values, memory=1e-6)["delta_loss"]
    np.testing.assert_allclose(parts, whole, atol=CLOSE)
    some = np.array([1, given.n_neurons - 1])
    np.testing.assert_allclose(
        ablation_arrays(route, given, EVERY, values, 1.0, some)["delta_loss"], whole[:, some], atol=CLOSE
    )
    row = 7
    plain, _ = intervene_at(given, row, np.array([1]), values[row, [1]])
    assert plain[0] == pytest.approx(whole[row, 1], abs=CLOSE)


@pytest.mark.parametrize(("name", "units", "axis", "way"), CASES)
def test_groups_at_once_as_by_hooks(name: str, units: str, axis: int, way: str) -> None:
    given = network(name, units)
    groups = [np.array([0, 2]), np.arange(given.n_neurons)]
    values = np.linspace(-1.0, 1.0, given.n_neurons)
    changes = group_changes(route_of(given), given, EVERY, values, groups, memory=1.0)
    for column, group in enumerate(groups):
        wanted = small.ablated_by_hooks(given, group.tolist(), values[group], axis=axis)
        np.testing.assert_allclose(changes[:, column], wanted, atol=CLOSE)


def recurrent(kind: Any, units: hypotest.Units, **options: Any) -> tuple[Network, nn.Module]:
    module = small.seeded(lambda: small.Recurrent(kind, **options))
    given = small.inputs(small.STEPS, 3)
    keys = {"rows": small.rows(), "inputs": given, "outcome": "cross_entropy"}
    return hypotest.Network(module, units=units, **keys), module


@pytest.mark.parametrize("step", [None, 0, 2, -1])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM, nn.RNN])
def test_a_recurrent_unit_is_held_within_the_recurrence(
    kind: Any, batch_first: bool, step: int | None
) -> None:
    """A fused module gives what its cell gives, called step by step with a hook on it."""
    fused, module = recurrent(kind, hypotest.Units("recurrent", step=step), batch_first=batch_first)
    cells = hypotest.Network(
        small.Cells(module).eval(),
        units=hypotest.Units("cell", step=step),
        rows=small.rows(),
        inputs=small.inputs(small.STEPS, 3),
        outcome="cross_entropy",
    )
    routes = route_of(fused), route_of(cells)
    assert [type(item).__name__ for item in routes] == ["Stepped", "Whole"]
    with torch.inference_mode():
        one, other = (route.base(EVERY).activations for route in routes)
    torch.testing.assert_close(one, other)
    values = np.linspace(-0.8, 0.8, 7)
    by_fused, by_cells = (
        ablation_arrays(route, item, EVERY, values, 1.0)["delta_loss"]
        for route, item in zip(routes, (fused, cells), strict=True)
    )
    call = None if step is None else step % small.STEPS
    for unit in range(7):
        wanted = small.ablated_by_hooks(cells, unit, values[unit], axis=-1, step=call, every_call=False)
        np.testing.assert_allclose(by_cells[:, unit], wanted, atol=CLOSE)
    np.testing.assert_allclose(by_fused, by_cells, atol=CLOSE)
    assert np.abs(by_fused).max() > 1e-3


def test_only_the_last_of_several_layers_is_held() -> None:
    """The layer below reads its own past, not the ablated units."""
    fused, _ = recurrent(nn.GRU, hypotest.Units("recurrent", step=-1), layers=2)
    values = np.linspace(-0.8, 0.8, 7)
    delta_loss = ablation_arrays(route_of(fused), fused, EVERY, values, 1.0)["delta_loss"]
    for unit in range(7):  # nothing follows the last step, so that a hook on the output does the same
        wanted = small.ablated_by_hooks(fused, unit, values[unit], axis=-1, step=small.STEPS - 1)
        np.testing.assert_allclose(delta_loss[:, unit], wanted, atol=CLOSE)


def test_both_directions_are_set_where_they_leave_the_module() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru, self.out = nn.GRU(3, 4, batch_first=True, bidirectional=True), nn.Linear(8, 3)

        def forward(self, x):
            return self.out(torch.tanh(self.gru(x)[0]).mean(dim=1))

    given = hypotest.Network(
        small.seeded(Both),
        units="gru",
        rows=small.rows(),
        inputs=small.inputs(small.STEPS, 3),
        outcome="cross_entropy",
    )
    assert given.n_neurons == 8
    delta_loss = ablation_arrays(route_of(given), given, EVERY, np.zeros(8), 1.0)["delta_loss"]
    for unit in range(8):
        wanted = small.ablated_by_hooks(given, unit, 0.0, axis=-1)
        np.testing.assert_allclose(delta_loss[:, unit], wanted, atol=CLOSE)


def test_a_step_of_a_sequence_alone() -> None:
    """Of a network over sequences that is not recurrent."""

    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down = nn.Linear(3, 6), nn.Linear(6, 3)

        def forward(self, x):
            return self.down(torch.relu(self.up(x)).cumsum(dim=1)).mean(dim=1)

    given = hypotest.Network(
        small.seeded(Steps),
        units=hypotest.Units("up", step=1),
        rows=small.rows(),
        inputs=small.inputs(small.STEPS, 3),
        outcome="cross_entropy",
    )
    delta_loss = ablation_arrays(route_of(given), given, EVERY, np.full(6, 0.5), 1.0)["delta_loss"]
    for unit in range(6):
        wanted = small.ablated_by_hooks(given, unit, 0.5, axis=-1, step=1)
        np.testing.assert_allclose(delta_loss[:, unit], wanted, atol=CLOSE)


def test_modular_addition() -> None:
    pairs = torch.cartesian_prod(torch.arange(7), torch.arange(7))
    given = hypotest.Network(
        small.seeded(small.ModularAddition),
        units="act",
        rows={"target": pairs.sum(dim=1) % 7},
        inputs=pairs,
        outcome="cross_entropy",
    )
    values = np.random.default_rng(0).random(20)
    delta_loss = ablation_arrays(route_of(given), given, np.arange(49), values, 1.0)["delta_loss"]
    for unit in range(20):
        wanted = small.ablated_by_hooks(given, unit, values[unit], axis=-1)
        np.testing.assert_allclose(delta_loss[:, unit], wanted, atol=CLOSE)


def test_a_unit_without_influence_has_none() -> None:
    module = small.seeded(mlp)
    with torch.no_grad():
        module[2].weight[:, 3] = 0
    given = hypotest.Network(
        module, units="1", rows=small.rows(), inputs=small.inputs(5), outcome="cross_entropy"
    )
    delta_loss = ablation_arrays(route_of(given), given, EVERY, np.full(16, 5.0), 1.0)["delta_loss"]
    assert not delta_loss[:, 3].any()
    assert np.abs(delta_loss).max() > 0.1


def test_float32_agrees_with_float64() -> None:
    exact = network("functional", "one")
    single = hypotest.Network(
        small.seeded(small.Functional).float(),
        units="one",
        rows=small.rows(),
        inputs=small.inputs(5).float(),
        outcome="cross_entropy",
    )
    assert type(route_of(single)) is type(route_of(exact))
    one, other = (
        ablation_arrays(route_of(item), item, EVERY, np.zeros(16), 1.0)["delta_loss"]
        for item in (exact, single)
    )
    np.testing.assert_allclose(other, one, atol=1e-5)
    assert (other != one).any()
