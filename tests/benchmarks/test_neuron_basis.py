"""The simulations behind what rotations and random directions can decide: they run, and go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.neuron_basis import MODULAR, NOT_MODULAR, exceeds, simulated


@pytest.mark.parametrize("name", NOT_MODULAR | MODULAR)
def test_each_layer_is_simulated(name: str) -> None:
    layer = (NOT_MODULAR | MODULAR)[name]
    activations = layer(12, 64, np.random.default_rng(1))
    assert activations.shape == (64, 12)
    assert np.isfinite(activations).all()
    assert np.ptp(activations, axis=0).min() > 0
    assert exceeds(layer, 12, 64, (1, 2)) == exceeds(layer, 12, 64, (1, 2))


def test_modules_are_seen_and_unrelated_neurons_are_not(tmp_path: Path) -> None:
    assert simulated("modules", 24, 500, 5, tmp_path).all()
    assert not simulated("independent", 24, 500, 5, tmp_path).all(axis=1).any()


def test_simulations_go_on_where_they_stopped(tmp_path: Path) -> None:
    some = simulated("ten factors", 12, 64, 2, tmp_path)
    np.testing.assert_array_equal(simulated("ten factors", 12, 64, 4, tmp_path)[:2], some)
