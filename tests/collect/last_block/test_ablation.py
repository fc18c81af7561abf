import numpy as np
import pytest
import torch

from hypotest.collect.forward import forward_arrays
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.readout import Readout, prepare_readout
from hypotest.collect.last_block.tiles import Tiles
from hypotest.collect.replacement import Replacement
from hypotest.errors import EvidenceError
from tests.collect.families import CONFIGS, N_NEURONS, hooked_losses, positions, small_model

pytestmark = pytest.mark.slow

CERTIFIED = [name for name in CONFIGS if name not in ("gemma2", "gemma3", "gemma3_text", "olmo2")]


@pytest.mark.parametrize(
    "kind", ["mean", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("zero", "resample"))]
)
@pytest.mark.parametrize("name", CERTIFIED)
def test_every_entry_within_its_certificate_in_every_family(name, kind):
    subject = small_model(name)
    assert subject.identity_obstacle == ""
    tokens, block, index, target = positions()
    seen = forward_arrays(subject, tokens, block, index)
    replacement = Replacement.of(kind, seen["activations"], block, index, seed=9)
    arrays = NeuronAblation(prepare_readout(subject))(
        seen["residual"], seen["activations"], replacement.at(block, index, tokens.shape[1]), target
    )
    base = hooked_losses(subject, tokens, block, index)
    np.testing.assert_allclose(arrays["loss"], base, atol=1e-5)
    assert arrays["error_bound"].max() <= 1e-4
    largest = 0.0
    for neuron in range(N_NEURONS):
        after = np.stack([np.broadcast_to(replacement.within(b, 16)[:, neuron], 16) for b in range(4)])
        change = hooked_losses(subject, tokens, block, index, {neuron: after}) - base
        error = np.abs(arrays["delta_loss"][:, neuron] - change)
        # 5e-6: the float32 forward pass that residuals and activations came from
        assert (error <= arrays["error_bound"][:, neuron] + 5e-6).all()
        largest = max(largest, np.abs(change).max())
    assert largest > 0.1


def hard_readout(rng, vocab, d_model, n_neurons, logit_scale, centred, bias, offset=0.0, peaked=0.0):
    """Random weights; all logits `offset` away from 0, as GPT-2's are, and token 7's higher by `peaked`."""
    unembedding = logit_scale * rng.normal(size=(vocab, d_model)) / d_model**0.5
    biases = 5 * rng.normal(size=vocab) + peaked * (np.arange(vocab) == 7)
    return Readout.of(
        unembedding=torch.from_numpy(unembedding + offset * rng.normal(size=d_model)).float(),
        gain=torch.from_numpy(rng.uniform(0.2, 3, d_model)).float(),
        bias=torch.from_numpy(biases) if bias else None,
        output=torch.from_numpy(rng.normal(size=(n_neurons, d_model))).float(),
        epsilon=1e-6,
        centred=centred,
    )


def exact_change(readout, residual, delta, target):
    """From the definition, in float64 and in other words than the code's."""
    weights, gain, output = (
        item.double().numpy() for item in (readout.unembedding, readout.gain, readout.output)
    )
    bias = 0.0 if readout.logit_bias is None else readout.logit_bias.double().numpy()

    def loss(x):
        if readout.centred:
            x = x - x.mean(axis=-1, keepdims=True)
        normed = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + readout.epsilon) * gain
        logits = normed @ weights.T + bias
        top = logits.max(axis=-1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=-1)) + top[..., 0]
        return total - np.take_along_axis(logits, target[:, None], axis=-1)[:, 0]

    base = loss(residual)
    return np.stack(
        [loss(residual + delta[:, [i]] * output[i]) - base for i in range(delta.shape[1])], axis=1
    )


