import numpy as np
import pytest
import torch

from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.decomposition import decompose
from tests.collect.last_block.test_ablation import hard_readout


def parts_in_float64(readout, residual, delta, target):
    """Each part from norm and unembedding, with the scale or the direction of the other held."""
    weights, gain = readout.unembedding.double(), readout.gain.double()
    bias = 0.0 if readout.logit_bias is None else readout.logit_bias.double()

    def before(x):
        return x - x.mean(dim=-1, keepdim=True) if readout.centred else x

    def scale(x):
        return torch.sqrt(x.square().mean(dim=-1, keepdim=True) + readout.epsilon)

    def loss_and_entropy(normed):
        log_p = torch.log_softmax(normed * gain @ weights.T + bias, dim=-1)
        return -log_p[torch.arange(len(target)), target], -(log_p.exp() * log_p).sum(dim=-1)

    x = before(torch.from_numpy(residual).double())
    loss, entropy = loss_and_entropy(x / scale(x))
    parts = {"through_norm": [], "direct": [], "entropy": []}
    for neuron in range(delta.shape[1]):
        step = before(torch.from_numpy(delta[:, [neuron]]).double() * readout.output[neuron].double())
        moved = x + step
        parts["through_norm"].append(loss_and_entropy(x / scale(moved))[0] - loss)
        parts["direct"].append(loss_and_entropy(x / scale(x) + step / scale(moved))[0] - loss)
        parts["entropy"].append(loss_and_entropy(moved / scale(moved))[1] - entropy)
    return {name: torch.stack(values, dim=1).numpy() for name, values in parts.items()}


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("size", "centred"), [(0.02, True), (0.3, False), (3.0, True)])
def test_parts_agree_with_float64(size, centred, bias):
    rng = np.random.default_rng([int(100 * size), bias])
    readout = hard_readout(rng, 1501, 32, 21, 2.5, centred, bias)
    residual = rng.normal(size=(25, 32)).astype(np.float32)
    activations = (size * rng.standard_t(3, size=(25, 21)) / 6).astype(np.float32)
    activations[:, 2] = 0
    target = rng.integers(0, 1501, 25)
    parts = decompose(NeuronAblation(readout), residual, activations, np.zeros(21, np.float32), target)
    expected = parts_in_float64(readout, residual, -activations, target)
    for name, tolerance in {"through_norm": 1e-4, "direct": 1e-4, "entropy": 5e-4}.items():
        np.testing.assert_allclose(parts[name], expected[name], atol=tolerance)
        assert np.abs(expected[name]).max() > 20 * tolerance * min(1, size)
        assert np.abs(parts[name][:, 2]).max() < 1e-6
