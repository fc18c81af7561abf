import numpy as np
import pytest

from hypotest.collect.forward import forward_arrays
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.replacement import Replacement
from tests.collect.families import (
    CONFIGS,
    CONTEXT,
    N_LAYERS,
    N_NEURONS,
    hooked_losses,
    positions,
    small_model,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("layer", range(N_LAYERS))
@pytest.mark.parametrize("name", CONFIGS)
def test_every_family_and_layer_agrees_with_hooks_in_float64(name, layer):
    subject = small_model(name, layer)
    tokens, block, index, _ = positions()
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    kind = ("mean", "zero", "resample")[layer]
    replacement = Replacement.of(kind, activations, block, index, seed=9)
    arrays = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    base = hooked_losses(subject, tokens, block, index)
    np.testing.assert_allclose(arrays["loss"], base, atol=1e-5)
    largest = 0.0
    for neuron in range(0, N_NEURONS, 3):
        after = np.stack(
            [np.broadcast_to(replacement.within(b, CONTEXT)[:, neuron], CONTEXT) for b in range(4)]
        )
        change = hooked_losses(subject, tokens, block, index, {neuron: after}) - base
        np.testing.assert_allclose(arrays["delta_loss"][:, neuron], change, atol=1e-5)
        largest = max(largest, np.abs(change).max())
    assert largest > 0.02
    assert np.isnan(arrays["error_bound"]).all()


def test_chosen_neurons_and_batches(monkeypatch):
    subject = small_model("gemma2", 1)
    tokens, block, index, _ = positions()
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    replacement = Replacement.of("mean", activations, block, index, seed=9)
    whole = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0)
    chosen = np.array([7, 3, 30])
    monkeypatch.setattr("hypotest.collect.interventions._batch_size", lambda *_: 2)
    some = intervention_arrays(subject, tokens, np.arange(4), block, index, replacement, 1.0, chosen)
    np.testing.assert_allclose(some["delta_loss"], whole["delta_loss"][:, chosen], atol=2e-6)
    assert some["n_exact"].tolist() == [3] * index.size


def test_blocks_without_positions_are_passed_over():
    subject = small_model("llama, tied", 1)
    tokens, block, index, _ = positions()
    keep = block != 2
    activations = forward_arrays(subject, tokens, block, index)["activations"]
    replacement = Replacement.of("mean", activations, block, index, seed=9)
    arrays = intervention_arrays(
        subject, tokens, np.arange(4), block[keep], index[keep], replacement, 1.0, np.array([0])
    )
    assert np.isfinite(arrays["delta_loss"]).all()