@pytest.mark.parametrize("tolerance", [1e-3, 1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(
    ("logit_scale", "size", "peaked", "offset"),
    [
        (1.0, 0.01, 0, 0),
        (3.0, 0.1, 0, 10),
        (8.0, 1.0, 0, 0),
        (2.0, 30.0, 0, 3),
        (3.0, 0.1, 30.0, 0),
        (3.0, 2.0, 60.0, 1),
    ],
)
def test_no_entry_outside_its_certificate(logit_scale, size, peaked, offset, centred, tolerance):
    """Flat and peaked predictions; perturbations from a hundredth of the residual to thirty times it."""
    rng = np.random.default_rng([int(10 * logit_scale), int(100 * size), centred])
    vocab, d_model, n_neurons, n = 3001, 48, 37, 29
    readout = hard_readout(rng, vocab, d_model, n_neurons, logit_scale, centred, True, offset, peaked)
    residual = rng.normal(size=(n, d_model)).astype(np.float32)
    # heavy-tailed, some of them exactly at rest, some that nearly cancel the residual
    activations = (size * rng.standard_t(2, size=(n, n_neurons)) / d_model**0.5).astype(np.float32)
    activations[:, 5] = 0
    output = readout.output.numpy().copy()
    output[6] = residual[0]
    readout.output.copy_(torch.from_numpy(output))
    activations[0, 6] = np.float32(0.9999)
    target = rng.integers(0, vocab, n)
    target[::3] = 7
    after = rng.normal(size=n_neurons).astype(np.float32) * np.float32(size / 10)
    after[5:7] = 0
    arrays = NeuronAblation(readout, tolerance)(residual, activations, after, target)
    truth = exact_change(readout, residual.astype(np.float64), after.astype(np.float64) - activations, target)
    error = np.abs(arrays["delta_loss"] - truth)
    bound = arrays["error_bound"].astype(np.float64)
    # an effect of 30 nats cannot be kept in float32 to a millionth: its own bound says so
    large = np.abs(truth) * 2.0**-24 > tolerance / 2
    assert (bound <= tolerance)[~large].all()
    assert (error <= bound + 1e-12).all()
    assert (arrays["delta_loss"][:, 5] == 0).all()


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6])
@pytest.mark.parametrize("left", [0.1, 0.03, 1e-3, 1e-6])
@pytest.mark.parametrize("logit_scale", [1e-3, 3.0])
def test_a_neuron_that_cancels_the_residual(logit_scale, left, tolerance):
    """With next to no logits, nothing but the small rest of the residual says how uncertain s and r are."""
    rng = np.random.default_rng(8)
    readout = hard_readout(rng, 700, 32, 20, logit_scale, True, bias=False)
    residual = (100 * rng.normal(size=(20, 32))).astype(np.float32)
    rest = left * 100 * rng.normal(size=(20, 32))
    readout.output.copy_(torch.from_numpy(residual + rest).float())
    activations = np.diag(np.ones(20)).astype(np.float32)
    target = rng.integers(0, 700, 20)
    arrays = NeuronAblation(readout, tolerance)(residual, activations, np.zeros(20, np.float32), target)
    truth = exact_change(readout, residual.astype(np.float64), -activations.astype(np.float64), target)
    assert (np.abs(arrays["delta_loss"] - truth) <= arrays["error_bound"].astype(np.float64)).all()
    # an effect of 30 nats is kept in float32 to a few millionths
    assert arrays["error_bound"].max() <= max(tolerance, 2.0**-23 * np.abs(truth).max())


@pytest.mark.parametrize("part", ["mean of x", "mean of w", "rows of W", "direction of W"])
def test_parts_that_drop_out_of_the_logits(part):
    """What a LayerNorm or the other factor removes is still there when float32 rounds the products."""
    rng = np.random.default_rng(10)
    n, vocab, d_model, n_neurons = 40, 900, 64, 25
    weights, output = rng.normal(size=(vocab, d_model)) / 4, rng.normal(size=(n_neurons, d_model))
    residual = rng.normal(size=(n, d_model))
    if part == "mean of x":
        residual += 10_000
    elif part == "mean of w":
        output += 1000
    elif part == "rows of W":
        residual += 100
        weights += 10 * rng.normal(size=(vocab, 1))
    else:
        direction = rng.normal(size=d_model)
        direction -= direction.mean()
        direction /= np.linalg.norm(direction)
        residual -= np.outer(residual @ direction, direction)
        output -= np.outer(output @ direction, direction)
        weights += 1000 * rng.normal(size=(vocab, 1)) * direction
    readout = Readout.of(
        unembedding=torch.from_numpy(weights).float(),
        gain=torch.ones(d_model),
        bias=None,
        output=torch.from_numpy(output).float(),
        epsilon=1e-5,
        centred=True,
    )
    residual = residual.astype(np.float32)
    activations = (0.1 * rng.standard_t(3, size=(n, n_neurons))).astype(np.float32)
    target = rng.integers(0, vocab, n)
    arrays = NeuronAblation(readout)(residual, activations, np.zeros(n_neurons, np.float32), target)
    truth = exact_change(readout, residual.astype(np.float64), -activations.astype(np.float64), target)
    assert (np.abs(arrays["delta_loss"] - truth) <= arrays["error_bound"].astype(np.float64)).all()
    assert arrays["error_bound"].max() <= 1e-4


@pytest.mark.parametrize("offset", [0.0, 2.0])
def test_rounding_stays_far_below_its_allowance(monkeypatch, offset):
    """With exact evaluation throughout, all that is left of the error is rounding."""
    rng = np.random.default_rng(11)
    readout = hard_readout(rng, 20_011, 256, 24, 4.0, True, False, offset)
    residual = rng.normal(size=(64, 256)).astype(np.float32)
    activations = rng.standard_t(3, size=(64, 24)).astype(np.float32)
    target = rng.integers(0, 20_011, 64)
    monkeypatch.setattr(
        "hypotest.collect.last_block.ablation.enclose_by_variance", lambda k2, low, high: (k2 - 1e9, k2 + 1e9)
    )
    monkeypatch.setattr("hypotest.collect.last_block.ablation._SKEWNESS_ABOVE", 2.0)
    arrays = NeuronAblation(readout, 1e-3)(residual, activations, np.zeros(24, np.float32), target)
    assert (arrays["n_exact"] == 24).all()
    truth = exact_change(readout, residual.astype(np.float64), -activations.astype(np.float64), target)
    error = np.abs(arrays["delta_loss"] - truth)
    assert np.abs(truth).max() > 1
    assert (error <= arrays["error_bound"].astype(np.float64) / 3).all()


