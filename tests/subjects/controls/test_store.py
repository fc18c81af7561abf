"""Trained weights are made once, found again, and made anew where file or code changed."""

import dataclasses

import pytest
import torch
from torch import nn

import hypotest
from hypotest.errors import ProtocolError
from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.recipe import Recipe
from hypotest.subjects.controls.registry import CONTROLS, control_named
from hypotest.subjects.controls.store import code_digest, weights_place

TRAINED = []


def _data(seed):
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))


def _module(seed):
    return nn.Linear(3, 2)


def _train(module, data, seed, log):
    TRAINED.append(seed)
    with torch.no_grad():
        module.weight += torch.randn(2, 3)  # of torch's own generator
    log({"step": 1, "loss": 0.5})


RECIPE = Recipe(name="tiny", data=_data, module=_module, train=_train)
CONTROL = Control(
    name="tiny", title="Is it?", known="a map", how="wiring", source="hypotest", recipe=RECIPE,
    subject=lambda module, data: None, protocol="two-tasks", organisation="modular",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path))
    TRAINED.clear()


def test_a_network_is_trained_once():
    state = torch.random.get_rng_state()
    first, again = CONTROL.trained(1), CONTROL.trained(1)
    assert TRAINED == [1]
    assert torch.equal(first.module.weight, again.module.weight)
    assert first.log == again.log == ({"step": 1, "loss": 0.5},)
    assert not first.module.training
    assert torch.equal(torch.random.get_rng_state(), state)
    fresh = CONTROL.without_training(1)
    assert fresh.log == () and not torch.equal(fresh.module.weight, first.module.weight)


@pytest.mark.parametrize("damage", [b"", b"no weights"])
def test_damaged_weights_are_made_anew(damage):
    first = CONTROL.trained(1)
    weights_place(RECIPE, 1).write_bytes(damage)
    again = CONTROL.trained(1)
    assert TRAINED == [1, 1]
    assert torch.equal(first.module.weight, again.module.weight)


def test_other_settings_are_another_network():
    other = dataclasses.replace(RECIPE, settings={"decay": 0.1})
    assert code_digest(other) != code_digest(RECIPE)
    assert code_digest(RECIPE, _data) == code_digest(RECIPE)
    assert code_digest(RECIPE, torch.nn.functional.relu) != code_digest(RECIPE)


def test_controls_are_functions_of_the_package():
    assert "two_blocks" in dir(hypotest.controls) and len(dir(hypotest.controls)) == len(CONTROLS)
    assert hypotest.controls.two_blocks.__self__ is CONTROLS["two-blocks"]
    with pytest.raises(AttributeError, match=r"has no 'three_blocks'; there are .*two_blocks"):
        hypotest.controls.three_blocks  # noqa: B018
    assert control_named("two_blocks") is CONTROLS["two-blocks"]
    with pytest.raises(ProtocolError, match="near are two-blocks"):
        control_named("two-block")
