import numpy as np
import pytest
import torch

from hypotest.collect.ablation import ablation_arrays, prepare_readout
from hypotest.collect.forward import forward_arrays
from hypotest.errors import EvidenceError
from tests.collect.hooks import double_model, losses, mean_ablated_losses


@pytest.fixture(scope="module")
def everything(small_subject, small_tokens):
    """All positions of six blocks, their arrays, and the mean activations."""
    tokens = small_tokens[:6]
    block, index = (axis.ravel() for axis in np.indices((6, tokens.shape[1] - 1)))
    arrays = forward_arrays(small_subject, tokens, block, index)
    mean = arrays["activations"].mean(axis=0)
    return tokens, arrays, mean, tokens[block, index + 1].astype(np.int64)


def test_every_neuron_agrees_with_hooks_in_float64(small_subject, everything):
    tokens, arrays, mean, target = everything
    fast = ablation_arrays(
        prepare_readout(small_subject), arrays["residual"], arrays["activations"], mean, target
    )
    base = losses(double_model(small_subject), tokens).ravel()
    np.testing.assert_allclose(fast["loss"], base, atol=2e-5)
    largest = 0.0
    for neuron in range(0, small_subject.n_neurons, 5):
        change = mean_ablated_losses(small_subject, tokens, neuron, float(mean[neuron])).ravel() - base
        largest = max(largest, np.abs(change).max())
        # what is left of the remainder where k2 is at most 0.005, and float32
        assert (np.abs(fast["delta_loss"][:, neuron] - change) < 1e-4).all()
    assert largest > 0.02  # the agreement is about visible effects
    assert 0 < fast["n_exact"].sum() < fast["delta_loss"].size  # both ways were taken


def test_cumulants_and_exact_evaluation_meet(small_subject, everything, monkeypatch):
    _, arrays, mean, target = everything
    inputs = (prepare_readout(small_subject), arrays["residual"], arrays["activations"], mean, target)
    mixed = ablation_arrays(*inputs)
    monkeypatch.setattr("hypotest.collect.ablation.EXACT_ABOVE", -1.0)
    exact = ablation_arrays(*inputs)
    assert (exact["n_exact"] == small_subject.n_neurons).all()
    np.testing.assert_allclose(mixed["delta_loss"], exact["delta_loss"], atol=1e-4)


def test_no_change_where_the_neuron_is_at_its_mean(small_subject, everything):
    _, arrays, _, target = everything
    row = arrays["activations"][:1]
    fast = ablation_arrays(prepare_readout(small_subject), arrays["residual"][:1], row, row[0], target[:1])
    np.testing.assert_allclose(fast["delta_loss"], 0.0, atol=1e-7)


def test_batches_do_not_matter(small_subject, everything, monkeypatch):
    _, arrays, mean, target = everything
    readout = prepare_readout(small_subject)
    whole = ablation_arrays(readout, arrays["residual"], arrays["activations"], mean, target)
    monkeypatch.setattr("hypotest.collect.ablation._POSITIONS_PER_BATCH", 7)
    monkeypatch.setattr("hypotest.collect.ablation._NEURONS_PER_BATCH", 10)
    parts = ablation_arrays(readout, arrays["residual"], arrays["activations"], mean, target)
    np.testing.assert_allclose(parts["delta_loss"], whole["delta_loss"], atol=5e-6)


def test_an_unembedding_bias_is_carried(small_subject):
    readout = prepare_readout(small_subject)
    with torch.no_grad():
        torch.manual_seed(0)
        head = torch.nn.Linear(small_subject.d_model, small_subject.vocab_size)
        head.weight.copy_(small_subject.module("unembedding").weight)
    expected = readout.logit_bias + head.bias
    original = small_subject.model.lm_head
    small_subject.model.lm_head = head.requires_grad_(False)
    try:
        torch.testing.assert_close(prepare_readout(small_subject).logit_bias, expected)
    finally:
        small_subject.model.lm_head = original


def test_values_that_overflow_are_an_error(small_subject, everything):
    _, arrays, mean, target = everything
    broken = arrays["activations"][:2].copy()
    broken[0, 3] = np.inf
    with pytest.raises(EvidenceError, match="neuron 3 at position 0 is not finite"):
        ablation_arrays(prepare_readout(small_subject), arrays["residual"][:2], broken, mean, target[:2])