def test_each_way_is_taken_when_it_is_the_cheapest(monkeypatch):
    rng = np.random.default_rng(2)
    readout = hard_readout(rng, 997, 32, 50, 2.0, True, bias=False)
    residual = rng.normal(size=(200, 32)).astype(np.float32)
    activations = (0.1 * rng.standard_t(2, size=(200, 50))).astype(np.float32)
    target = rng.integers(0, 997, 200)
    shares = {}
    for tolerance in (1e-2, 1e-3, 1e-4, 1e-5):
        arrays = NeuronAblation(readout, tolerance)(residual, activations, np.zeros(50, np.float32), target)
        shares[tolerance] = arrays["n_exact"].mean() / 50
    assert list(shares.values()) == sorted(shares.values())
    assert shares[1e-2] < shares[1e-5] / 2
    monkeypatch.setattr("hypotest.collect.last_block.ablation._SKEWNESS_ABOVE", 2.0)
    without = NeuronAblation(readout, 1e-4)(residual, activations, np.zeros(50, np.float32), target)
    assert without["n_exact"].mean() / 50 > 1.1 * shares[1e-4]


def test_tiles_do_not_matter():
    rng = np.random.default_rng(4)
    readout = hard_readout(rng, 499, 24, 30, 2.0, False, bias=True)
    residual = rng.normal(size=(40, 24)).astype(np.float32)
    activations = (0.2 * rng.normal(size=(40, 30))).astype(np.float32)
    target = rng.integers(0, 499, 40)
    mean = activations.mean(axis=0)
    whole = NeuronAblation(readout)(residual, activations, mean, target)
    small = NeuronAblation(readout)
    small.tiles = Tiles(neurons_resident=11, neurons=4, positions=7, pairs=3, pairs_in_float64=2)
    parts = small(residual, activations, mean, target)
    both = whole["error_bound"].astype(float) + parts["error_bound"]
    assert (np.abs(whole["delta_loss"] - parts["delta_loss"]) <= both).all()
    again = NeuronAblation(readout)(residual, activations, mean, target)
    np.testing.assert_array_equal(again["delta_loss"], whole["delta_loss"])


def test_the_budget_decides_the_tiles():
    tiles = Tiles.for_memory(4.0, 50_304, 8192, 2048)
    assert tiles.neurons_resident == 8192  # u_i of Pythia-1B fits: 1.65 GB
    vectors = 2048 + tiles.neurons_resident + 2 * tiles.neurons + 8 * tiles.positions + 4 * tiles.pairs
    used = 4 * 50_304 * vectors
    assert used < 4e9
    assert Tiles.for_memory(1.0, 50_304, 8192, 2048).neurons_resident < 8192
    with pytest.raises(EvidenceError, match=r"found memory=0\.1, in GB: give more"):
        Tiles.for_memory(0.1, 50_304, 8192, 2048)


def test_results_do_not_depend_on_the_precision_that_was_set():
    rng = np.random.default_rng(6)
    readout = hard_readout(rng, 499, 24, 10, 2.0, True, bias=False)
    inputs = (
        rng.normal(size=(9, 24)).astype(np.float32),
        rng.normal(size=(9, 10)).astype(np.float32),
        np.zeros(10, np.float32),
        rng.integers(0, 499, 9),
    )
    expected = NeuronAblation(readout)(*inputs)["delta_loss"]
    torch.set_float32_matmul_precision("medium")
    try:
        np.testing.assert_array_equal(NeuronAblation(readout)(*inputs)["delta_loss"], expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_an_unembedding_bias_is_carried(small_subject):
    readout = prepare_readout(small_subject)
    with torch.no_grad():
        torch.manual_seed(0)
        head = torch.nn.Linear(small_subject.d_model, small_subject.vocab_size)
        head.weight.copy_(small_subject.module("unembedding").weight)
    expected = readout.logit_bias + head.bias - head.bias.double().mean()
    original = small_subject.model.lm_head
    small_subject.model.lm_head = head.requires_grad_(False)
    try:
        torch.testing.assert_close(prepare_readout(small_subject).logit_bias, expected)
    finally:
        small_subject.model.lm_head = original


def test_values_that_overflow_are_an_error():
    rng = np.random.default_rng(6)
    readout = hard_readout(rng, 499, 24, 10, 2.0, True, bias=False)
    activations = rng.normal(size=(2, 10)).astype(np.float32)
    activations[0, 3] = np.inf
    with pytest.raises(EvidenceError, match="neuron 3 at position 0 is not finite"):
        NeuronAblation(readout)(
            rng.normal(size=(2, 24)).astype(np.float32),
            activations,
            np.zeros(10, np.float32),
            np.array([1, 2]),
        )


def test_a_tolerance_below_float32_is_refused():
    rng = np.random.default_rng(6)
    with pytest.raises(EvidenceError, match="at least 1e-6"):
        NeuronAblation(hard_readout(rng, 99, 8, 3, 1.0, True, bias=False), 1e-8)
