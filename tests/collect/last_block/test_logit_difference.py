import numpy as np
import pytest

from hypotest.collect.forward import forward_arrays
from hypotest.collect.last_block.logit_difference import LogitDifferenceAblation
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.errors import EvidenceError
from tests.collect.families import N_NEURONS, VOCAB, hooked_logits, positions, small_model
from tests.collect.last_block.test_ablation import CERTIFIED, hard_readout

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["mean", "resample"])
@pytest.mark.parametrize("name", CERTIFIED)
def test_every_entry_is_that_of_a_forward_pass_in_every_family(name, kind):
    subject = small_model(name)
    tokens, block, index, target = positions()
    foil = (target + 17) % VOCAB
    seen = forward_arrays(subject, tokens, block, index)
    replacement = Replacement.of(kind, seen["activations"], block, index, seed=9)
    arrays = LogitDifferenceAblation(prepare_readout(subject), 1.0)(
        seen["residual"], seen["activations"], replacement.at(block, index, tokens.shape[1]), target, foil
    )

    def difference(values=None):
        logits, rows = hooked_logits(subject, tokens, block, index, values), np.arange(block.size)
        return logits[rows, foil] - logits[rows, target]

    base = difference()
    np.testing.assert_allclose(arrays["loss"], base, atol=1e-5)
    largest = 0.0
    for neuron in range(N_NEURONS):
        after = np.stack([np.broadcast_to(replacement.within(b, 16)[:, neuron], 16) for b in range(4)])
        change = difference({neuron: after}) - base
        error = np.abs(arrays["delta_loss"][:, neuron] - change)
        # 5e-6: the float32 forward pass that residuals and activations came from
        assert (error <= arrays["error_bound"][:, neuron] + 5e-6).all()
        largest = max(largest, np.abs(change).max())
    assert largest > 0.1


@pytest.mark.parametrize("memory", [1.0, 1e-5])  # the second in tiles of three positions
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("centred", [False, True])
def test_every_entry_is_within_its_bound_of_the_definition(centred, bias, memory):
    rng = np.random.default_rng(4)
    readout = hard_readout(rng, 300, 16, 30, 20.0, centred, bias, offset=100.0)
    residual = rng.normal(size=(9, 16)).astype(np.float32)
    activations = rng.normal(size=(9, 30)).astype(np.float32)
    target, foil = rng.integers(0, 300, (2, 9))
    arrays = LogitDifferenceAblation(readout, memory)(
        residual, activations, np.zeros(30, np.float32), target, foil
    )

    weights, gain, output = (
        item.double().numpy() for item in (readout.unembedding, readout.gain, readout.output)
    )
    biases = np.zeros(300) if readout.logit_bias is None else readout.logit_bias.double().numpy()

    def difference(x):
        x = x - x.mean(axis=-1, keepdims=True) if centred else x
        normed = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + readout.epsilon) * gain
        logits, rows = normed @ weights.T + biases, np.arange(9)
        return logits[rows, foil] - logits[rows, target]

    wide = residual.astype(np.float64)
    for neuron in range(30):
        moved = wide - activations[:, [neuron]].astype(np.float64) * output[neuron]
        exact = difference(moved) - difference(wide)
        error = np.abs(arrays["delta_loss"][:, neuron] - exact)
        assert (error <= arrays["error_bound"][:, neuron].astype(float)).all()
    np.testing.assert_allclose(arrays["loss"], difference(wide), rtol=1e-6)


def test_what_is_not_finite_is_refused():
    readout = hard_readout(np.random.default_rng(0), 50, 8, 3, 1.0, True, False)
    with pytest.raises(EvidenceError, match="not finite"):
        LogitDifferenceAblation(readout, 1.0)(
            np.ones((1, 8), np.float32) * np.inf,
            np.zeros((1, 3), np.float32),
            np.ones(3, np.float32),
            np.array([1]),
            np.array([2]),
        )
